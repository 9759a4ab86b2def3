//! Many runs of one scenario: seeds over threads, one world per thread at a time.
//!
//! What a run gives depends on its seed alone; threads only decide when it comes.

pub mod summary;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::run::Progress;

/// Does `job` once per seed on `jobs` threads, each time on a fresh one: a world leaves nothing
/// behind for the next. `each` hears of every result as it comes, in any order, and may end the
/// campaign; runs under way are then stopped and not told of. A job that panicked gives what the
/// panic said.
pub fn run_seeds<T: Send>(
    seeds: impl IntoIterator<Item = u64>,
    jobs: usize,
    stop: &AtomicBool,
    job: impl Fn(u64, &Progress) -> T + Sync,
    mut each: impl FnMut(u64, Result<T, String>) -> ControlFlow<()>,
) {
    let queue: Mutex<VecDeque<u64>> = Mutex::new(seeds.into_iter().collect());
    let progresses: Vec<Arc<Progress>> = (0..jobs).map(|_| Arc::default()).collect();
    let (ended, results) = mpsc::channel();
    thread::scope(|scope| {
        for progress in &progresses {
            let (queue, ended, job) = (&queue, ended.clone(), &job);
            scope.spawn(move || {
                while !progress.stop.load(Ordering::Relaxed) {
                    let Some(seed) = queue.lock().expect("no holder panics").pop_front() else {
                        break;
                    };
                    let run = thread::scope(|fresh| fresh.spawn(|| job(seed, progress)).join());
                    let result = run.map_err(|payload| panic_text(payload.as_ref()));
                    if progress.stop.load(Ordering::Relaxed) || ended.send((seed, result)).is_err()
                    {
                        break;
                    }
                }
            });
        }
        drop(ended);
        for (seed, result) in results {
            if each(seed, result).is_break() || stop.load(Ordering::Relaxed) {
                for progress in &progresses {
                    progress.stop.store(true, Ordering::Relaxed);
                }
                break;
            }
        }
    });
}

/// What a panic said.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

/// One hash over the digests of many runs, in the order given.
pub fn digest_of<'a>(digests: impl IntoIterator<Item = (u64, &'a str)>) -> u64 {
    digests.into_iter().fold(0, |rolled, (seed, digest)| {
        xxh3_64_with_seed(digest.as_bytes(), xxh3_64_with_seed(&seed.to_le_bytes(), rolled))
    })
}
