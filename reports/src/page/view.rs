//! What the template prints: the record as words and figures, ready to be put in place.
//!
//! Must not know HTML.

mod measured;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Bound, FaultReport, Finding, FindingEvent, Promise, Record, Verdict};
use crate::redis::{RedisCause, RedisEvent, RedisWrites};
use crate::words;
use crate::{engine, figures};
use measured::{HopRow, LatencyRow, LedgerView, ProcessorsView};

/// Everything on the page but the plots.
#[derive(Serialize)]
pub struct View {
    title: String,
    about: String,
    /// `valid`, `invalid` or `unknown`: which colours and sign the verdict gets.
    mood: &'static str,
    headline: String,
    because: String,
    /// What stands beside the verdicts: interrupted, overloaded, stuck.
    beside: Vec<String>,
    run: Vec<Fact>,
    engine: EngineView,
    promises: Vec<PromiseRow>,
    bounds: Vec<BoundRow>,
    ledger: LedgerView,
    findings: Vec<FindingView>,
    /// How many causes of violations the findings leave out, if any.
    causes_left_out: Option<String>,
    percentile_names: Vec<String>,
    latencies: Vec<LatencyRow>,
    rates: Vec<Fact>,
    processors: Option<ProcessorsView>,
    amplification: Vec<Fact>,
    hops: Vec<HopRow>,
    redis: Option<RedisView>,
    faults: Vec<FaultRow>,
    faults_idle: Option<String>,
    counters: Vec<Role>,
    expanded: String,
    reproduce: String,
    identity: Vec<Fact>,
}

/// A name, its value, and what it means where that is not plain.
#[derive(Serialize)]
pub struct Fact {
    name: String,
    value: String,
    note: String,
}

/// The engine, and what follows from it for a reader.
#[derive(Serialize)]
struct EngineView {
    name: String,
    about: &'static str,
    /// `virtual time` or `real time`.
    time: String,
    /// A second of that time.
    second: &'static str,
    repeats: bool,
    left_out: Vec<Fact>,
}

#[derive(Serialize)]
struct PromiseRow {
    id: String,
    name: String,
    mood: &'static str,
    answer: String,
    evidence: String,
    violations: String,
}

#[derive(Serialize)]
struct BoundRow {
    mood: &'static str,
    answer: &'static str,
    what: String,
    value: String,
    limit: String,
    when: String,
}

#[derive(Serialize)]
struct FindingView {
    number: usize,
    promise: String,
    promise_name: String,
    summary: String,
    cause: Option<String>,
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
    /// What is wrong with it, if something is.
    doubt: Option<&'static str>,
    effect: String,
}

#[derive(Serialize)]
struct RedisView {
    outcome: String,
    causes: Vec<CauseRow>,
    events: Vec<EventView>,
}

#[derive(Serialize)]
struct CauseRow {
    effect: String,
    count: String,
    hop: String,
    window: String,
    guard: String,
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
            mood: mood(words::mood(record.outcome)),
            headline: words::headline(record),
            because: words::because(record),
            beside: [words::interrupted(record), words::overload(record), words::stuck(record)]
                .into_iter()
                .flatten()
                .collect(),
            run: run(record),
            engine: engine_view(record),
            promises: record.promises.iter().map(promise).collect(),
            bounds: record.bounds.iter().map(bound).collect(),
            ledger: measured::ledger(record),
            findings: findings(record),
            causes_left_out: (record.findings_left_out > 0)
                .then(|| figures::count(record.findings_left_out)),
            percentile_names: measured::percentile_names(),
            latencies: record.latencies.iter().map(measured::latency).collect(),
            rates: measured::rates(record),
            processors: measured::processors(record),
            amplification: measured::amplification(record),
            hops: measured::hops(record),
            redis: record.redis.as_ref().map(redis),
            faults: record.faults.iter().map(|one| fault(one, &record.engine)).collect(),
            faults_idle: words::idle(record),
            counters: counters(record),
            expanded: serde_json::to_string_pretty(&record.expanded).unwrap_or_default(),
            reproduce: record.reproduce.clone(),
            identity: identity(record),
        }
    }
}

/// A fact; an empty note is none.
pub fn fact(name: &str, value: impl Into<String>, note: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.into(), note: note.to_owned() }
}

/// The class of what says a verdict.
pub fn mood(verdict: Verdict) -> &'static str {
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
        fact("Load", people, ""),
        fact(engine::words(record).time, time, ""),
    ]
}

fn engine_view(record: &Record) -> EngineView {
    let words = engine::words(record);
    let left_out = engine::left_out(record).into_iter();
    EngineView {
        name: record.engine.clone(),
        about: words.about,
        time: words.time.to_lowercase(),
        second: words.second,
        repeats: words.repeats,
        left_out: left_out.map(|left_out| fact(&left_out.what, left_out.why, "")).collect(),
    }
}

fn promise(promise: &Promise) -> PromiseRow {
    PromiseRow {
        id: promise.id.clone(),
        name: promise.name.clone(),
        mood: match promise.verdict == promise.expected {
            true => mood(Verdict::Valid),
            // What should have broken and did not is no good news.
            false if promise.verdict == Verdict::Valid => mood(Verdict::Invalid),
            false => mood(promise.verdict),
        },
        answer: words::answer_beside(promise),
        evidence: promise.evidence.clone(),
        violations: figures::count(promise.violations),
    }
}

fn bound(bound: &Bound) -> BoundRow {
    BoundRow {
        mood: if bound.met { "valid" } else { "invalid" },
        answer: if bound.met { "met" } else { "missed" },
        what: words::bounded(bound),
        value: words::measured(bound),
        limit: bound.limit.clone(),
        when: words::missed_when(bound),
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
            promise: words::promises(finding),
            cause: words::cause(finding),
            promise_name: promise.map(|promise| promise.name.clone()).unwrap_or_default(),
            summary: finding.summary.clone(),
            expected: finding.expected.clone(),
            events: finding.events.iter().map(event).collect(),
        }
    };
    record.findings.iter().enumerate().map(view).collect()
}

fn fault(fault: &FaultReport, engine: &str) -> FaultRow {
    let (doubt, effect) = match &fault.left_out {
        Some(why) => (Some("left out"), why.clone()),
        None if fault.idle() => (Some("touched nothing"), String::new()),
        None => (None, words::effect(fault, engine)),
    };
    FaultRow {
        number: fault.number,
        kind: fault.kind.clone(),
        target: fault.target.clone(),
        window: figures::window(fault.from_ns, fault.until_ns),
        doubt,
        effect,
    }
}

fn redis(writes: &RedisWrites) -> RedisView {
    let cause = |cause: &RedisCause| CauseRow {
        effect: cause.effect.clone(),
        count: figures::count(cause.count),
        hop: words::hop(&cause.hop).to_owned(),
        window: words::window(&cause.window).to_owned(),
        guard: words::guard(&cause.guard).to_owned(),
    };
    let event = |event: &RedisEvent| EventView {
        at: figures::instant(event.at_ns),
        actor: event.node.clone(),
        text: event.what.clone(),
        key: event.what == "promoted",
    };
    RedisView {
        outcome: writes.outcome(),
        causes: writes.causes.iter().map(cause).collect(),
        events: writes.events.iter().map(event).collect(),
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
    let digest = match engine::words(record).repeats {
        true => "a hash over every event; the same command must give it again",
        false => "a hash over what happened; another run gives another one",
    };
    vec![
        fact("Scenario", &*record.scenario, ""),
        fact("Seed", record.seed.to_string(), ""),
        fact("Engine", &*record.engine, ""),
        fact("Digest", &*record.digest, digest),
        fact("Events", figures::count(record.events_total), "handled by the engine"),
        fact("Version", &*record.imsim_version, "of imsim"),
        fact("Record schema", record.schema_version.to_string(), "of record.json"),
    ]
}
