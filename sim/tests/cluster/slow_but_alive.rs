//! What is slow but alive is waited for and not asked for the same again: disks that take longer than a
//! call, phones that take longer than servers, links that take long for what is on them. And what has gone
//! silent is noticed, also where nobody says anything.

use im_reports::record::{Outcome, Record};
use imsim::run::SetupError;

use crate::lived::{self, live_through, shipped};

/// Runs a scenario of `scenarios/regress` once: every promise must hold. Returns its record.
#[track_caller]
fn holds(name: &str, sets: &[&str]) -> Record {
    lived::holds(&shipped(&format!("regress/{name}"), sets), 1)
}

/// Runs a scenario of `scenarios/regress` with a bug that delays: every promise must hold, and a bound be missed.
#[track_caller]
fn misses(name: &str, bug: &str) -> Record {
    let scenario = shipped(&format!("regress/{name}"), &[&format!("im.sabotage={bug}")]);
    let record = lived::record(&scenario, 1);
    assert_eq!(record.outcome, Outcome::BoundMissed, "{:#?}", record.bounds);
    record
}

const S: u64 = 1_000_000_000;

#[test]
fn commits_go_on_however_slow_the_disk_of_the_store_is() {
    for fsync in ["2s", "9s", "30s"] {
        let set = format!("disk.store_fsync={fsync}");
        let record = holds("store-slower-than-calls", &[&set, "duration=6s", "settle=900s"]);
        assert!(record.totals.offered > 0, "{fsync}");
        assert_eq!(record.totals.accepted, record.totals.offered, "{fsync}");
        // Each repeat of a send is recognised; what is under way is done once.
        let rows = record.counters["store"]["store_rows_written"];
        assert!(rows < 10 * record.totals.accepted, "{fsync}: {rows} rows written");
    }
}

#[test]
fn rows_on_their_way_over_a_slow_link_are_not_pushed_again() {
    let record = holds("rows-wait-for-a-slow-phone", &[]);
    assert!(record.totals.push_retries < 20, "{}", record.totals.push_retries);
    assert!(record.phases.settle_ns < 30 * S, "{}", record.phases.settle_ns);
}

#[test]
fn a_fault_of_redis_tells_when_pushes_were_back_which_an_idle_link_that_nobody_looks_at_delays() {
    let back = |record: Record| record.faults[0].pushes_back_ns.expect("pushes were seen before");
    let noticed = back(holds("redis-silent-on-idle-links", &[]));
    assert!((S..=3 * S).contains(&noticed), "{noticed}");
    let late = back(misses("redis-silent-on-idle-links", "idle-redis-link"));
    assert!(late >= 8 * S, "{late}");
}

#[test]
fn phones_may_take_longer_than_calls_between_servers() {
    let record = holds("phones-slower-than-servers", &[]);
    assert_eq!(record.totals.accepted, record.totals.offered);
}

#[test]
fn devices_do_not_send_more_the_slower_their_gateway_is() {
    let record = holds("sends-tried-again-in-a-storm", &[]);
    assert_eq!(record.totals.accepted, record.totals.offered);
    let retries = record.totals.send_retries;
    assert!(retries < 5 * record.totals.offered, "{retries}");
}

#[test]
fn a_comparison_of_cursors_joins_the_one_under_way() {
    let record = holds("comparisons-side-by-side", &[]);
    assert_eq!(record.totals.accepted, record.totals.offered);
}

/// Where links take no time, what is tried again at once is tried again at the same instant.
#[test]
fn what_fails_is_not_tried_again_at_once() {
    holds("rows-heard-of-before-their-commit", &[]);
    holds("acks-tried-again-at-once", &[]);
}

#[test]
fn pages_that_come_slowly_are_waited_for() {
    holds("large-pages-between-servers", &[]);
}

#[test]
fn a_disk_may_be_busy_for_longer_than_its_fault_lasts() {
    holds("disk-operation-outlives-its-fault", &[]);
}

#[test]
fn a_set_up_that_cannot_succeed_is_given_up_and_says_why() {
    let narrow = shipped("quickstart", &["network.clients.bandwidth=100bit/s"]);
    let Err(SetupError::NotDone { waited, missing }) = live_through(&narrow, 1) else {
        panic!("logged in at 100 bit/s")
    };
    assert!(waited.0 < 30 * S, "{waited}");
    let why = "of the last time: no gateway answered a dial within 2s (im.device_timeout); a round trip takes";
    assert!(missing.contains("devices wait for logins; u0.d0 has tried "), "{missing}");
    assert!(missing.contains(why), "{missing}");
}
