// Numbers, one by one, from one thread to another: through std's mpsc::channel, and through a queue behind a lock.
//
// Usage: transfer N RUNS
//
// Neither has a limit. The clock runs from the start of the sending thread to the receiver's sum.
// Prints one line of JSON: for each way the milliseconds of every run, and the sum of 0, 1, ... N - 1.

use std::collections::VecDeque;
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

fn through_channel(n: u64) -> u64 {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || (0..n).for_each(|i| sender.send(i).unwrap()));
    let sum = receiver.iter().sum();
    thread.join().unwrap();
    sum
}

fn through_lock(n: u64) -> u64 {
    let queue = Arc::new((Mutex::new(VecDeque::new()), Condvar::new()));
    let other = Arc::clone(&queue);
    let thread = thread::spawn(move || {
        for i in 0..n {
            other.0.lock().unwrap().push_back(i);
            other.1.notify_one();
        }
    });
    let mut sum = 0;
    for _ in 0..n {
        let mut numbers = queue.1.wait_while(queue.0.lock().unwrap(), |numbers| numbers.is_empty()).unwrap();
        sum += numbers.pop_front().unwrap();
    }
    thread.join().unwrap();
    sum
}

fn measure(n: u64, runs: usize, way: fn(u64) -> u64) -> String {
    let mut sum = 0;
    let times: Vec<_> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            sum = way(n);
            format!("{:.4}", begin.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    format!("{{\"ms\": [{}], \"sum\": {sum}}}", times.join(", "))
}

fn main() {
    let args: Vec<u64> = std::env::args().skip(1).map(|one| one.parse().unwrap()).collect();
    let (n, runs) = (args[0], args[1] as usize);
    let (mpsc, deque) = (measure(n, runs, through_channel), measure(n, runs, through_lock));
    println!("{{\"mpsc\": {mpsc}, \"deque\": {deque}}}");
}
