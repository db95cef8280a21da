// The same work with rayon: `arrays-peer workload n threads measureMs`. The last line of the output is the report.
// Where there are several ways to write a loop, each is measured, and the best counts.

use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

const COLUMNS: usize = 1000;
const ITERATIONS: i32 = 100;
const FEWEST: usize = 3;
const MOST: usize = 1000;

fn x(i: usize) -> f64 {
    ((i * 7919) % 1000) as f64 / 2.0
}

fn y(i: usize) -> f64 {
    (i % 100) as f64
}

fn check(results: impl ExactSizeIterator<Item = f64>) -> Vec<f64> {
    let (mut sum, mut last) = (0.0, f64::NAN);
    for (i, one) in results.enumerate() {
        sum += one * (i % 7 + 1) as f64;
        last = one;
    }
    vec![sum, last]
}

fn median(ms: &[f64]) -> f64 {
    let mut sorted = ms.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

struct Timer {
    measure: Duration,
    best: Vec<f64>,
}

impl Timer {
    fn runs(&self, state: &mut impl FnMut(), run: &mut impl FnMut()) -> Vec<f64> {
        let (mut took, end) = (Vec::new(), Instant::now() + self.measure);
        while took.len() < FEWEST || (took.len() < MOST && Instant::now() < end) {
            state();
            let start = Instant::now();
            run();
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
        took
    }

    /// One way to do it; `before` each run something that is not timed.
    fn way_after(&mut self, mut before: impl FnMut(), mut run: impl FnMut()) {
        self.runs(&mut before, &mut run);
        let took = self.runs(&mut before, &mut run);
        if self.best.is_empty() || median(&took) < median(&self.best) {
            self.best = took;
        }
    }

    fn way(&mut self, run: impl FnMut()) {
        self.way_after(|| (), run);
    }
}

/// Eight sums side by side, which the compiler may keep in vectors.
#[inline(always)]
fn sum8(xs: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let chunks = xs.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&one| f(one)).sum();
    for chunk in chunks {
        for k in 0..8 {
            sums[k] += f(chunk[k]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

fn sums(timer: &mut Timer, n: usize, threads: usize, f: impl Fn(f64) -> f64 + Sync + Copy) -> Vec<f64> {
    let xs: Vec<f64> = (0..n).map(x).collect();
    let mut result = 0.0;
    timer.way(|| result = black_box(&xs).par_iter().map(|&one| f(one)).sum());
    let piece = n.div_ceil(threads * 4).max(1024);
    timer.way(|| result = black_box(&xs).par_chunks(piece).map(|part| sum8(part, f)).sum());
    let piece = n.div_ceil(threads).max(1024);
    timer.way(|| result = black_box(&xs).par_chunks(piece).map(|part| sum8(part, f)).sum());
    vec![result]
}

fn map(timer: &mut Timer, n: usize, threads: usize, f: impl Fn(f64) -> f64 + Sync + Copy) -> Vec<f64> {
    let xs: Vec<f64> = (0..n).map(x).collect();
    let mut out = vec![0.0; n];
    timer.way(|| black_box(&mut out).par_iter_mut().zip(black_box(&xs)).for_each(|(o, &one)| *o = f(one)));
    let piece = n.div_ceil(threads * 4).max(1024);
    timer.way(|| {
        let parts = black_box(&mut out).par_chunks_mut(piece).zip(black_box(&xs).par_chunks(piece));
        parts.for_each(|(out, xs)| out.iter_mut().zip(xs).for_each(|(o, &one)| *o = f(one)));
    });
    check(out.into_iter())
}

macro_rules! saxpy {
    ($timer:expr, $n:expr, $threads:expr, $float:ty) => {{
        let xs: Vec<$float> = (0..$n).map(|i| x(i) as $float).collect();
        let start: Vec<$float> = (0..$n).map(|i| y(i) as $float).collect();
        let mut ys = start.clone();
        $timer.way(|| black_box(&mut ys).par_iter_mut().zip(black_box(&xs)).for_each(|(y, &x)| *y += 2.0 * x));
        let piece = $n.div_ceil($threads * 4).max(1024);
        $timer.way(|| {
            let parts = black_box(&mut ys).par_chunks_mut(piece).zip(black_box(&xs).par_chunks(piece));
            parts.for_each(|(ys, xs)| ys.iter_mut().zip(xs).for_each(|(y, &x)| *y += 2.0 * x));
        });
        ys.copy_from_slice(&start);
        ys.par_iter_mut().zip(&xs).for_each(|(y, &x)| *y += 2.0 * x);
        check(ys.into_iter().map(f64::from))
    }};
}

fn rows(timer: &mut Timer, n: usize) -> Vec<f64> {
    let xs: Vec<f64> = (0..n).map(x).collect();
    let mut out = vec![0.0; n / COLUMNS];
    let ways: [fn(&[f64]) -> f64; 2] = [|row| row.iter().sum(), |row| sum8(row, |one| one)];
    for way in ways {
        timer.way(|| {
            let rows = black_box(&xs).par_chunks_exact(COLUMNS);
            black_box(&mut out).par_iter_mut().zip(rows).for_each(|(o, row)| *o = way(row));
        });
    }
    check(out.into_iter())
}

fn steps(i: usize, height: usize) -> i32 {
    let row = i / COLUMNS;
    let cx = -2.0 + 2.5 * (i - row * COLUMNS) as f64 / COLUMNS as f64;
    let cy = -1.25 + 2.5 * row as f64 / height as f64;
    let (mut zx, mut zy, mut k) = (0.0, 0.0, 0);
    while k < ITERATIONS && zx * zx + zy * zy <= 4.0 {
        (zx, zy) = (zx * zx - zy * zy + cx, 2.0 * zx * zy + cy);
        k += 1;
    }
    k
}

fn mandelbrot(timer: &mut Timer, n: usize) -> Vec<f64> {
    let height = n / COLUMNS;
    let mut out = vec![0; n];
    timer.way(|| black_box(&mut out).par_iter_mut().enumerate().for_each(|(i, o)| *o = steps(i, height)));
    timer.way(|| {
        let rows = black_box(&mut out).par_chunks_mut(COLUMNS).enumerate();
        rows.for_each(|(row, out)| {
            out.iter_mut().enumerate().for_each(|(column, o)| *o = steps(row * COLUMNS + column, height))
        });
    });
    check(out.into_iter().map(f64::from))
}

/// What the machine can move at best, with as many threads.
fn copy(timer: &mut Timer, n: usize, threads: usize) -> Vec<f64> {
    let xs: Vec<f64> = (0..n).map(x).collect();
    let mut out = vec![0.0; n];
    let piece = n.div_ceil(threads);
    timer.way(|| {
        let parts = black_box(&mut out).par_chunks_mut(piece).zip(black_box(&xs).par_chunks(piece));
        parts.for_each(|(out, xs)| out.copy_from_slice(xs));
    });
    check(out.into_iter())
}

fn to_sort(kind: &str, n: usize) -> Vec<f64> {
    let mut state: u32 = 2463534242;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f64 / 4294967296.0
    };
    let value = |i: usize, u: f64| match kind {
        "skewed" => {
            let square = u * u;
            square * square * square * square
        }
        "distinct" => (u * 100.0).floor(),
        "zipf" => (1.0 / (u + 1.0 / 8589934592.0)).floor().min(1e6),
        "sorted" => i as f64 / 2.0,
        "reversed" => (n - i) as f64 / 2.0,
        _ => u,
    };
    (0..n).map(|i| value(i, next())).collect()
}

fn sort(timer: &mut Timer, n: usize, workload: &str) -> Vec<f64> {
    let input = to_sort(workload.trim_start_matches("sort-"), n);
    let mut ways: Vec<fn(&mut [f64])> = vec![|xs| xs.par_sort_by(|a, b| a.partial_cmp(b).unwrap())];
    if workload != "stable" {
        ways.push(|xs| xs.par_sort_unstable_by(|a, b| a.partial_cmp(b).unwrap()));
    }
    if workload.starts_with("sort-") {
        ways.push(|xs| xs.par_sort_unstable_by(f64::total_cmp));
    }
    let array = std::cell::RefCell::new(vec![0.0; n]);
    for way in ways {
        timer.way_after(
            || array.borrow_mut().copy_from_slice(&input),
            || way(black_box(&mut array.borrow_mut())),
        );
    }
    check(array.into_inner().into_iter())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize| args[at].parse::<usize>().unwrap();
    let (workload, n, threads) = (args[1].as_str(), number(2), number(3));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let mut timer = Timer { measure: Duration::from_millis(number(4) as u64), best: Vec::new() };
    let t = &mut timer;
    let checks = match workload {
        "map-sum" => sums(t, n, threads, |x| x * 2.0 + 1.0),
        "squares" => sums(t, n, threads, |x| x * x),
        "sqrt" => map(t, n, threads, |x| x.sqrt() * 3.0 + 1.0),
        "conditional" => map(t, n, threads, |x| if x > 250.0 { x * 2.0 } else { x + 100.0 }),
        "saxpy64" => saxpy!(t, n, threads, f64),
        "saxpy32" => saxpy!(t, n, threads, f32),
        "rows" => rows(t, n),
        "mandelbrot" => mandelbrot(t, n),
        "copy" => copy(t, n, threads),
        _ => sort(t, n, workload),
    };
    println!("\n{{\"ms\":{:?},\"checks\":{:?}}}", timer.best, checks);
}
