//! Everything of a run as its record.

use std::collections::BTreeMap;

use im_reports::record::{
    Bucket, CalibrationUsed, FaultReport, Finding, HopTraffic, Outcome, Phases, ProcessorLoad,
    Processors, Promise, Record, SCHEMA_VERSION, Totals,
};

use super::left_out;
use super::measures::{self, Measures, Recovery};
use super::pushes;
use super::world::Observed;
use crate::checkers::{self, Report};
use crate::cluster::Counters;
use crate::engine::{Hop, Kind, ProcessorStats};
use crate::scenario::{Choice, Role, Scenario};

/// Causes of violations that are explained; the promises count all violations.
const FINDINGS_MAX: usize = 12;

/// Writes the record.
pub fn write(scenario: &Scenario, seed: u64, observed: &Observed, report: Report) -> Record {
    let measures = measures::measure(
        &observed.history,
        observed.origin..observed.origin + scenario.duration.0,
        observed.end,
        None,
    );
    let verdict = report.verdict();
    let (findings, findings_left_out) = findings(observed, &report);
    Record {
        schema_version: SCHEMA_VERSION,
        imsim_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        seed,
        engine: observed.engine.to_string(),
        left_out: left_out::of_scenario(observed.engine, scenario),
        digest: format!("{:016x}", observed.digest()),
        events_total: observed.net.events,
        // The command line knows how it was called and fills this in.
        reproduce: String::new(),
        verdict,
        // What follows from the whole record is filled in by `judge`.
        outcome: Outcome::Failed,
        as_expected: false,
        overload: None,
        bounds: Vec::new(),
        interrupted: !observed.history.complete,
        tested: report.ledger.owed_messages > 0,
        tested_expected: scenario.expect.tested,
        findings,
        findings_left_out,
        promises: promises(scenario, report.promises),
        ledger: report.ledger,
        phases: Phases {
            setup_ns: observed.origin,
            duration_ns: scenario.duration.0.min(observed.end - observed.origin),
            settle_ns: (observed.end - observed.origin).saturating_sub(scenario.duration.0),
        },
        faults: faults(observed, &measures),
        hops: observed.hops.iter().map(hop).collect(),
        totals: totals(scenario, observed, &measures),
        amplification: amplification(observed, &measures),
        redis: observed.redis.as_ref().map(|redis| redis.writes(observed.origin)),
        processors: processors(scenario, observed),
        latencies: measures.latencies,
        timeline: timeline(observed, measures.timeline),
        counters: counters(observed),
        expanded: scenario.expanded(),
    }
}

fn hop((from, to, hop): &(Role, Role, Hop)) -> HopTraffic {
    let (from, to) = (from.to_string(), to.to_string());
    HopTraffic { from, to, writes: hop.writes, bytes: hop.bytes }
}

/// The faults, and how long after each of them everything was shown.
fn faults(observed: &Observed, measures: &Measures) -> Vec<FaultReport> {
    let mut faults = observed.faults.clone();
    let recoveries: Vec<Option<Recovery>> =
        (0..faults.len()).map(|place| measures.recovery(&faults, place)).collect();
    for (fault, recovery) in faults.iter_mut().zip(recoveries) {
        if fault.left_out.is_none() {
            fault.caught_up_ns = Some(measures.catch_up(observed.origin + fault.until_ns));
            fault.recovery_ns = recovery.map(|recovery| recovery.took);
            fault.recovery_open = recovery.is_some_and(|recovery| recovery.open);
        }
        if fault.left_out.is_none() && is_of_redis(fault) {
            fault.pushes_back_ns = pushes::back(&observed.samples, fault.from_ns, fault.until_ns);
        }
    }
    faults
}

/// Whether it was done to Redis, which knows where devices are. A target names roles and nodes.
fn is_of_redis(fault: &FaultReport) -> bool {
    let redis = Role::Redis.to_string();
    fault.kind.starts_with(&redis) || fault.target.contains(&redis)
}

/// The seconds of the run with what the servers did in them.
fn timeline(observed: &Observed, mut timeline: Vec<Bucket>) -> Vec<Bucket> {
    for (bucket, pair) in timeline.iter_mut().zip(observed.samples.windows(2)) {
        let (before, after) = (&pair[0], &pair[1]);
        let queues = after.queues.iter();
        bucket.queues = queues.map(|(name, depth)| ((*name).to_owned(), *depth)).collect();
        let calculates = after.busy_ns.values().any(|busy| *busy > 0);
        let span = (after.at - before.at) as f64;
        for (role, busy) in after.busy_ns.iter().filter(|_| calculates) {
            let hosts = observed.processors.get(role).map_or(1, Vec::len) as f64;
            let share = busy.saturating_sub(before.busy_ns[role]) as f64 / span / hosts;
            bucket.busy_share.insert(role.to_string(), share);
        }
    }
    timeline
}

fn promises(scenario: &Scenario, promises: Vec<Promise>) -> Vec<Promise> {
    let expected =
        |promise: Promise| Promise { expected: scenario.expect.of(&promise.id), ..promise };
    promises.into_iter().map(expected).collect()
}

/// One finding for each cause of violations: the first cause of each promise, then the second of each, and so
/// on. And how many causes are left out.
fn findings(observed: &Observed, report: &Report) -> (Vec<Finding>, u64) {
    let (history, faults, origin) = (&observed.history, &observed.faults, observed.origin);
    let mut groups = checkers::causes::group(history, &report.violations, faults, origin);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    groups.sort_by_cached_key(|group| {
        let rank = seen.entry(group.first.promise).or_default();
        *rank += 1;
        *rank
    });
    let left_out = groups.len().saturating_sub(FINDINGS_MAX) as u64;
    let explained = groups.into_iter().take(FINDINGS_MAX).map(|group| Finding {
        also: group.also.into_iter().map(str::to_owned).collect(),
        count: group.count,
        cause: group.cause,
        ..checkers::explain(history, group.first, faults, origin)
    });
    (explained.collect(), left_out)
}

fn totals(scenario: &Scenario, observed: &Observed, measures: &Measures) -> Totals {
    let seconds = scenario.duration.as_secs_f64();
    let counter = |name| counter(&observed.counters, name);
    let (net, before) = (&observed.net, &observed.net_before);
    let planned = observed.plan.operations() as u64;
    Totals {
        users: u64::from(scenario.population.users),
        devices: observed.plan.devices.len() as u64,
        conversations: observed.plan.conversations.len() as u64,
        offered: measures.offered,
        accepted: measures.accepted,
        shown: measures.shown,
        not_asked: planned.saturating_sub(measures.invoked),
        refused: measures.refused,
        sends_without_outcome: measures.without_outcome,
        unaccepted_gap_ns: (measures.unaccepted_gap.start, measures.unaccepted_gap.end),
        connections_lost: measures.connections_lost,
        send_retries: measures.send_retries,
        push_retries: counter("push_retries"),
        duplicates_suppressed: counter("server_duplicates") + counter("device_duplicates"),
        offered_per_s: measures.offered_in_load as f64 / seconds,
        accepted_per_s: measures.accepted_in_load as f64 / seconds,
        shown_per_s: measures.shown_in_load as f64 / seconds,
        client_packets_sent: net.clients.sent - before.clients.sent,
        client_packets_lost: net.clients.lost - before.clients.lost,
        backend_packets_sent: net.backend.sent - before.backend.sent,
        backend_packets_lost: net.backend.lost - before.backend.lost,
    }
}

/// The counters of the nodes, and what the network did for them.
fn counters(observed: &Observed) -> Counters {
    let (net, before) = (&observed.net, &observed.net_before);
    let mut network = BTreeMap::from([
        ("writes".to_owned(), net.packets_sent - before.packets_sent),
        ("bytes_written".to_owned(), net.bytes_sent - before.bytes_sent),
        ("packets_resent".to_owned(), net.packets_resent - before.packets_resent),
        ("acks_lost".to_owned(), net.acks_lost - before.acks_lost),
        ("dials".to_owned(), net.dials - before.dials),
        ("resets".to_owned(), net.resets - before.resets),
    ]);
    for (kind, now, then) in
        [("client", &net.clients, &before.clients), ("backend", &net.backend, &before.backend)]
    {
        network.insert(format!("{kind}_packets_swallowed"), now.swallowed - then.swallowed);
        network.insert(format!("{kind}_packets_dropped_by_queues"), now.dropped - then.dropped);
    }
    network.retain(|_, count| *count > 0);
    let mut counters = observed.counters.clone();
    counters.insert("network".to_owned(), network);
    counters
}

/// How busy the processors were; nothing when nodes compute in no time.
fn processors(scenario: &Scenario, observed: &Observed) -> Option<Processors> {
    let calibration = match observed.engine {
        Kind::Sim => Some(scenario.cpu.calibration.calibration()?),
        Kind::Turmoil => return None,
        Kind::Live => None,
    };
    let duration_ns = scenario.duration.0.min(observed.end - observed.origin).max(1) as f64;
    let load = |(role, hosts): (&Role, &Vec<ProcessorStats>)| {
        let busy = || hosts.iter().map(|host| host.busy_ns);
        let total: u64 = busy().sum();
        ProcessorLoad {
            role: role.to_string(),
            hosts: hosts.len() as u64,
            busy_share_max: busy().max().unwrap_or(0) as f64 / duration_ns,
            busy_share_mean: total as f64 / hosts.len() as f64 / duration_ns,
            longest_wait_ns: hosts.iter().map(|host| host.longest_wait_ns).max().unwrap_or(0),
        }
    };
    Some(Processors {
        calibration: calibration.map(|used| CalibrationUsed {
            name: used.name.to_string(),
            date: used.date.to_string(),
            shipped_default: scenario.cpu.calibration == Choice::Shipped,
        }),
        roles: observed.processors.iter().map(load).collect(),
    })
}

/// Costs per accepted message. Joins and leaves cost too and are not told apart.
fn amplification(observed: &Observed, measures: &Measures) -> BTreeMap<String, f64> {
    let mut costs = BTreeMap::new();
    if measures.accepted == 0 {
        return costs;
    }
    let mut cost = |name: &str, total: u64| {
        costs.insert(name.to_owned(), total as f64 / measures.accepted as f64);
    };
    for name in [
        "store_rows_written",
        "store_rows_read",
        "inbox_copies",
        "log_records_appended",
        "redis_commands",
        "pushes",
        "wal_bytes",
        "fsyncs",
    ] {
        cost(name, counter(&observed.counters, name));
    }
    cost("shown", measures.shown);
    costs
}

/// A counter over all roles but devices, whose disks are not the cluster's cost.
fn counter(counters: &BTreeMap<String, BTreeMap<String, u64>>, name: &str) -> u64 {
    let server_cost = matches!(name, "wal_bytes" | "fsyncs");
    counters
        .iter()
        .filter(|(role, _)| !server_cost || role.as_str() != "device")
        .filter_map(|(_, of_role)| of_role.get(name))
        .sum()
}
