//! What the template prints: the record as words and figures, ready to be put in place.
//!
//! Must not know HTML.

mod measured;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures;
use crate::record::{FaultReport, Finding, FindingEvent, Promise, Record, Verdict};
use crate::words;
use measured::{LatencyRow, LedgerView, ProcessorsView};

/// Everything on the page but the plots.
#[derive(Serialize)]
pub struct View {
    title: String,
    about: String,
    /// `valid`, `invalid` or `unknown`: which colours and sign the verdict gets.
    mood: &'static str,
    headline: &'static str,
    because: String,
    run: Vec<Fact>,
    promises: Vec<PromiseRow>,
    ledger: LedgerView,
    findings: Vec<FindingView>,
    violations_unexplained: Option<String>,
    percentile_names: Vec<String>,
    latencies: Vec<LatencyRow>,
    rates: Vec<Fact>,
    processors: Option<ProcessorsView>,
    amplification: Vec<Fact>,
    faults: Vec<FaultRow>,
    faults_idle: usize,
    counters: Vec<Role>,
    expanded: String,
    reproduce: String,
    identity: Vec<Fact>,
}

/// A name, its value, and what it means where that is not plain.
#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct PromiseRow {
    id: String,
    name: String,
    mood: &'static str,
    answer: &'static str,
    evidence: String,
    violations: String,
}

#[derive(Serialize)]
struct FindingView {
    number: usize,
    promise: String,
    promise_name: String,
    summary: String,
    expected: String,
    events: Vec<EventView>,
}

#[derive(Serialize)]
struct EventView {
    at: String,
    actor: String,
    text: String,
    key: bool,
}

#[derive(Serialize)]
struct FaultRow {
    number: u32,
    kind: String,
    target: String,
    window: String,
    effect: String,
    effective: bool,
}

#[derive(Serialize)]
struct Role {
    name: String,
    counters: Vec<Fact>,
}

impl View {
    /// The view of a record.
    pub fn new(record: &Record) -> Self {
        View {
            title: record.scenario.clone(),
            about: record.about.clone(),
            mood: mood(record.verdict),
            headline: words::headline(record.verdict),
            because: words::because(record),
            run: run(record),
            promises: record.promises.iter().map(promise).collect(),
            ledger: measured::ledger(record),
            findings: findings(record),
            violations_unexplained: violations_unexplained(record),
            percentile_names: measured::percentile_names(),
            latencies: record.latencies.iter().map(measured::latency).collect(),
            rates: measured::rates(record),
            processors: record.processors.as_ref().map(measured::processors),
            amplification: measured::amplification(record),
            faults: record.faults.iter().map(fault).collect(),
            faults_idle: record.faults.iter().filter(|fault| !fault.effective()).count(),
            counters: counters(record),
            expanded: serde_json::to_string_pretty(&record.expanded).unwrap_or_default(),
            reproduce: record.reproduce.clone(),
            identity: identity(record),
        }
    }
}

fn fact(name: &str, value: impl Into<String>, note: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.into(), note: note.to_owned() }
}

fn mood(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Invalid => "invalid",
        Verdict::Unknown => "unknown",
    }
}

fn run(record: &Record) -> Vec<Fact> {
    let phases = &record.phases;
    let people = format!(
        "{} users, {} devices, {} conversations",
        figures::count(record.totals.users),
        figures::count(record.totals.devices),
        figures::count(record.totals.conversations)
    );
    let time = format!(
        "{} of load, {} to settle",
        figures::clock(phases.duration_ns),
        figures::clock(phases.settle_ns)
    );
    vec![
        fact("Seed", record.seed.to_string(), ""),
        fact("Engine", &*record.engine, ""),
        fact("Load", people, ""),
        fact("Virtual time", time, ""),
    ]
}

fn promise(promise: &Promise) -> PromiseRow {
    PromiseRow {
        id: promise.id.clone(),
        name: promise.name.clone(),
        mood: mood(promise.verdict),
        answer: words::answer(promise.verdict),
        evidence: promise.evidence.clone(),
        violations: figures::count(promise.violations),
    }
}

fn findings(record: &Record) -> Vec<FindingView> {
    let view = |(index, finding): (usize, &Finding)| {
        let promise = record.promises.iter().find(|promise| promise.id == finding.promise);
        let event = |event: &FindingEvent| EventView {
            at: figures::instant(event.at_ns),
            actor: event.actor.clone(),
            text: event.text.clone(),
            key: event.key,
        };
        FindingView {
            number: index + 1,
            promise: finding.promise.clone(),
            promise_name: promise.map(|promise| promise.name.clone()).unwrap_or_default(),
            summary: finding.summary.clone(),
            expected: finding.expected.clone(),
            events: finding.events.iter().map(event).collect(),
        }
    };
    record.findings.iter().enumerate().map(view).collect()
}

/// How many violations the findings leave out, if any.
fn violations_unexplained(record: &Record) -> Option<String> {
    let all: u64 = record.promises.iter().map(|promise| promise.violations).sum();
    let explained = record.findings.len() as u64;
    (all > explained).then(|| figures::count(all - explained))
}

fn fault(fault: &FaultReport) -> FaultRow {
    FaultRow {
        number: fault.number,
        kind: fault.kind.clone(),
        target: fault.target.clone(),
        window: figures::window(fault.from_ns, fault.until_ns),
        effect: words::effect(fault),
        effective: fault.effective(),
    }
}

fn counters(record: &Record) -> Vec<Role> {
    let role = |(name, counters): (&String, &BTreeMap<String, u64>)| Role {
        name: name.clone(),
        counters: counters
            .iter()
            .map(|(name, value)| fact(name, figures::count(*value), ""))
            .collect(),
    };
    record.counters.iter().map(role).collect()
}

fn identity(record: &Record) -> Vec<Fact> {
    vec![
        fact("Scenario", &*record.scenario, ""),
        fact("Seed", record.seed.to_string(), ""),
        fact("Engine", &*record.engine, ""),
        fact(
            "Digest",
            &*record.digest,
            "a hash over every event; the same command must give it again",
        ),
        fact("Events", figures::count(record.events_total), "handled by the engine"),
        fact("Version", &*record.imsim_version, "of imsim"),
        fact("Record schema", record.schema_version.to_string(), "of record.json"),
    ]
}
