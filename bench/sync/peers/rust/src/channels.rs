// Channels: numbers and objects from thread to thread, and back.

use crate::repeat;
use std::collections::VecDeque;
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

trait Send1<T>: Send {
    fn send(&self, value: T);
}
trait Recv1<T>: Send {
    fn recv(&self) -> T;
}

impl<T: Send> Send1<T> for mpsc::Sender<T> {
    fn send(&self, value: T) {
        mpsc::Sender::send(self, value).unwrap();
    }
}
impl<T: Send> Send1<T> for mpsc::SyncSender<T> {
    fn send(&self, value: T) {
        mpsc::SyncSender::send(self, value).unwrap();
    }
}
impl<T: Send> Recv1<T> for mpsc::Receiver<T> {
    fn recv(&self) -> T {
        mpsc::Receiver::recv(self).unwrap()
    }
}
impl<T: Send> Send1<T> for crossbeam_channel::Sender<T> {
    fn send(&self, value: T) {
        crossbeam_channel::Sender::send(self, value).unwrap();
    }
}
impl<T: Send> Recv1<T> for crossbeam_channel::Receiver<T> {
    fn recv(&self) -> T {
        crossbeam_channel::Receiver::recv(self).unwrap()
    }
}

/// A bounded queue by hand.
struct Queue<T> {
    values: Mutex<VecDeque<T>>,
    capacity: usize,
    changed: [Condvar; 2],
}

impl<T: Send> Send1<T> for Arc<Queue<T>> {
    fn send(&self, value: T) {
        let mut values = self.values.lock().unwrap();
        while values.len() == self.capacity {
            values = self.changed[0].wait(values).unwrap();
        }
        values.push_back(value);
        self.changed[1].notify_one();
    }
}
impl<T: Send> Recv1<T> for Arc<Queue<T>> {
    fn recv(&self) -> T {
        let mut values = self.values.lock().unwrap();
        loop {
            if let Some(value) = values.pop_front() {
                self.changed[0].notify_one();
                return value;
            }
            values = self.changed[1].wait(values).unwrap();
        }
    }
}

type Senders<T> = Vec<Box<dyn Send1<T>>>;
type Receivers<T> = Vec<Box<dyn Recv1<T>>>;

/// So many ends of one channel.
fn open<T: Send + 'static>(way: &str, capacity: usize, ends: usize) -> (Senders<T>, Receivers<T>) {
    let mut senders: Senders<T> = vec![];
    let mut receivers: Receivers<T> = vec![];
    match way {
        "mpsc" => {
            let (to, from) = mpsc::channel();
            senders.push(Box::new(to));
            receivers.push(Box::new(from));
        }
        "sync_channel" => {
            let (to, from) = mpsc::sync_channel(capacity);
            senders.push(Box::new(to));
            receivers.push(Box::new(from));
        }
        "crossbeam" => {
            let (to, from) = crossbeam_channel::bounded(capacity);
            for _ in 0..ends {
                senders.push(Box::new(to.clone()));
                receivers.push(Box::new(from.clone()));
            }
        }
        "deque" => {
            let changed = [Condvar::new(), Condvar::new()];
            let queue = Arc::new(Queue { values: Mutex::new(VecDeque::with_capacity(capacity)), capacity, changed });
            for _ in 0..ends {
                senders.push(Box::new(queue.clone()));
                receivers.push(Box::new(queue.clone()));
            }
        }
        _ => panic!("no such channel"),
    }
    (senders, receivers)
}

#[cfg(target_os = "linux")]
extern "C" {
    fn sched_setaffinity(thread: i32, size: usize, mask: *const u64) -> i32;
}

/// With BENCH_PIN a core for each end.
fn pin(core: usize, is_asked: bool) {
    #[cfg(target_os = "linux")]
    if is_asked {
        let mask = 1u64 << core;
        // SAFETY: the mask is 8 bytes long, and lives until the call is over.
        assert_eq!(unsafe { sched_setaffinity(0, 8, &mask) }, 0);
    }
}

fn stream<T: Send + 'static>(
    (senders, receivers): (Senders<T>, Receivers<T>),
    count: u64,
    message: fn(u64) -> T,
    weigh: fn(T) -> u64,
) -> f64 {
    let is_pinned = std::env::var("BENCH_PIN").is_ok();
    let expected: u64 = (0..count).map(|i| weigh(message(i))).sum();
    let (to_each, from_each) = (count / senders.len() as u64, count / receivers.len() as u64);
    let start = Instant::now();
    let sum: u64 = thread::scope(|scope| {
        for (n, sender) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                pin(0, is_pinned);
                let from = n as u64 * to_each;
                (from..from + to_each).for_each(|i| sender.send(message(i)));
            });
        }
        let threads: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                scope.spawn(move || {
                    pin(1, is_pinned);
                    (0..from_each).map(|_| weigh(receiver.recv())).sum::<u64>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let took = start.elapsed().as_nanos() as f64;
    assert_eq!(sum, expected);
    took / count as f64
}

fn trips(way: &str, capacity: usize, count: u64) -> f64 {
    let is_pinned = std::env::var("BENCH_PIN").is_ok();
    let (there, asked) = open::<u64>(way, capacity, 1);
    let (answer, back) = open::<u64>(way, capacity, 1);
    let start = Instant::now();
    let sum: u64 = thread::scope(|scope| {
        scope.spawn(move || {
            pin(1, is_pinned);
            (0..count).for_each(|_| answer[0].send(asked[0].recv()));
        });
        let asker = scope.spawn(move || {
            pin(0, is_pinned);
            let trip = |i| {
                there[0].send(i);
                back[0].recv()
            };
            (0..count).map(trip).sum()
        });
        asker.join().unwrap()
    });
    let took = start.elapsed().as_nanos() as f64;
    assert_eq!(sum, (0..count).sum::<u64>());
    took / count as f64
}

struct Parcel {
    id: u64,
    name: String,
    values: Vec<f64>,
}

fn parcel(i: u64) -> Parcel {
    Parcel { id: i, name: format!("parcel {i}"), values: (0..10).map(|at| (i + at) as f64).collect() }
}

fn weigh(parcel: Parcel) -> u64 {
    parcel.id + parcel.name.len() as u64 + parcel.values.iter().sum::<f64>() as u64
}

/// ns a message, or a trip.
pub fn measure(task: &str, way: &str, count: u64) -> f64 {
    repeat(|| match task {
        "stream" => stream(open(way, 1024, 1), count, |i| i, |i| i),
        "four" => stream(open(way, 1024, 2), count, |i| i, |i| i),
        "rendezvous" => stream(open(way, 0, 1), count, |i| i, |i| i),
        "objects" => stream(open(way, 1024, 1), count, parcel, weigh),
        "trip" => trips(way, 16, count),
        _ => panic!("no such task"),
    })
}
