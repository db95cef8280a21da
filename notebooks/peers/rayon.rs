// Rayon: the squares of 0, 1, … N - 1 as 64-bit floating-point numbers, and the document's four tasks.
//
// Usage: rayon N RUNS THREADS TASK
//
// Prints one line of JSON: the milliseconds of every run of the sum, and the sum; the milliseconds of four tasks that each add up
// i * i mod 1000003 for i below TASK, and their results. The modulus keeps the compiler from putting a formula in the
// loop's place.

use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

fn squares(n: u64) -> u64 {
    (0..n).map(|i| i * i % 1_000_003).sum()
}

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).map(|one| one.parse().unwrap()).collect();
    let (n, runs, threads, task) = (args[0], args[1], args[2], args[3] as u64);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let xs: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let mut sum = 0.0;
    let times: Vec<_> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            sum = black_box(black_box(&xs).par_iter().map(|x| x * x).sum::<f64>());
            format!("{:.4}", begin.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    let begin = Instant::now();
    let results: Vec<u64> = black_box([task; 4]).par_iter().map(|&n| squares(n)).collect();
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    println!(
        "{{\"rayon\": {{\"ms\": [{}], \"sum\": {sum:?}}}, \"tasks\": {{\"ms\": {ms:.3}, \"results\": {results:?}}}}}",
        times.join(", ")
    );
}
