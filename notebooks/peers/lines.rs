// One of four workers of one line protocol, in Rust: measures that languages can be mixed.
//
// A line "ID N" is answered with "ID SUM": the sum of i * i mod 1000003 for all i below N. When its input ends it prints
// one line of JSON: its language and how many lines it has answered.

use std::io::{stdin, stdout, BufRead, Write};

const MODULUS: u64 = 1_000_003;

fn main() {
    let mut answered = 0;
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let (name, n) = line.split_once(' ').unwrap();
        let sum: u64 = (0..n.parse::<u64>().unwrap()).map(|i| i * i % MODULUS).sum();
        println!("{name} {sum}");
        stdout().flush().unwrap();
        answered += 1;
    }
    println!("{{\"language\": \"rust\", \"answered\": {answered}}}");
}
