// The same work in Rust: `rust-peer task way count`. The last line of the output is the report.

mod channels;
mod locks;

use std::time::{Duration, Instant};

/// The median of five runs, or of as many as there is time for; warmed up first. A run gives its figure.
pub fn repeat(mut run: impl FnMut() -> f64) -> f64 {
    let start = Instant::now();
    for _ in 0..3 {
        if start.elapsed() < Duration::from_secs(1) {
            run();
        }
    }
    let start = Instant::now();
    let mut took = vec![];
    while took.len() < 5 && (took.is_empty() || start.elapsed() < Duration::from_secs(4)) {
        took.push(run());
    }
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let count: u64 = args[3].parse().expect("a count");
    let figure = match args[1].as_str() {
        "alone" => locks::alone(&args[2], count),
        "contended" => locks::contended(&args[2], count),
        task => channels::measure(task, &args[2], count),
    };
    println!("{{\"figure\":{figure}}}");
}
