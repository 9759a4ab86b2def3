//! Rules of time and of `[im]`: spans and bounds under which the protocol cannot work, and a
//! `settle` that is too short to prove anything.

use im::config::Config;
use im::units::Span;

use super::Rules;
use crate::scenario::Scenario;

/// The least `settle` in which a healed cluster can be asked to converge:
/// detection + largest backoff + one sync, where
///
/// - detection is the longest silence before a peer is called dead: the greater one of
///   `im.idle_timeout` and `im.lease`. A presence entry that outlives its device delays nothing:
///   pushes to it fail, and the device asks by itself;
/// - the largest backoff is the greatest wait in `im.send_retry`, in `im.push_retry`, and eight
///   times `im.reconnect`;
/// - one sync is `im.heartbeat` (a device compares its cursors) + `im.call_timeout`.
///
/// A cut, a pause or a clog of any length is covered by detection: after one of length `L`, TCP may
/// wait up to about `L` with its next retransmission, but a device's connection that is silent for
/// `im.idle_timeout` is hung up, and so is a call between servers after `im.call_timeout`; whatever
/// is longer than that makes nobody wait longer.
pub fn settle_floor(config: &Config) -> Span {
    let (detection, backoff, sync) = settle_parts(config);
    [detection, backoff, sync].into_iter().fold(Span::default(), add)
}

/// How long packets may still be under way when every fault is healed: the longest delay, or the
/// longest queue at a collapsed bandwidth, of any fault that is written or that the swarm may draw.
/// With the key of that fault.
fn aftermath(scenario: &Scenario) -> (Span, String) {
    let numbered = scenario.faults.iter().enumerate();
    let written = numbered.map(|(number, fault)| (fault.aftermath(), format!("faults.{number}")));
    let families = scenario.swarm.iter().flat_map(|swarm| &swarm.families);
    let drawn = families.map(|family| (family.aftermath_max(), "swarm".to_owned()));
    written.chain(drawn).max_by_key(|(late, _)| *late).unwrap_or_default()
}

/// The time in which what is owed is promised to be shown once everything has healed: the least `settle`,
/// what faults leave behind included.
pub fn promised_within(scenario: &Scenario) -> Span {
    add(settle_floor(&scenario.im), aftermath(scenario).0)
}

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let config = &scenario.im;
    rules.demand(scenario.duration > Span::default(), &["duration"], || {
        "a run of no length shows nothing; write a span of time, as in \"60s\"".to_owned()
    });
    check_spans(config, rules);
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
        ("im.reconnect", reconnect),
        ("im.redis_timeout", redis_timeout),
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

fn check_retries(rules: &mut Rules, key: &str, schedule: &[Span]) {
    rules.demand(!schedule.is_empty(), &[key], || {
        "an empty schedule never tries again, so that one lost packet loses a message; write at \
         least one wait, as in [\"1s\"]"
            .to_owned()
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
    let (late, latest) = aftermath(scenario);
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
    ];
    if late > Span::default() {
        keys.insert(1, &latest);
    }
    let under_way = match late {
        Span(0) => String::new(),
        late => format!(", packets under way {late} (the longest delay or queue of a fault)"),
    };
    rules.demand(settle >= floor, &keys, || {
        let (detection, backoff, sync) = settle_parts(&scenario.im);
        format!(
            "{settle} is too short to converge in: it takes up to {floor}, of which detection \
             {detection} (im.idle_timeout, im.lease), the largest backoff {backoff} \
             (im.send_retry, im.push_retry, 8 × im.reconnect), one sync {sync} (im.heartbeat + \
             im.call_timeout){under_way}; write at least {floor}, or shorten one of these"
        )
    });
}

/// Detection, largest backoff, one sync.
fn settle_parts(config: &Config) -> (Span, Span, Span) {
    let detection = config.idle_timeout.max(config.lease);
    let reconnect = Span(config.reconnect.0.saturating_mul(8));
    let waits = config.send_retry.iter().chain(&config.push_retry).copied();
    let backoff = waits.fold(reconnect, Span::max);
    (detection, backoff, add(config.heartbeat, config.call_timeout))
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
