//! What the work that is done most often takes, one subject per file: of nodes (frames, fan-out, store, log), of
//! the simulated Redis, and of the laboratory (checkers, a whole run).
//!
//! The numbers say whether a change made a path slower: criterion keeps the last ones in `target/criterion`
//! and tells the difference. They are of wall time; let nothing else run.
//!
//! ```sh
//! cargo bench --bench hot_paths              # all, in less than two minutes
//! cargo bench --bench hot_paths -- redis     # those with `redis` in their name
//! cargo test -p im-benches --bench hot_paths               # each of them once, unmeasured
//! ```

mod backend;
mod checkers;
mod codec;
mod fanout;
mod log;
mod redis;
mod rows;
mod store;
mod whole_run;

use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};

/// How long each path runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long each path is measured, or somewhat longer where a sample takes long.
const MEASUREMENT: Duration = Duration::from_secs(3);
/// Samples of a path whose single pass takes milliseconds.
const SLOW_SAMPLES: usize = 20;

fn main() {
    let criterion = Criterion::default().warm_up_time(WARM_UP).measurement_time(MEASUREMENT);
    let mut criterion = criterion.configure_from_args();
    codec::bench(&mut criterion);
    fanout::bench(&mut criterion);
    store::bench(&mut criterion);
    log::bench(&mut criterion);
    redis::bench(&mut criterion);
    checkers::bench(&mut criterion);
    whole_run::bench(&mut criterion);
    criterion.final_summary();
}

/// For paths that take milliseconds: few samples, each with the same number of passes.
fn slow(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(SLOW_SAMPLES).sampling_mode(SamplingMode::Flat);
}
