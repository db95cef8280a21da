// Locks: alone, and ten threads that increment one number.

use crate::repeat;
use std::hint::black_box;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Instant;

const THREADS: u64 = 10;

/// Increments a number under some lock.
trait Counter: Sync {
    fn increment(&self);
    fn get(&self) -> u64;
}

impl Counter for std::sync::Mutex<u64> {
    fn increment(&self) {
        *self.lock().unwrap() += 1;
    }
    fn get(&self) -> u64 {
        *self.lock().unwrap()
    }
}

impl Counter for parking_lot::Mutex<u64> {
    fn increment(&self) {
        *self.lock() += 1;
    }
    fn get(&self) -> u64 {
        *self.lock()
    }
}

impl Counter for AtomicI32 {
    fn increment(&self) {
        self.fetch_add(1, Ordering::SeqCst);
    }
    fn get(&self) -> u64 {
        self.load(Ordering::SeqCst) as u64
    }
}

fn with_counter(way: &str, run: fn(&dyn Fn() -> Box<dyn Counter>, u64) -> f64, count: u64) -> f64 {
    match way {
        "std" => run(&|| Box::new(std::sync::Mutex::new(0)), count),
        "parking_lot" => run(&|| Box::new(parking_lot::Mutex::new(0)), count),
        "atomic" => run(&|| Box::new(AtomicI32::new(0)), count),
        _ => panic!("no such lock"),
    }
}

/// ns an increment.
pub fn alone(way: &str, count: u64) -> f64 {
    with_counter(
        way,
        |make, count| {
            repeat(|| {
                let counter = make();
                let start = Instant::now();
                for _ in 0..count {
                    black_box(&counter).increment();
                }
                let took = start.elapsed().as_nanos() as f64;
                assert_eq!(counter.get(), count);
                took / count as f64
            })
        },
        count,
    )
}

/// ms for all increments; `count` is what each thread does.
pub fn contended(way: &str, count: u64) -> f64 {
    with_counter(
        way,
        |make, count| {
            repeat(|| {
                let counter = make();
                let start = Instant::now();
                thread::scope(|scope| {
                    for _ in 0..THREADS {
                        scope.spawn(|| (0..count).for_each(|_| counter.increment()));
                    }
                });
                let took = start.elapsed().as_secs_f64() * 1e3;
                assert_eq!(counter.get(), THREADS * count);
                took
            })
        },
        count,
    )
}
