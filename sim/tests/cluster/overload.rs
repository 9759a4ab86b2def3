//! A cluster that is asked for more than its processors can do: latency rises with the load, nothing
//! is lost, and afterwards everything that was accepted is worked off.

use im_reports::record::{ProcessorLoad, Record, Verdict};

use crate::lived;

/// The record of the shipped scenario with other values.
fn with(sets: &[&str]) -> Record {
    lived::record(&lived::shipped("capacity/one-slow-chat", sets), 1)
}

fn at_rate(rate: &str) -> Record {
    with(&[&format!("workload.pairs.rate={rate}")])
}

fn show_p50_ms(record: &Record) -> f64 {
    let shown = record.latencies.iter().find(|latency| latency.name == "send→show");
    shown.expect("rows were shown").percentile_ns(50.0) as f64 / 1e6
}

fn roles(record: &Record) -> &[ProcessorLoad] {
    &record.processors.as_ref().expect("work costs time here").roles
}

fn chat_busy(record: &Record) -> f64 {
    let chat = roles(record).iter().find(|load| load.role == "chat");
    chat.expect("there is one").busy_share_max
}

/// How many processors were busy on average, all hosts together.
fn cores_busy(record: &Record) -> f64 {
    roles(record).iter().map(|load| load.busy_share_mean * load.hosts as f64).sum()
}

#[test]
fn latency_rises_with_the_load_and_nothing_is_lost() {
    let [easy, busy, overloaded] = ["20/s", "600/s", "2500/s"].map(at_rate);
    for record in [&easy, &busy, &overloaded] {
        assert_eq!(record.verdict, Verdict::Valid, "{:?}", record.promises);
        assert_eq!(record.ledger.pending, 0, "all of it is worked off");
    }
    let shown_ms = [&easy, &busy, &overloaded].map(show_p50_ms);
    assert!(shown_ms[1] > 1.2 * shown_ms[0], "queues at a busy chat node: {shown_ms:?}");
    assert!(shown_ms[2] > 3.0 * shown_ms[1], "queues that never end: {shown_ms:?}");
    assert!(chat_busy(&easy) < 0.1 && chat_busy(&overloaded) > 0.95, "the chat node is the reason");
    let settled_s = [&easy, &overloaded].map(|record| record.phases.settle_ns / 1_000_000_000);
    assert!(settled_s[0] == 0 && (1..30).contains(&settled_s[1]), "{settled_s:?} s to work it off");
    let totals = &overloaded.totals;
    assert!(totals.accepted_per_s < 0.95 * totals.offered_per_s, "more was asked than was done");
}

#[test]
fn hosts_that_share_cores_wait_longer_and_can_do_less() {
    let on = |rate: &str, cores: &str| {
        with(&[&format!("workload.pairs.rate={rate}"), &format!("cpu.cores={cores}")])
    };
    let own = ["20/s", "100/s"].map(at_rate);
    let [one, plenty] = ["1", "1024"].map(|cores| on("20/s", cores));
    assert_eq!(plenty.digest, own[0].digest, "nobody waits where there are cores enough");
    let shown_ms = [&own[0], &one].map(show_p50_ms);
    assert!(shown_ms[1] > 1.2 * shown_ms[0], "hosts wait for the core: {shown_ms:?}");
    let asked = cores_busy(&own[1]);
    assert!(asked > 2.0, "all hosts together keep {asked} processors of their own busy");
    let full = on("100/s", "1");
    let busy = cores_busy(&full);
    assert!((0.95..1.01).contains(&busy), "one core is all they have: {busy}");
    assert!(show_p50_ms(&full) > 10.0 * show_p50_ms(&own[1]), "queues that never end");
    assert!(full.totals.accepted_per_s < 0.5 * own[1].totals.accepted_per_s);
    for record in [&one, &full] {
        assert_eq!((record.verdict, record.ledger.pending), (Verdict::Valid, 0));
    }
}

#[test]
fn the_scenarios_own_factor_makes_devices_slower() {
    let busy_of_devices = |factor: &str| {
        let sets = ["workload.pairs.rate=20/s", &format!("cpu.device_factor={factor}")];
        let record = with(&sets);
        let devices = roles(&record).iter().find(|load| load.role == "device");
        devices.expect("there are some").busy_share_mean
    };
    let times = busy_of_devices("3") / busy_of_devices("1");
    assert!((2.9..3.1).contains(&times), "{times}");
}
