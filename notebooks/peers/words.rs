// Four words from one thread to another, through std's mpsc::channel. The reader blocks; its loop ends because the sender is
// dropped at the end of its thread.
//
// Usage: words PAUSE_MS
//
// The sender pauses before each word but the first. Prints one line of JSON: { words: [{ text, ms }] }.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let pause: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let (sender, receiver) = mpsc::channel();
    let begin = Instant::now();
    let thread = thread::spawn(move || {
        for (i, text) in ["hello", "from", "the", "thread"].into_iter().enumerate() {
            if i > 0 {
                thread::sleep(Duration::from_millis(pause));
            }
            sender.send(text).unwrap();
        }
    });
    let words: Vec<_> = receiver
        .into_iter()
        .map(|text| format!("{{\"text\": \"{text}\", \"ms\": {:.3}}}", begin.elapsed().as_secs_f64() * 1e3))
        .collect();
    thread.join().unwrap();
    println!("{{\"words\": [{}]}}", words.join(", "));
}
