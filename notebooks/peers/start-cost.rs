// Measures what it costs to start a thread, until its first message is here.
//
// Usage: start-cost RUNS
//
// Prints one line of JSON: the microseconds of every run, the resident memory of a thread that waits (the growth of this
// process by one of 32 that wait), and the sum of the messages: the run's number, from each.

use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

/// Bytes of this process in memory; None where there is no /proc. A page is taken to be 4 KiB.
fn resident() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<i64>().ok()? * 4096)
}

fn thread_size() -> Option<i64> {
    let count = 32;
    let started = Arc::new(Barrier::new(count + 1));
    let end = Arc::new(Barrier::new(count + 1));
    let before = resident()?;
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let (started, end) = (started.clone(), end.clone());
            thread::spawn(move || {
                started.wait();
                end.wait();
            })
        })
        .collect();
    started.wait();
    let after = resident()?;
    end.wait();
    for thread in threads {
        thread.join().unwrap();
    }
    Some(((after - before) / count as i64).max(0))
}

fn main() {
    let runs: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut times = Vec::new();
    let mut sum = 0;
    for number in 0..runs {
        let (sender, receiver) = channel();
        let begin = Instant::now();
        let started = thread::spawn(move || sender.send(number).unwrap());
        sum += receiver.recv().unwrap();
        times.push(format!("{:.3}", begin.elapsed().as_secs_f64() * 1e6));
        started.join().unwrap();
    }
    let size = thread_size().map_or("null".to_string(), |bytes| bytes.to_string());
    println!("{{\"thread\": {{\"us\": [{}], \"bytes\": {size}, \"sum\": {sum}}}}}", times.join(", "));
}
