//! Each kind of fault end to end: a shipped scenario in which it happens, and has to touch something.

use im_reports::record::Record;

use crate::lived;

/// Runs a scenario of `scenarios/faults` once: every promise must hold and every fault have its
/// effect. Returns its record.
#[track_caller]
fn holds(name: &str) -> Record {
    holds_with(&format!("faults/{name}"), 1)
}

/// The same of any shipped scenario, with a seed.
#[track_caller]
fn holds_with(name: &str, seed: u64) -> Record {
    let scenario = lived::shipped(name, &[]);
    assert!(scenario.faults.iter().all(imsim::scenario::Fault::require_effect), "{name}");
    lived::holds(&scenario, seed)
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                holds($name);
            }
        )*
    };
}

scenarios! {
    bandwidth_collapse: "bandwidth-collapse",
    clocks: "clocks",
    clog: "clog",
    crash_at_point: "crash-at-point",
    disk_failing: "disk-failing",
    disk_full: "disk-full",
    disk_slow: "disk-slow",
    loss_in_bursts: "loss-in-bursts",
    partition_halves: "partition-halves",
    partition_one_way: "partition-one-way",
    partition_regions: "partition-regions",
    pause: "pause",
    reconnect_storm: "reconnect-storm",
    redis_gone: "redis-gone",
    reset_storm: "reset-storm",
    rolling_restart: "rolling-restart",
    swizzle: "swizzle",
}

#[test]
fn a_redis_whose_file_is_damaged_stays_down() {
    holds_with("regress/damaged-append-only-file", 24);
}

#[test]
fn a_second_copy_that_nobody_looked_out_for_is_no_event_for_the_past() {
    holds_with("regress/copy-of-what-had-arrived", 7970);
}

#[test]
fn torn_writes() {
    let record = holds("torn-writes");
    let losses = record.faults.iter().filter(|fault| fault.kind == "power-loss");
    let lost: Vec<u64> = losses.map(|loss| loss.effect["unsynced_bytes_lost"]).collect();
    assert_eq!(lost.len(), 3);
    assert!(lost.iter().all(|bytes| *bytes > 0), "a disk lost nothing: {lost:?}");
}
