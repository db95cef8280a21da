// The same work with rayon: `rust-peer suite threads`. The last line of the output is the report.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TINY: usize = 100_000;
const TRIPS: usize = 500;

fn b(i: usize) -> u64 {
    (i * 7 % 1000) as u64
}

fn check(results: &[AtomicU64]) -> u32 {
    let step = |all: u32, one: &AtomicU64| all.wrapping_mul(31).wrapping_add(one.load(Ordering::Relaxed) as u32);
    results.iter().fold(0, step)
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((q * sorted.len() as f64) as usize).min(sorted.len() - 1)]
}

/// The median of three, ms.
fn timed(mut again: impl FnMut()) -> f64 {
    let took: Vec<f64> = (0..3)
        .map(|_| {
            let start = Instant::now();
            again();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    quantile(&took, 0.5)
}

#[inline(never)]
fn add(a: u64, b: u64) -> u64 {
    black_box(a) + black_box(b)
}

#[inline(never)]
fn sum(seed: u32, n: usize) -> u64 {
    let (mut x, mut total) = (seed, 0u64);
    for _ in 0..n {
        x = x.wrapping_mul(1664525).wrapping_add(1013904223);
        total += (x % 7) as u64;
    }
    total
}

/// Spawns from outside of the pool, as the others do.
fn run_all(pool: &rayon::ThreadPool, results: &[AtomicU64], task: impl Fn(usize) -> u64 + Sync) {
    pool.in_place_scope(|scope| {
        for (i, result) in results.iter().enumerate() {
            let task = &task;
            scope.spawn(move |_| result.store(task(i), Ordering::Relaxed));
        }
    });
}

fn places(count: usize) -> Vec<AtomicU64> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

fn trips(pool: &rayon::ThreadPool, pause: Duration) -> Vec<f64> {
    (0..TRIPS)
        .map(|i| {
            if !pause.is_zero() {
                sleep(pause);
            }
            let start = Instant::now();
            let value = pool.install(|| add(i as u64, b(i)));
            let us = start.elapsed().as_secs_f64() * 1e6;
            assert_eq!(value, i as u64 + b(i));
            us
        })
        .collect()
}

fn sums(pool: &rayon::ThreadPool, threads: usize, count: usize, length: usize, task: &str) {
    let results = places(count);
    let mut all = || run_all(pool, &results, |i| sum(i as u32 + 1, length));
    all();
    let ms = timed(all);
    let checked = check(&results);
    let plural = if threads > 1 { "s" } else { "" };
    println!("{{\"figures\":{{\"{threads} thread{plural}, ms\":{ms}}},\"checks\":{{\"{task}\":{checked}}}}}");
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let threads: usize = args[2].parse().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    match args[1].as_str() {
        "tiny" => {
            let results = places(TINY);
            let mut all = || run_all(&pool, &results, |i| add(i as u64, b(i)));
            (0..5).for_each(|_| all());
            let ms = timed(all);
            let checked = check(&results);
            println!("{{\"figures\":{{\"100,000 additions, ms\":{ms}}},\"checks\":{{\"add\":{checked}}}}}");
        }
        "round-trip" => {
            trips(&pool, Duration::ZERO);
            let together = trips(&pool, Duration::ZERO);
            let apart = trips(&pool, Duration::from_millis(2));
            let figures: Vec<String> = [("back to back", &together), ("2 ms apart", &apart)]
                .iter()
                .flat_map(|(name, took)| {
                    [("median", 0.5), ("p99", 0.99)]
                        .map(|(word, q)| format!("\"{name}, {word} µs\":{}", quantile(took, q)))
                })
                .collect();
            println!("{{\"figures\":{{{}}},\"checks\":{{}}}}", figures.join(","));
        }
        "sum" => sums(&pool, threads, 4, 10_000_000, "sum"),
        "scaling" => sums(&pool, threads, 64, 2_000_000, "short"),
        _ => {}
    }
}
