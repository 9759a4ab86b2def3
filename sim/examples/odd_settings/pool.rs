//! Runs over threads, each on a fresh one, with a bound on how long one may take.
//!
//! The only file that reads the wall clock. A run beyond the bound is asked to stop; one that does
//! not even do that stands still at one instant of virtual time, and its thread is left behind.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "how long a run takes on the wall is what is watched here"
)]

use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use imsim::run::Progress;

/// How runs are spread and bounded.
pub struct Pool {
    /// Runs at a time.
    pub jobs: usize,
    /// Seconds after which a run counts as hanging.
    pub patience_s: u64,
}

/// How a run came back.
pub enum Came<T> {
    /// By itself; with how long that took in seconds.
    Back(T),
    /// It was asked to stop, and did: it would have gone on. Where its clock stood, in nanoseconds
    /// from the start of `duration`.
    TooLong(T, u64),
    /// It did not even stop when asked.
    Never(u64),
}

struct Running {
    number: u64,
    progress: Arc<Progress>,
    since: Instant,
    asked: Option<Instant>,
}

/// How long a run that was asked to stop has for it.
const GRACE: Duration = Duration::from_secs(20);
/// How often runs are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// More threads than this are not left behind: the machine would have nothing left for the others.
const LEFT_BEHIND_MAX: usize = 4;

impl Pool {
    /// Does `job` for each number. `each` hears of every run as it comes back, with its wall time
    /// in seconds, and may end the campaign. Returns how many threads were left behind.
    pub fn each<T: Send + 'static>(
        &self,
        numbers: Range<u64>,
        job: impl Fn(u64, &Progress) -> T + Send + Sync + 'static,
        mut each: impl FnMut(u64, f64, Came<T>) -> ControlFlow<()>,
    ) -> usize {
        let (job, (back, results)) = (Arc::new(job), mpsc::channel());
        let mut waiting = numbers;
        let mut running: Vec<Running> = Vec::new();
        let mut left_behind = 0;
        let mut over = false;
        loop {
            while !over && left_behind < LEFT_BEHIND_MAX && running.len() < self.jobs {
                let Some(number) = waiting.next() else { break };
                let progress = Arc::<Progress>::default();
                let (job, back, shared) = (job.clone(), back.clone(), progress.clone());
                // Whoever was left behind has nobody to tell any more.
                thread::spawn(move || drop(back.send((number, job(number, &shared)))));
                running.push(Running { number, progress, since: Instant::now(), asked: None });
            }
            if running.is_empty() {
                return left_behind;
            }
            if let Ok((number, result)) = results.recv_timeout(LOOK)
                && let Some(place) = running.iter().position(|run| run.number == number)
            {
                let run = running.swap_remove(place);
                let came = match run.asked {
                    None => Came::Back(result),
                    Some(_) => Came::TooLong(result, run.clock()),
                };
                over |= each(number, run.since.elapsed().as_secs_f64(), came).is_break();
            }
            for run in &mut running {
                if run.asked.is_none() && (over || run.since.elapsed().as_secs() >= self.patience_s)
                {
                    run.progress.stop.store(true, Ordering::Relaxed);
                    run.asked = Some(Instant::now());
                }
            }
            let gone = |run: &mut Running| run.asked.is_some_and(|asked| asked.elapsed() > GRACE);
            for run in running.extract_if(.., gone) {
                left_behind += 1;
                over |=
                    each(run.number, run.since.elapsed().as_secs_f64(), Came::Never(run.clock()))
                        .is_break();
            }
        }
    }
}

impl Running {
    fn clock(&self) -> u64 {
        self.progress.virtual_ns.load(Ordering::Relaxed)
    }
}
