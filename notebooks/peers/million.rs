// Adds up the squares of 0, 1, … N - 1 as 64-bit floating-point numbers: on one thread, and on THREADS of the standard
// library, started for each run.
//
// Usage: million N RUNS THREADS
//
// Prints one line of JSON: for each way the milliseconds of every run, and the sum. The numbers are hidden from the compiler,
// which would otherwise put a formula, or nothing at all, in the place of the loop.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

fn add(xs: &[f64]) -> f64 {
    xs.iter().map(|x| x * x).sum()
}

fn add_on(threads: usize, xs: &[f64]) -> f64 {
    let part = xs.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let all: Vec<_> = xs.chunks(part).map(|chunk| scope.spawn(move || add(chunk))).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    })
}

fn measure(name: &str, runs: usize, xs: &[f64], way: impl Fn(&[f64]) -> f64) -> String {
    let mut sum = 0.0;
    let times: Vec<_> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            sum = black_box(way(black_box(xs)));
            format!("{:.4}", begin.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    format!("\"{name}\": {{\"ms\": [{}], \"sum\": {sum:?}}}", times.join(", "))
}

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).map(|one| one.parse().unwrap()).collect();
    let (n, runs, threads) = (args[0], args[1], args[2]);
    let xs: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let one = measure("one", runs, &xs, add);
    let many = measure("threads", runs, &xs, |xs| add_on(threads, xs));
    println!("{{{one}, {many}}}");
}
