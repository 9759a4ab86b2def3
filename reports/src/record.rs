//! The record of a run: what it leaves behind, and all that pages, plots and tables are drawn from.
//!
//! Everything in a [`Record`] is virtual and repeats byte for byte with scenario, seed and build;
//! only the `live` engine measures real time, and nothing of its records repeats. Facts of the wall
//! (durations, threads, paths) stand only in the [`Manifest`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redis::RedisWrites;

/// Version of the record's shape; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 3;

/// What one run leaves behind (`record.json`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of the program.
    pub imsim_version: String,
    /// The scenario's name: its file name without extension.
    pub scenario: String,
    /// The scenario's own one-line description.
    pub about: String,
    /// The seed.
    pub seed: u64,
    /// The engine: `sim`, `turmoil` or `live`.
    pub engine: String,
    /// Rolling hash over every event, in hexadecimal.
    pub digest: String,
    /// What the engine could not do of the scenario, beside faults.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Events the engine handled.
    pub events_total: u64,
    /// The command that gives this record again.
    pub reproduce: String,
    /// All promises together.
    pub verdict: Verdict,
    /// How the run ended beside what the scenario expects.
    pub outcome: Outcome,
    /// Whether that is what the scenario expects.
    pub as_expected: bool,
    /// Whether it was interrupted: what is missing then proves nothing.
    #[serde(default)]
    pub interrupted: bool,
    /// Whether any message was owed to anybody, without which no promise was put to the test.
    pub tested: bool,
    /// Whether the scenario expects that.
    pub tested_expected: bool,
    /// How far the cluster fell short of its load; absent if it took all that was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overload: Option<Overload>,
    /// The bounds that the scenario sets, and what was measured.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// One entry per checker, in the order of the promises.
    pub promises: Vec<Promise>,
    /// The violations by cause, the first of each explained.
    pub findings: Vec<Finding>,
    /// Causes that are not among the findings, since there are too many.
    #[serde(default)]
    pub findings_left_out: u64,
    /// Where every owed row went.
    pub ledger: Ledger,
    /// Lengths of the run's phases.
    pub phases: Phases,
    /// The faults in the order of their start, and what each of them touched.
    pub faults: Vec<FaultReport>,
    /// How busy the nodes' processors were; absent when nodes compute in no time, or nobody knows.
    #[serde(default)]
    pub processors: Option<Processors>,
    /// What programs wrote to streams between tiers, over `duration` and settle; empty where nobody counted.
    #[serde(default)]
    pub hops: Vec<HopTraffic>,
    /// Distributions of latency.
    pub latencies: Vec<Latency>,
    /// One bucket per second of the engine's clock from the start of `duration` to the end of the run.
    pub timeline: Vec<Bucket>,
    /// Totals and rates people compare first.
    pub totals: Totals,
    /// What became of the writes of `[redis_clients]`; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisWrites>,
    /// Costs per accepted message, by name (for example `store_rows_written`).
    pub amplification: BTreeMap<String, f64>,
    /// Counters of the nodes, by role (for example `gateway`), then by name.
    pub counters: BTreeMap<String, BTreeMap<String, u64>>,
    /// The scenario, every default written out.
    pub expanded: serde_json::Value,
}

/// Something of a scenario that the engine could not do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// What, in the words of the scenario.
    pub what: String,
    /// Why, or what there is instead.
    pub why: String,
}

/// How a run ended beside what its scenario expects, from the best to the worst.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every promise held, as the scenario expects.
    Held,
    /// A promise did not hold, or nothing was put to the test, as the scenario expects.
    Expected,
    /// A promise could not be decided.
    Undecided,
    /// Nothing was owed to anybody, so that no promise was put to the test.
    NotTested,
    /// A figure lay beyond a bound of the scenario.
    BoundMissed,
    /// A promise was not as the scenario expects, or a fault that must touch something did not.
    Broken,
    /// There is no verdict to trust: no set-up, a bug, or the same seed gave two different runs.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 7] = [
        Outcome::Held,
        Outcome::Expected,
        Outcome::Undecided,
        Outcome::NotTested,
        Outcome::BoundMissed,
        Outcome::Broken,
        Outcome::Failed,
    ];

    /// Whether the run was as the scenario expects.
    pub fn is_as_expected(self) -> bool {
        matches!(self, Outcome::Held | Outcome::Expected)
    }
}

/// A cluster that was offered more than it could take. A state beside the verdicts: what it accepted it
/// must still deliver, once and in order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Overload {
    /// Sends that got neither an ack nor a refusal by the end of the run.
    pub waiting: u64,
    /// All sends that reached a device's database.
    pub offered: u64,
    /// The same per second of the load.
    pub offered_per_s: f64,
    /// Acked per second of the load.
    pub accepted_per_s: f64,
    /// The role with the busiest processor during the load, and its busy share, 0 to 1; absent where nodes
    /// compute in no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busiest: Option<(String, f64)>,
}

/// A bound of the scenario's `[expect]`, and what was measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// The metric.
    pub metric: String,
    /// Of which workload alone; of the whole run if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The bound as it is written: `< 800ms`.
    pub limit: String,
    /// What was measured, in `unit`; absent when the run has no sample of it.
    pub value: Option<f64>,
    /// Unit of the value; empty for a count.
    pub unit: String,
    /// Whether the value is only the least it can have been: it was cut off.
    #[serde(default)]
    pub at_least: bool,
    /// Whether the bound was met.
    pub met: bool,
    /// When it was missed, as far as time tells: spans in nanoseconds from the start of `duration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<(u64, u64)>,
}

/// The answer of a checker.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The promise held.
    Valid,
    /// It cannot be decided from the history.
    Unknown,
    /// The promise was broken.
    Invalid,
}

/// One promise and the answer of its checker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// Id of the promise (`A1`) or of the lint (`ledger`).
    pub id: String,
    /// What is promised, in a few words.
    pub name: String,
    /// The answer.
    pub verdict: Verdict,
    /// What the answer rests on, as one sentence with numbers.
    pub evidence: String,
    /// How many violations were found in all.
    pub violations: u64,
    /// The answer that the scenario expects.
    pub expected: Verdict,
}

/// Violations of one cause, of which the first is explained.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the broken promise.
    pub promise: String,
    /// Ids of other promises that the same violations break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// How many violations there are of this cause; one that breaks two promises counts once.
    pub count: u64,
    /// What they have in common: the kind, where it happened, and the fault under way.
    pub cause: String,
    /// What is wrong, in one sentence that names the message and the device.
    pub summary: String,
    /// What should have been.
    pub expected: String,
    /// The events that led there, in time order.
    pub events: Vec<FindingEvent>,
}

/// One event in the explanation of a violation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FindingEvent {
    /// When, in nanoseconds on the engine's clock.
    pub at_ns: u64,
    /// Who acted: a device (`u7.d0`) or a fault (`fault 3`).
    pub actor: String,
    /// What happened.
    pub text: String,
    /// Whether this is the event the violation turns on.
    pub key: bool,
    /// What happened in a few words, for diagrams; absent in records of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<String>,
    /// When it was over, for what lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ns: Option<u64>,
    /// Where the message of the event came from; absent where it was made here, or is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where the message of an event came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The place among the finding's events at which the message was sent.
    pub event: usize,
    /// Whether it came; otherwise the device was owed it and never showed it.
    pub arrived: bool,
}

/// Where every (row, device) pair that is owed went: owed = shown + pending + too late + dropped.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Rows that got a seq.
    pub sequenced: u64,
    /// Of these, rows whose send ack a device saw.
    pub acked: u64,
    /// Of these, rows known only because a device showed them.
    pub unacked: u64,
    /// Owed (row, device) pairs.
    pub owed: u64,
    /// Owed pairs that were shown.
    pub shown: u64,
    /// Of these, pairs whose row is a message.
    #[serde(default)]
    pub owed_messages: u64,
    /// Owed pairs above the device's durable cursor that should have been shown: still to come.
    pub pending: u64,
    /// Owed pairs that were accepted too late for the time in which they are promised to be over by the end
    /// of the run.
    #[serde(default)]
    pub too_late: u64,
    /// Owed pairs at or below the cursor that were never shown, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Shown pairs that may or may not be owed (an ack is missing).
    pub maybe_shown: u64,
    /// Shown pairs that are certainly not owed.
    pub leaked: u64,
}

/// Lengths of the phases, in nanoseconds on the engine's clock. Times elsewhere in the record count from the
/// start of `duration`; the set-up lies before it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// Logins and opening of conversations, before the clock of the scenario starts.
    pub setup_ns: u64,
    /// The scenario's `duration`.
    pub duration_ns: u64,
    /// From the end of `duration` until nothing was owed, or the end of `settle`.
    pub settle_ns: u64,
}

/// One fault and what it touched.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    /// Its number in the run, from 1.
    pub number: u32,
    /// Its kind (`crash`, `partition`, …).
    pub kind: String,
    /// What it was aimed at, in words (`gateway-0`, `gateway ↔ chat`).
    pub target: String,
    /// Start, in nanoseconds from the start of `duration`.
    pub from_ns: u64,
    /// End.
    pub until_ns: u64,
    /// What it touched, by name (`packets_lost`, `connections_reset`, …).
    pub effect: BTreeMap<String, u64>,
    /// Where it comes from: `faults.2` is the scenario's third one, `swarm.clog.0` the first clog
    /// that the swarm drew. The parts of one fault have the same origin.
    #[serde(default)]
    pub origin: String,
    /// Whether it counts as a broken expectation when all parts of the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
    /// The fault as it was drawn, with nothing left to chance.
    #[serde(default)]
    pub drawn: serde_json::Value,
    /// Why the engine did not do it, if it did not.
    #[serde(default)]
    pub left_out: Option<String>,
    /// From the end of the fault until all messages that were intended before had been shown, on all devices
    /// that ever showed them, in nanoseconds.
    #[serde(default)]
    pub caught_up_ns: Option<u64>,
    /// From the begin of the fault to the first second after which rates, and latencies of new sends, stay in
    /// the band in which they were before, in nanoseconds; absent where there is no time before it to compare
    /// with.
    #[serde(default)]
    pub recovery_ns: Option<u64>,
    /// Whether that is only the least it took: the load ended, or the next fault began, before it was over.
    #[serde(default)]
    pub recovery_open: bool,
    /// Of a fault of Redis, which knows where devices are: from its begin to the end of the last second in which
    /// dispatchers handed gateways less than half as many pushes per row as before it, in nanoseconds; 0 if there was
    /// none.
    #[serde(default)]
    pub pushes_back_ns: Option<u64>,
    /// It was done, but the engine cannot tell what it touched.
    #[serde(default)]
    pub uncounted: bool,
}

impl FaultReport {
    /// Whether the fault touched anything.
    pub fn effective(&self) -> bool {
        self.effect.values().any(|count| *count > 0)
    }

    /// Whether the fault was done and touched nothing.
    pub fn idle(&self) -> bool {
        self.left_out.is_none() && !self.uncounted && !self.effective()
    }
}

/// How busy the nodes' processors were during `duration`, and where that comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Processors {
    /// What work was reckoned to cost; absent when nothing was reckoned but the processors of the
    /// machine itself were measured, by the processor time of the nodes' threads.
    #[serde(default)]
    pub calibration: Option<CalibrationUsed>,
    /// One entry per role.
    pub roles: Vec<ProcessorLoad>,
}

/// The calibration that the costs of work come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationUsed {
    /// Its name.
    pub name: String,
    /// When it was measured.
    pub date: String,
    /// Whether it is the one built into the program, measured on some other machine.
    pub shipped_default: bool,
}

/// How busy the processors of a role were.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProcessorLoad {
    /// The role.
    pub role: String,
    /// Its hosts, one processor each.
    pub hosts: u64,
    /// Busy share of the busiest of them, 0 to 1.
    pub busy_share_max: f64,
    /// Mean of their busy shares.
    pub busy_share_mean: f64,
    /// The longest wait of a ready task for its processor; 0 too where it cannot be measured.
    pub longest_wait_ns: u64,
}

/// What went from one tier to another.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HopTraffic {
    /// The role that wrote.
    pub from: String,
    /// The role that read.
    pub to: String,
    /// Writes: a frame each, or several frames that left together.
    pub writes: u64,
    /// Payload bytes, without headers and without what was sent again.
    pub bytes: u64,
}

/// A distribution of latency.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// What was measured: `send→ack`, `send→show`, `send→first show`, `send→last show`, `absence→shown`, `sync`,
    /// `open`.
    pub name: String,
    /// How it was measured, in one sentence.
    pub about: String,
    /// Samples.
    pub count: u64,
    /// Smallest sample, in nanoseconds.
    pub min_ns: u64,
    /// Mean of the samples.
    pub mean_ns: f64,
    /// Largest sample.
    pub max_ns: u64,
    /// (percentile in 0..=100, latency in nanoseconds), rising: the whole curve, dense in the tail.
    pub curve: Vec<(f64, u64)>,
}

impl Latency {
    /// The smallest recorded latency at or above the percentile (0..=100); 0 without samples.
    pub fn percentile_ns(&self, percentile: f64) -> u64 {
        self.curve.iter().find(|(p, _)| *p >= percentile).map_or(self.max_ns, |(_, ns)| *ns)
    }
}

/// What happened within one second of the engine's clock.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// Start of the second, from the start of `duration`.
    pub second: u64,
    /// Sends the workload intended.
    pub offered: u64,
    /// Send acks that devices saw.
    pub accepted: u64,
    /// (message, device) pairs shown.
    pub shown: u64,
    /// Tries of a send after its first.
    pub retries: u64,
    /// Median send→show of the rows shown in this second; absent when none was.
    pub show_p50_ns: Option<u64>,
    /// 99th percentile of the same.
    pub show_p99_ns: Option<u64>,
    /// Median send→ack of the sends acked in this second; absent when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_p50_ns: Option<u64>,
    /// 99th percentile of the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_p99_ns: Option<u64>,
    /// Busy share of the servers' processors in this second, 0 to 1, the mean of each role; empty where nobody
    /// counted, and for a last second that is not whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_share: BTreeMap<String, f64>,
    /// How much waits at the end of this second in the queues of all servers, by queue: `operations` (for their
    /// commit), `outbox_rows` (for the log), `log_records` (for dispatchers), `pushes_unacked`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, u64>,
}

/// Totals over the run; rates are per second of `duration`, on the engine's clock.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Users.
    pub users: u64,
    /// Devices.
    pub devices: u64,
    /// Conversations.
    pub conversations: u64,
    /// Sends the workload intended.
    pub offered: u64,
    /// Send acks that devices saw.
    pub accepted: u64,
    /// (message, device) pairs shown.
    pub shown: u64,
    /// Planned operations that never began: their device was down, or crashed before it had them.
    pub not_asked: u64,
    /// Sends refused for good.
    pub refused: u64,
    /// Sends that got neither an ack nor a refusal by the end of the run.
    #[serde(default)]
    pub sends_without_outcome: u64,
    /// The longest span in which sends waited and none was accepted: from and until, in nanoseconds from the
    /// start of `duration`.
    #[serde(default)]
    pub unaccepted_gap_ns: (u64, u64),
    /// Logins of devices that had lost their connection while their programs ran on.
    #[serde(default)]
    pub connections_lost: u64,
    /// Tries of a send after its first, by devices.
    pub send_retries: u64,
    /// Tries of a push after its first, by gateways.
    pub push_retries: u64,
    /// Repeats recognised by servers and by devices.
    pub duplicates_suppressed: u64,
    /// Offered per second.
    pub offered_per_s: f64,
    /// Accepted per second.
    pub accepted_per_s: f64,
    /// Shown pairs per second.
    pub shown_per_s: f64,
    /// Packets sent on devices' links, those sent again included.
    pub client_packets_sent: u64,
    /// Of these, lost at random: the observed loss beside the one the scenario asks for.
    pub client_packets_lost: u64,
    /// Packets sent on links between servers, those sent again included.
    pub backend_packets_sent: u64,
    /// Of these, lost at random.
    pub backend_packets_lost: u64,
}

/// Facts of the wall (`manifest.json`): nothing here repeats.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// When the run began, in milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time of the run phase (the world), in seconds.
    pub run_wall_s: f64,
    /// Wall time of checking, in seconds.
    pub check_wall_s: f64,
    /// Wall time of rendering, in seconds.
    pub render_wall_s: f64,
    /// Virtual seconds simulated per wall second of the run phase.
    pub simulated_per_wall: f64,
    /// Shown (message, device) pairs per wall second of the run phase.
    pub shown_per_wall_s: f64,
    /// Threads of the process that ran worlds.
    pub threads: u32,
    /// Operating system and processor architecture.
    pub machine: String,
    /// Where the output was written.
    pub out: String,
    /// The command as it was typed.
    pub command: Vec<String>,
}
