//! Variants of how rows reach devices, end to end: every promise holds under faults, and each variant
//! visibly does what it says.

use im_reports::record::Record;

use crate::lived::{self, counter};

/// Runs a scenario of `scenarios/fanout` once: every promise must hold and every fault have its
/// effect. Returns its record.
#[track_caller]
fn holds(name: &str, sets: &[&str]) -> Record {
    lived::holds(&lived::shipped(&format!("fanout/{name}"), sets), 1)
}

#[test]
fn with_pull_on_opening_rows_in_large_groups_wait_until_somebody_looks() {
    let record = holds("pull-on-open", &["im.fanout=read"]);
    assert_eq!(counter(&record, "dispatcher", "pushes"), 0, "nobody hears of a row");
    assert_eq!(counter(&record, "gateway", "pushes_reconciled"), 0, "no comparison finds one");
    let opens = ["opens", "opens_asked", "opens_with_news"];
    let [opens, asked, with_news] = opens.map(|name| counter(&record, "device", name));
    assert!(opens >= asked && asked > with_news && with_news > 0, "{opens} {asked} {with_news}");
}

#[test]
fn an_open_costs_the_servers_nothing_where_rows_are_written() {
    let record = holds("pull-on-open", &["im.fanout=write"]);
    assert!(counter(&record, "device", "opens") > 0);
    assert_eq!(counter(&record, "device", "opens_asked"), 0);
    assert!(counter(&record, "dispatcher", "pushes") > 0);
}

#[test]
fn with_hybrid_fan_out_only_large_groups_are_asked_for() {
    let record = holds("pull-on-open", &[]);
    let [opens, asked] = ["opens", "opens_asked"].map(|name| counter(&record, "device", name));
    assert!(0 < asked && asked < opens, "{asked} of {opens}");
    assert!(counter(&record, "dispatcher", "pushes") > 0);
}

#[test]
fn opening_moves_nothing_where_devices_are_told() {
    let shown = |sets: &[&str]| {
        let sets = [&["im.pull=on-notify"], sets].concat();
        holds("pull-on-open", &sets).totals.shown
    };
    assert_eq!(shown(&[]), shown(&["workload.pairs.consume_rate=1/s"]));
}

#[test]
fn pushes_are_rows_or_notices_as_they_are_asked_for() {
    let rows = |name, sets: &[&str]| counter(&holds(name, sets), "gateway", "rows_pushed");
    for fanout in ["im.fanout=read", "im.fanout=write", "im.fanout=hybrid"] {
        assert_eq!(rows("push-notify", &[fanout]), 0, "{fanout}");
        let record = holds("push-content", &[fanout]);
        let frames = counter(&record, "gateway", "push_frames");
        let rows = counter(&record, "gateway", "rows_pushed");
        // What is left are heads of timelines that a comparison of cursors found.
        assert!(rows <= frames && rows * 10 > frames * 9, "{fanout}: {rows} of {frames}");
    }
    assert_eq!(rows("read", &[]), 0);
    assert!(rows("hybrid", &[]) > 0);
}

#[test]
fn merged_pushes_share_frames() {
    let frames = |sets: &[&str]| {
        let record = holds("merge", sets);
        let retries = counter(&record, "gateway", "push_retries");
        let pushes = counter(&record, "dispatcher", "pushes") + retries;
        (counter(&record, "gateway", "push_frames"), pushes)
    };
    let (merged, pushes) = frames(&[]);
    assert!(merged * 4 < pushes * 3, "{merged} frames for {pushes} pushes");
    let (few, _) = frames(&["im.merge.max=2"]);
    assert!(few > merged, "{few} frames of two, {merged} of more");
}

#[test]
fn every_way_of_delivery_goes_with_every_other() {
    for fanout in ["im.fanout=read", "im.fanout=write", "im.fanout=hybrid"] {
        for push in ["im.push=content", "im.push=notify"] {
            holds("pull-on-open", &[fanout, push, "im.merge={ max = 9, window = \"50ms\" }"]);
            holds("merge", &[fanout, push]);
        }
    }
}

#[test]
fn a_new_threshold_counts_from_the_next_commit_on() {
    let copies = |sets: &[&str]| counter(&holds("threshold-change", sets), "store", "inbox_copies");
    let read = copies(&["changes=[]", "im.hybrid_threshold=3"]);
    let written = copies(&["changes=[]", "im.hybrid_threshold=100"]);
    let changed = copies(&[]);
    assert!(read < changed && changed < written, "{read}, {changed}, {written}");
}

#[test]
fn a_gap_is_asked_for_alone() {
    // Groups on the border between both sides: when one is written again, what was left in its timeline is missing
    // before the first row that is pushed.
    let sets = ["im.hybrid_opens_percent=7", "workload.groups.consume_rate=0.146/s"];
    let record = holds("consume-rate", &sets);
    assert!(counter(&record, "device", "rows_held_back") > 0, "a push came after a gap");
    assert!(counter(&record, "device", "sync_requests") > 0);
    let read = ["rows_from_cache", "rows_from_store"].map(|name| counter(&record, "chat", name));
    let pushed = counter(&record, "gateway", "rows_pushed");
    // A heartbeat may cross a push: the comparison of cursors sends the row again.
    let twice = counter(&record, "device", "device_duplicates");
    assert!(twice < 5, "{twice}");
    assert_eq!(read.iter().sum::<u64>() + pushed, record.totals.shown + twice);
}
