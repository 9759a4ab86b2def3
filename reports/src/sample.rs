//! Records made up for tests: valid, broken, busy, and with nothing in them.
//!
//! Plain arithmetic, no randomness; keys of JSON stand in order, so that it does not matter whether
//! `serde_json` keeps or sorts them.

mod campaign;
mod comparison;
mod findings;
mod load;

use std::collections::BTreeMap;

use serde_json::json;

use crate::record::{
    Bound, Bucket, CalibrationUsed, FaultReport, HopTraffic, Latency, Ledger, LeftOut, Manifest,
    Outcome, Overload, Phases, ProcessorLoad, Processors, Promise, Record, SCHEMA_VERSION, Totals,
    Verdict,
};

use crate::redis::{RedisBucket, RedisCause, RedisEvent, RedisWrites};

pub use campaign::{campaign, large_campaign};
pub use comparison::comparison;
use findings::finding;
pub use load::load_curve;

const SECOND: u64 = 1_000_000_000;

/// Clients of Redis that saw a failover.
fn redis() -> RedisWrites {
    let bucket = |second: u64| {
        let lost = if (20..25).contains(&second) { 60 } else { 0 };
        RedisBucket { second, acked: 190, lost, repeated: lost / 3 }
    };
    let cause = |effect: &str, window: &str, guard: &str, count| RedisCause {
        effect: effect.to_owned(),
        hop: "diverged-master".to_owned(),
        window: window.to_owned(),
        guard: guard.to_owned(),
        count,
    };
    let event = |second: u64, node: &str, what: &str| RedisEvent {
        at_ns: second * SECOND,
        node: node.to_owned(),
        what: what.to_owned(),
    };
    RedisWrites {
        acked: 8_511,
        refused: 3,
        unknown: 7,
        lost: Some(300),
        repeated: 100,
        longest_silence_ns: 2_213_000_000,
        causes: vec![
            cause("lost", "cut-after-promotion", "min-replicas", 180),
            cause("lost", "cut-before-promotion", "min-replicas", 120),
            cause("repeated", "cut-after-promotion", "epoch-or-floor", 100),
        ],
        timeline: (0..60).map(bucket).collect(),
        events: vec![event(20, "redis-0", "cut off"), event(22, "redis-1", "promoted")],
    }
}

/// A minute of load with four faults; every promise held.
pub fn valid() -> Record {
    let timeline = timeline(66, 60);
    Record {
        schema_version: SCHEMA_VERSION,
        imsim_version: "0.1.0".to_owned(),
        scenario: "redis-master-dies".to_owned(),
        about: "Redis master dies under load; nothing may be lost".to_owned(),
        seed: 7,
        engine: "sim".to_owned(),
        left_out: Vec::new(),
        digest: "9f3c2a7be1d04856".to_owned(),
        events_total: 4_812_337,
        reproduce: "imsim run scenarios/faults/redis-master-dies.toml --seed 7".to_owned(),
        verdict: Verdict::Valid,
        outcome: Outcome::Held,
        as_expected: true,
        interrupted: false,
        tested: true,
        tested_expected: true,
        overload: None,
        bounds: Vec::new(),
        promises: promises(),
        findings: Vec::new(),
        findings_left_out: 0,
        ledger: ledger(),
        phases: Phases {
            setup_ns: 3_250_000_000,
            duration_ns: 60 * SECOND,
            settle_ns: 5_400_000_000,
        },
        faults: faults(),
        redis: Some(redis()),
        processors: Some(processors()),
        hops: [
            ("device", "gateway", 61_200),
            ("gateway", "device", 310_400),
            ("chat", "store", 12_700),
        ]
        .map(|(from, to, writes)| HopTraffic {
            from: from.to_owned(),
            to: to.to_owned(),
            writes,
            bytes: writes * 212,
        })
        .into(),
        latencies: vec![
            latency(
                "send→ack",
                "From the first try of a send to its ack at the device.",
                11_988,
                14_000_000,
                60.0,
            ),
            latency(
                "send→show",
                "From the first try of a send to the row shown at a device.",
                268_412,
                31_000_000,
                110.0,
            ),
            Latency {
                name: "absence→show".to_owned(),
                about: "From the return of a device to the row shown that it missed.".to_owned(),
                count: 0,
                min_ns: 0,
                mean_ns: 0.0,
                max_ns: 0,
                curve: Vec::new(),
            },
        ],
        totals: totals(&timeline),
        timeline,
        amplification: named(&[
            ("log_bytes_written", 812.4),
            ("redis_commands", 6.21),
            ("store_rows_written", 1.02),
        ]),
        counters: counters(),
        expanded: json!({
            "about": "Redis master dies under load; nothing may be lost",
            "cluster": { "chats": 2, "dispatchers": 2, "gateways": 3, "redis": { "replicas": 2, "sentinels": 3 } },
            "duration": "60s",
            "faults": [{ "at": "20s", "kind": "redis-master-crash", "lasts": "10s" }],
            "settle": "30s",
        }),
    }
}

/// The same with two broken promises and an undecided one.
pub fn invalid() -> Record {
    let mut record = valid();
    record.verdict = Verdict::Invalid;
    (record.outcome, record.as_expected) = (Outcome::Broken, false);
    record.promises[0].verdict = Verdict::Invalid;
    record.promises[0].violations = 2;
    record.promises[0].evidence =
        "2 of 11,988 acked rows were never shown to a device they are owed to".to_owned();
    record.promises[3].verdict = Verdict::Unknown;
    record.promises[3].evidence =
        "3 sends ended without an answer and none of them was shown".to_owned();
    record.ledger.shown -= 2;
    record.ledger.dropped = BTreeMap::from([("cursor moved over a gap".to_owned(), 2)]);
    record.findings = vec![finding(1, 44, 7), finding(2, 45, 9)];
    record
}

/// The valid run, which took less than it was offered and missed a bound.
pub fn overloaded() -> Record {
    let mut record = valid();
    (record.outcome, record.as_expected) = (Outcome::BoundMissed, false);
    record.ledger.shown -= 44;
    record.ledger.too_late = 44;
    record.totals.sends_without_outcome = 4_100;
    record.overload = Some(Overload {
        waiting: 4_100,
        offered: record.totals.offered,
        offered_per_s: record.totals.offered_per_s,
        accepted_per_s: record.totals.accepted_per_s,
        busiest: Some(("chat".to_owned(), 1.0)),
    });
    let bound = |metric: &str, limit: &str, value, unit: &str, missed: &[(u64, u64)]| Bound {
        metric: metric.to_owned(),
        workload: None,
        limit: limit.to_owned(),
        value,
        unit: unit.to_owned(),
        at_least: false,
        met: missed.is_empty(),
        missed: missed.iter().map(|(from, until)| (from * SECOND, until * SECOND)).collect(),
    };
    let slow = [(20, 28), (31, 32), (40, 41), (50, 60)];
    record.bounds = vec![
        bound("show_p99", "< 800ms", Some(1_240.0), "ms", &slow),
        bound("accepted", "> 99%", Some(99.2), "%", &[]),
        Bound {
            workload: Some("groups".to_owned()),
            ..bound("unaccepted_gap", "< 5s", Some(7.2), "s", &[(20, 27)])
        },
        Bound { at_least: true, ..bound("recovery", "< 10s", Some(12.0), "s", &[(20, 32)]) },
        Bound { met: false, ..bound("open_p50", "< 1s", None, "ms", &[]) },
    ];
    record
}

/// The valid run with its timeline cut to three seconds, so that snapshots stay short.
pub fn brief() -> Record {
    let mut record = valid();
    record.timeline.truncate(3);
    record
}

/// The valid run on turmoil: one fault left out, another one not counted.
pub fn turmoil() -> Record {
    let mut record = valid();
    record.engine = "turmoil".to_owned();
    record.reproduce.push_str(" --engine turmoil");
    record.processors = None;
    record.totals.client_packets_sent = 0;
    record.totals.client_packets_lost = 0;
    record.totals.backend_packets_sent = 0;
    record.left_out = left_out(&[
        ("jitter and bandwidth of links", "each pair has the median latency, in whole ms"),
        ("cpu.calibration", "nodes compute in no time"),
    ]);
    record.faults[0].effect.clear();
    record.faults[0].uncounted = true;
    let loss = &mut record.faults[1];
    loss.kind = "loss".to_owned();
    loss.target = "links of devices, 3%".to_owned();
    loss.effect.clear();
    loss.left_out = Some(
        "turmoil never sends a lost segment again, so its stream would hang for good".to_owned(),
    );
    record
}

/// The valid run in real time, its processors measured.
pub fn live() -> Record {
    let mut record = valid();
    record.engine = "live".to_owned();
    record.reproduce.push_str(" --engine live");
    record.left_out = left_out(&[
        ("network.clients and network.backend", "the links are the loopback of the kernel"),
        ("disk", "files of this machine"),
    ]);
    let processors = record.processors.as_mut().expect("the valid run has them");
    processors.calibration = None;
    for load in &mut processors.roles {
        load.longest_wait_ns = 0;
    }
    record
}

/// Ten minutes with forty crashes.
pub fn busy() -> Record {
    let mut record = valid();
    record.phases.duration_ns = 600 * SECOND;
    record.phases.settle_ns = 12 * SECOND;
    record.timeline = timeline(612, 600);
    record.faults = (0..40)
        .map(|n| {
            fault(
                n + 1,
                "crash",
                &format!("gateway-{}", n % 7),
                u64::from(n) * 14 + 5,
                u64::from(n) * 14 + 5 + u64::from(n % 5) * 6,
                &[("connections_reset", 120)],
            )
        })
        .collect();
    record
}

/// A run in which nobody sent anything.
pub fn empty() -> Record {
    let mut record = valid();
    record.faults.clear();
    record.redis = None;
    record.timeline.clear();
    for latency in &mut record.latencies {
        *latency = Latency {
            name: latency.name.clone(),
            about: latency.about.clone(),
            ..nothing_measured()
        };
    }
    record.totals = Totals { users: 2, devices: 2, ..Totals::default() };
    record.ledger = Ledger::default();
    record.amplification.clear();
    record.counters.clear();
    record
}

/// A record without even promises, phases or latencies.
pub fn nothing() -> Record {
    let mut record = empty();
    record.verdict = Verdict::Unknown;
    (record.outcome, record.as_expected, record.tested) = (Outcome::NotTested, false, false);
    record.promises.clear();
    record.phases = Phases::default();
    record.latencies.clear();
    record.processors = None;
    record.expanded = serde_json::Value::Null;
    record
}

/// Facts of a wall.
pub fn manifest() -> Manifest {
    Manifest {
        started_unix_ms: 1_790_000_000_000,
        run_wall_s: 3.214,
        check_wall_s: 0.4,
        render_wall_s: 0.3,
        simulated_per_wall: 18.7,
        shown_per_wall_s: 83_500.0,
        threads: 1,
        machine: "linux x86_64".to_owned(),
        out: "runs/redis-master-dies/7-9f3c2a7b".to_owned(),
        command: ["imsim", "run", "scenarios/faults/redis-master-dies.toml"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn left_out(entries: &[(&str, &str)]) -> Vec<LeftOut> {
    let entry =
        |(what, why): &(&str, &str)| LeftOut { what: (*what).to_owned(), why: (*why).to_owned() };
    entries.iter().map(entry).collect()
}

fn nothing_measured() -> Latency {
    Latency {
        name: String::new(),
        about: String::new(),
        count: 0,
        min_ns: 0,
        mean_ns: 0.0,
        max_ns: 0,
        curve: Vec::new(),
    }
}

fn promises() -> Vec<Promise> {
    let rows = [
        (
            "A1",
            "An accepted message reaches every device it is owed to",
            "268,412 of 268,412 owed pairs were shown",
        ),
        ("A2", "Nothing is shown twice", "no (message, device) pair was shown more than once"),
        (
            "A3",
            "A conversation reads the same on every device",
            "40 conversations compared on 620 devices, one order each",
        ),
        ("A4", "A send that failed has no effect", "12 refused sends, none of them shown"),
        ("ledger", "Every owed row is accounted for", "owed = shown + pending + dropped"),
    ];
    let promise = |(id, name, evidence): (&str, &str, &str)| Promise {
        id: id.to_owned(),
        name: name.to_owned(),
        verdict: Verdict::Valid,
        evidence: evidence.to_owned(),
        violations: 0,
        expected: Verdict::Valid,
    };
    rows.map(promise).to_vec()
}

fn ledger() -> Ledger {
    Ledger {
        sequenced: 11_991,
        acked: 11_988,
        unacked: 3,
        owed: 268_412,
        shown: 268_412,
        pending: 0,
        dropped: BTreeMap::new(),
        maybe_shown: 61,
        leaked: 0,
        ..Ledger::default()
    }
}

fn faults() -> Vec<FaultReport> {
    vec![
        fault(
            1,
            "redis-master-crash",
            "redis-0",
            20,
            30,
            &[("commands_failed", 412), ("connections_reset", 7)],
        ),
        fault(2, "partition", "gateway-1 ↔ chat-0", 26, 34, &[("packets_lost", 18_204)]),
        fault(
            3,
            "crash",
            "dispatcher-1",
            41,
            44,
            &[("connections_reset", 9), ("tasks_dropped", 214)],
        ),
        fault(4, "clock-skew", "chat-1", 57, 59, &[("reads_skewed", 0)]),
    ]
}

fn fault(
    number: u32,
    kind: &str,
    target: &str,
    from_s: u64,
    until_s: u64,
    effect: &[(&str, u64)],
) -> FaultReport {
    FaultReport {
        number,
        kind: kind.to_owned(),
        target: target.to_owned(),
        from_ns: from_s * SECOND,
        until_ns: until_s * SECOND,
        effect: named(effect),
        origin: format!("faults.{}", number - 1),
        ..FaultReport::default()
    }
}

/// A curve that rises slowly, then steeply in the tail.
fn latency(name: &str, about: &str, count: u64, base_ns: u64, tail: f64) -> Latency {
    let mut percentiles = vec![0.0, 10.0, 25.0];
    for nines in 0..6 {
        let rest = 50.0 / 10f64.powi(nines);
        percentiles.extend([1.0, 0.8, 0.5, 0.3, 0.2].map(|part| 100.0 - rest * part));
    }
    percentiles.push(100.0);
    let last = percentiles.len() - 1;
    let at = |index: usize| {
        base_ns + (base_ns as f64 * tail * (index as f64 / last as f64).powi(5)) as u64
    };
    Latency {
        name: name.to_owned(),
        about: about.to_owned(),
        count,
        min_ns: at(0),
        mean_ns: base_ns as f64 * 1.4,
        max_ns: at(last),
        curve: percentiles.iter().enumerate().map(|(index, p)| (*p, at(index))).collect(),
    }
}

fn timeline(seconds: u64, load: u64) -> Vec<Bucket> {
    let bucket = |second: u64| {
        let wave = (second * 7919) % 23;
        let offered = if second < load { 188 + wave } else { 0 };
        let hurt = second < load && (second % 40) / 4 == 5;
        let caught_up = second < load && (second % 40) / 4 == 6;
        let accepted = if hurt {
            offered / 3
        } else if caught_up {
            offered * 5 / 3
        } else {
            offered
        };
        let shown =
            accepted * 22 + if second >= load && second < load + 3 { 900 } else { wave * 20 };
        let slow = if hurt {
            30
        } else if caught_up {
            12
        } else {
            1
        };
        let quiet = second >= load + 3;
        Bucket {
            second,
            offered,
            accepted,
            shown: if quiet { 0 } else { shown },
            retries: if hurt { 80 } else { 0 },
            show_p50_ns: (!quiet).then_some((38_000_000 + wave * 300_000) * slow.min(9)),
            show_p99_ns: (!quiet).then_some((118_000_000 + wave * 2_000_000) * slow),
            ack_p50_ns: None,
            ack_p99_ns: None,
            busy_share: [("chat", 0.2), ("gateway", 0.35), ("store", 0.28)]
                .map(|(role, share)| {
                    (role.to_owned(), if quiet { 0.01 } else { share / slow.min(3) as f64 })
                })
                .into(),
            queues: [("operations", 2), ("log_records", 9), ("pushes_unacked", 70)]
                .map(|(queue, depth)| (queue.to_owned(), if quiet { 0 } else { depth * slow }))
                .into(),
        }
    };
    (0..seconds).map(bucket).collect()
}

fn totals(timeline: &[Bucket]) -> Totals {
    let offered: u64 = timeline.iter().map(|bucket| bucket.offered).sum();
    Totals {
        users: 310,
        devices: 620,
        conversations: 40,
        offered,
        accepted: 11_988,
        shown: 268_412,
        refused: 12,
        send_retries: 704,
        push_retries: 3_118,
        duplicates_suppressed: 1_902,
        offered_per_s: offered as f64 / 60.0,
        accepted_per_s: 199.8,
        shown_per_s: 4_473.5,
        not_asked: 7,
        client_packets_sent: 2_411_890,
        client_packets_lost: 23_551,
        backend_packets_sent: 3_000_400,
        backend_packets_lost: 0,
        ..Totals::default()
    }
}

fn counters() -> BTreeMap<String, BTreeMap<String, u64>> {
    BTreeMap::from([
        (
            "chat".to_owned(),
            named(&[("commits", 11_991), ("duplicates_suppressed", 702), ("epoch_changes", 1)]),
        ),
        ("gateway".to_owned(), named(&[("connections_accepted", 1_240), ("pushes", 271_530)])),
    ])
}

fn named<T: Copy>(entries: &[(&str, T)]) -> BTreeMap<String, T> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn processors() -> Processors {
    let load =
        |role: &str, hosts, busy_share_max, busy_share_mean, longest_wait_ns| ProcessorLoad {
            role: role.to_owned(),
            hosts,
            busy_share_max,
            busy_share_mean,
            longest_wait_ns,
        };
    Processors {
        calibration: Some(CalibrationUsed {
            name: "shipped default".to_owned(),
            date: "2026-11".to_owned(),
            shipped_default: true,
        }),
        roles: vec![
            load("gateway", 3, 0.418, 0.4025, 1_250_000),
            load("chat", 2, 0.9731, 0.5, 812_000_000),
            load("device", 200, 0.0004, 0.0002, 0),
        ],
    }
}
