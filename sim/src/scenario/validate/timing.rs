//! Rules of time and of `[im]`: spans and bounds under which the protocol cannot work, and a
//! `settle` that is too short to prove anything.

use im::config::Config;
use im::units::Span;

use super::Rules;
use super::aftermath::{Aftermath, aftermath};
use crate::scenario::{Disk, Network, Scenario};

/// What syncs take is counted in whole parts of this length.
const SYNCS_COUNT_FROM: Span = Span::ms(100);

/// The least `settle` in which a healed cluster can be asked to converge:
/// detection + largest backoff + one sync, where
///
/// - detection is the longest silence before a peer is called dead: the greater one of
///   `im.idle_timeout` and `im.lease`. A presence entry that outlives its device delays nothing:
///   pushes to it fail, and the device asks by itself;
/// - the largest backoff is the greatest wait in `im.send_retry`, in `im.push_retry`, and eight
///   times `im.reconnect`;
/// - one sync is `im.heartbeat` (a device compares its cursors) + the greater one of `im.call_timeout`
///   and `im.device_timeout` (it asks, and asks again).
///
/// A cut, a pause or a clog of any length is covered by detection: after one of length `L`, TCP may
/// wait up to about `L` with its next retransmission, but a device's connection that is silent for
/// `im.idle_timeout` is hung up, and so is a call between servers after `im.call_timeout`; whatever
/// is longer than that makes nobody wait longer.
pub fn settle_floor(config: &Config) -> Span {
    let (detection, backoff, sync) = settle_parts(config);
    [detection, backoff, sync].into_iter().fold(Span::default(), add)
}

/// How long the syncs take that a message waits for until its last device has it, as far as that counts beside
/// the other parts: in the store for its commit and for its copies, in the log and on the device, each time
/// behind one that is under way.
fn syncs(disk: &Disk) -> Span {
    let store = disk.store_fsync.unwrap_or(disk.fsync).0;
    let once = [store, store, disk.fsync.0, disk.device_fsync.0];
    let twice =
        once.into_iter().fold(0, |sum: u64, sync| sum.saturating_add(sync)).saturating_mul(2);
    Span(twice / SYNCS_COUNT_FROM.0 * SYNCS_COUNT_FROM.0)
}

/// The time in which what is owed is promised to be shown once everything has healed: the least `settle`,
/// what faults leave behind included.
pub fn promised_within(scenario: &Scenario) -> Span {
    let parts = [settle_floor(&scenario.im), aftermath(scenario).lasts, syncs(&scenario.disk)];
    parts.into_iter().fold(Span::default(), add)
}

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let config = &scenario.im;
    rules.demand(scenario.duration > Span::default(), &["duration"], || {
        "a run of no length shows nothing; write a span of time, as in \"60s\"".to_owned()
    });
    check_spans(config, rules);
    check_patience(config, &scenario.network, rules);
    check_retries(rules, "im.send_retry", &config.send_retry);
    check_retries(rules, "im.push_retry", &config.push_retry);
    check_bounds(config, rules);
    check_settle(scenario, rules);
}

fn check_spans(config: &Config, rules: &mut Rules) {
    let Config { heartbeat, idle_timeout, call_timeout, reconnect, lease, .. } = config;
    let Config { redis_timeout, redis_redial, .. } = config;
    for (key, span) in [
        ("im.heartbeat", heartbeat),
        ("im.call_timeout", call_timeout),
        ("im.device_timeout", &config.device_timeout),
        ("im.reconnect", reconnect),
        ("im.redis_timeout", redis_timeout),
        ("im.redis_heartbeat", &config.redis_heartbeat),
        ("im.redis_redial", redis_redial),
    ] {
        rules.demand(*span > Span::default(), &[key], || {
            "a span of 0 would repeat without end at one instant; write more".to_owned()
        });
    }
    let twice = add(*heartbeat, *heartbeat);
    rules.demand(*idle_timeout > twice, &["im.idle_timeout", "im.heartbeat"], || {
        format!(
            "impossible: with {idle_timeout} a device would be called dead between two heartbeats, \
             which are {heartbeat} apart; write more than {twice}, or shorten im.heartbeat"
        )
    });
    rules.demand(lease > call_timeout, &["im.lease", "im.call_timeout"], || {
        format!(
            "impossible: with {lease} one slow renewal of up to {call_timeout} (im.call_timeout) \
             would drop a live server; write more than {call_timeout}, or shorten im.call_timeout"
        )
    });
    let presence = config.presence_lease;
    rules.demand(presence > *heartbeat, &["im.presence_lease", "im.heartbeat"], || {
        format!(
            "impossible: with {presence} the presence of a live device would lapse between two \
             heartbeats, which are {heartbeat} apart; write more than {heartbeat}, or shorten \
             im.heartbeat"
        )
    });
}

/// What waits for an answer must wait for a round trip, at least where nothing is wrong.
fn check_patience(config: &Config, network: &Network, rules: &mut Rules) {
    let (clients, backend) = (("clients", &network.clients), ("backend", &network.backend));
    for (key, patience, (links, profile), what) in [
        ("im.device_timeout", config.device_timeout, clients, "no device would ever log in"),
        ("im.call_timeout", config.call_timeout, backend, "servers would not hear of each other"),
        ("im.redis_timeout", config.redis_timeout, backend, "nobody would ever reach Redis"),
    ] {
        let way = profile.max.0.saturating_add(network.between_regions.0);
        let (trip, max) = (Span(way.saturating_mul(2)), format!("network.{links}.max"));
        let keys = [key, &max, "network.between_regions"];
        rules.demand(patience > trip || patience == Span::default(), &keys, || {
            format!(
                "impossible: with {patience} {what}, since a round trip takes up to {trip} \
                 ({max} there and back); write more than {trip}"
            )
        });
    }
    let (patience, timeout) = (config.call_patience, config.call_timeout);
    rules.demand(patience >= timeout, &["im.call_patience", "im.call_timeout"], || {
        format!(
            "impossible: calls that a server is at work on would end after {patience}, before those \
             of which nothing is heard ({timeout}); write {timeout} or more"
        )
    });
}

fn check_retries(rules: &mut Rules, key: &str, schedule: &[Span]) {
    rules.demand(!schedule.is_empty(), &[key], || {
        let why = match key {
            "im.push_retry" => "leaves no time for the ack of the first push",
            _ => "never tries again, so that one lost packet loses a message",
        };
        format!("an empty schedule {why}; write at least one wait, as in [\"1s\"]")
    });
    for (index, wait) in schedule.iter().enumerate() {
        rules.demand(*wait > Span::default(), &[&format!("{key}.{index}")], || {
            "a wait of 0 would try again without end at one instant; write more".to_owned()
        });
    }
}

fn check_bounds(config: &Config, rules: &mut Rules) {
    for (key, bound, what) in [
        ("im.push_shard", config.push_shard, "no recipient in any push"),
        ("im.recent_rows", config.recent_rows, "no row in the cache"),
        ("im.sync_rows", config.sync_rows, "no row in any sync"),
        ("im.hold_back_rows", config.hold_back_rows, "no place for a row that comes early"),
        ("im.chat_queue", config.chat_queue, "no place for any send"),
        ("im.commit_rows", config.commit_rows, "no row in any commit"),
        ("im.fetch_records", config.fetch_records, "no record in any fetch"),
        ("im.redis_tries", config.redis_tries as usize, "no try of any command"),
    ] {
        rules.demand_some(key, bound, what);
    }
}

fn check_settle(scenario: &Scenario, rules: &mut Rules) {
    let after = aftermath(scenario);
    let syncs = syncs(&scenario.disk);
    let (settle, floor) = (scenario.settle, promised_within(scenario));
    let mut keys = vec![
        "settle",
        "im.idle_timeout",
        "im.lease",
        "im.send_retry",
        "im.push_retry",
        "im.reconnect",
        "im.heartbeat",
        "im.call_timeout",
        "im.device_timeout",
    ];
    if after.lasts > Span::default() {
        keys.insert(1, &after.key);
    }
    if syncs > Span::default() {
        keys.extend(["disk.fsync", "disk.store_fsync", "disk.device_fsync"]);
    }
    let mut besides = String::new();
    if let Aftermath { lasts: Span(1..), what, .. } = &after {
        besides.push_str(&format!(", {what} {}", after.lasts));
    }
    if syncs > Span::default() {
        besides.push_str(&format!(", the syncs that a message waits for {syncs} (disk)"));
    }
    rules.demand(settle >= floor, &keys, || {
        let (detection, backoff, sync) = settle_parts(&scenario.im);
        format!(
            "{settle} is too short to converge in: it takes up to {floor}, of which detection \
             {detection} (im.idle_timeout, im.lease), the largest backoff {backoff} \
             (im.send_retry, im.push_retry, 8 × im.reconnect), one sync {sync} (im.heartbeat + \
             im.call_timeout or im.device_timeout){besides}; write at least {floor}, or shorten one \
             of these"
        )
    });
}

/// Detection, largest backoff, one sync.
fn settle_parts(config: &Config) -> (Span, Span, Span) {
    let detection = config.idle_timeout.max(config.lease);
    let reconnect = Span(config.reconnect.0.saturating_mul(8));
    let waits = config.send_retry.iter().chain(&config.push_retry).copied();
    let backoff = waits.fold(reconnect, Span::max);
    let answer = config.call_timeout.max(config.device_timeout);
    (detection, backoff, add(config.heartbeat, answer))
}

fn add(one: Span, other: Span) -> Span {
    Span(one.0.saturating_add(other.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_detection_and_the_largest_backoff_and_one_sync() {
        assert_eq!(settle_floor(&Config::default()), Span::s(30 + 5 + 12));
        let quick = Config {
            heartbeat: Span::s(1),
            idle_timeout: Span::s(3),
            lease: Span::s(4),
            reconnect: Span::s(2),
            ..Config::default()
        };
        assert_eq!(settle_floor(&quick), Span::s(4 + 16 + 3));
    }

    #[test]
    fn the_default_settle_is_enough_for_the_default_timings() {
        assert!(crate::scenario::default_settle() >= settle_floor(&Config::default()));
    }
}
