//! What outlives its fault: how much of `settle` may pass before nothing is left of it.
//!
//! Counted are
//!
//! - *packets under way*: a packet meets every delay that is in force when it is sent, so delays that
//!   overlap add up; and a queue at a collapsed link at either end;
//! - *disks*: an operation that began while its disk was slow keeps its length. Servers and devices sync
//!   one file each, one sync at a time, so one such operation may be under way; one more for each time
//!   that the process starts meanwhile, whose read stands behind it (a loss of power empties the queue);
//! - *supervisors*: a process that ended itself because its disk failed is started again after
//!   `cluster.restart_after`.
//!
//! Not counted: pauses, cuts and losses of any length, because silence longer than detection makes
//! nobody wait longer; clocks, because ids go on from the last one over a clock that is put back, and
//! what expires early or late in Redis delays a push or a send, and nothing that was accepted.

use im::units::Span;

use crate::scenario::{Family, Fault, Links, Role, Scenario};

/// An operation may have so many bytes to write, beside its fixed cost.
const OPERATION_BYTES: u64 = 1 << 20;
/// What disks leave is counted in whole parts of this length.
const PART: Span = Span::ms(100);

/// What may last longest after the end of `duration`.
#[derive(Default)]
pub(super) struct Aftermath {
    /// How long.
    pub lasts: Span,
    /// The fault's key.
    pub key: String,
    /// What it is, in words.
    pub what: &'static str,
}

/// What may last longest after the end of `duration`, of faults that are written or that the swarm may draw.
pub(super) fn aftermath(scenario: &Scenario) -> Aftermath {
    let written = scenario.faults.iter().enumerate().flat_map(|(number, fault)| {
        let after = |(lasts, what): (Span, &'static str)| {
            let end = fault.end(scenario).0.saturating_add(lasts.0);
            let lasts = Span(end.saturating_sub(scenario.duration.0));
            Aftermath { lasts, key: format!("faults.{number}"), what }
        };
        [packets(scenario, fault), disks(scenario, fault)].map(after)
    });
    let families = scenario.swarm.iter().flat_map(|swarm| &swarm.families);
    let drawn = families.map(|family| {
        let (lasts, what) = drawn(scenario, *family);
        Aftermath { lasts, key: "swarm".to_owned(), what }
    });
    written.chain(drawn).max_by_key(|aftermath| aftermath.lasts).unwrap_or_default()
}

/// How long the swarm's faults of a family outlive their end at most.
fn drawn(scenario: &Scenario, family: Family) -> (Span, &'static str) {
    match family {
        Family::DiskSlow => {
            let roles = [Role::Store, Role::Log, Role::Device].into_iter();
            let slowest = roles.map(|role| slowed(scenario, role, Family::SLOWEST_DISK)).max();
            // It may strike a process that is killed meanwhile.
            (in_parts(slowest.unwrap_or(0).saturating_mul(2)), DISKS)
        }
        Family::DiskFailing => (scenario.cluster.restart_after, RESTARTS),
        _ => (family.aftermath_max(), PACKETS),
    }
}

const PACKETS: &str = "packets under way (the longest delay or queue of faults)";
const DISKS: &str = "operations under way on a disk that was slow";
const RESTARTS: &str = "processes to be started again after their disk has failed";

/// How long packets of the fault's last moment are under way after its end.
fn packets(scenario: &Scenario, fault: &Fault) -> (Span, &'static str) {
    let end = fault.end(scenario);
    let alone = of_packets(fault);
    if alone == Span::default() {
        return (alone, PACKETS);
    }
    let in_force = scenario.faults.iter().filter(|f| f.at() < end && end <= f.end(scenario));
    (Span(in_force.map(|fault| of_packets(fault).0).fold(0, u64::saturating_add)), PACKETS)
}

fn of_packets(fault: &Fault) -> Span {
    let both_ends = match fault {
        Fault::Bandwidth(collapse) => collapse.links != Some(Links::Clients),
        _ => false,
    };
    Span(fault.aftermath().0.saturating_mul(1 + u64::from(both_ends)))
}

/// How long a disk goes on with what began in the fault's time, or its process is away.
fn disks(scenario: &Scenario, fault: &Fault) -> (Span, &'static str) {
    let slow = match fault {
        Fault::DiskSlow(slow) => slow,
        Fault::DiskFailing(_) => return (scenario.cluster.restart_after, RESTARTS),
        _ => return (Span::default(), DISKS),
    };
    let role = slow.node.role;
    let (from, until) = (slow.at, fault.end(scenario));
    let starts = |other: &&Fault| match other {
        Fault::Crash(crash) => crash.node == slow.node,
        Fault::RollingRestart(restart) => restart.role == role,
        _ => false,
    };
    let meanwhile =
        |other: &&Fault| other.at() <= until && other.end(scenario) >= from && starts(other);
    let starts = scenario.faults.iter().filter(meanwhile).count() as u64;
    let drawn = u64::from(scenario.swarm.is_some());
    let one = slowed(scenario, role, (slow.times, slow.by));
    (in_parts(one.saturating_mul(1 + starts + drawn)), DISKS)
}

/// What one operation takes, in nanoseconds, while the disk is so slow.
fn slowed(scenario: &Scenario, role: Role, (times, by): (u32, Span)) -> u64 {
    let disk = &scenario.disk;
    let (sync, read, rate) = match role {
        Role::Device => (disk.device_fsync, disk.device_read, disk.device_write_mb_per_s),
        Role::Store => (disk.store_fsync.unwrap_or(disk.fsync), disk.read, disk.write_mb_per_s),
        _ => (disk.fsync, disk.read, disk.write_mb_per_s),
    };
    // Megabytes a second are bytes a microsecond; no limit is written as 0.
    let transfer = (OPERATION_BYTES * 1_000).checked_div(u64::from(rate)).unwrap_or(0);
    let cost = sync.max(read).0.saturating_add(transfer);
    cost.saturating_mul(u64::from(times)).saturating_add(by.0)
}

fn in_parts(nanos: u64) -> Span {
    Span(nanos.div_ceil(PART.0).saturating_mul(PART.0))
}
