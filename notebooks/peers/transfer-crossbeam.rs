// Numbers, one by one, from one thread to another through crossbeam's bounded channel.
//
// Usage: transfer-crossbeam N RUNS
//
// There is room for 1,024. The clock runs from the start of the sending thread to the receiver's sum.
// Prints one line of JSON: the milliseconds of every run, and the sum of 0, 1, ... N - 1.

use std::thread;
use std::time::Instant;

fn main() {
    let args: Vec<u64> = std::env::args().skip(1).map(|one| one.parse().unwrap()).collect();
    let (n, runs) = (args[0], args[1]);
    let mut sum = 0;
    let times: Vec<_> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            let (sender, receiver) = crossbeam_channel::bounded(1024);
            let thread = thread::spawn(move || (0..n).for_each(|i| sender.send(i).unwrap()));
            sum = receiver.iter().sum::<u64>();
            thread.join().unwrap();
            format!("{:.4}", begin.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    println!("{{\"ms\": [{}], \"sum\": {sum}}}", times.join(", "));
}
