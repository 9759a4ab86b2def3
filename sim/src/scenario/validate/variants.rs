//! Rules of variants in `[im]`: limits, conversation lists, commits in the log, merged pushes, and
//! locks on several masters.

use im::config::{Commit, Fanout, Ownership, Push, Sabotage};
use im::units::Span;

use super::Rules;
use crate::scenario::Scenario;

/// So many masters still have a majority without one of them.
const REDLOCK_MASTERS_MIN: u32 = 3;

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let config = &scenario.im;
    rules.demand_some("im.limit_sends", config.limit_sends as usize, "nobody who may send");
    rules.demand_some(
        "im.conversations_kept",
        config.conversations_kept,
        "no conversation in any list",
    );
    for (key, span) in [
        ("im.limit_window", config.limit_window),
        ("im.conversations_life", config.conversations_life),
    ] {
        rules.demand(span >= Span::ms(1), &[key], || {
            format!("Redis counts in milliseconds, and {span} is none; write 1ms or more")
        });
    }
    let named = config.push == Push::Notify && config.inbox.in_redis();
    rules.demand(!named, &["im.push", "im.inbox"], || {
        "a row leaves a queue in Redis once its push is acked, and here no row is pushed; write \
         \"content\" or \"by-fanout\", or im.inbox = \"copy-until-ack\""
            .to_owned()
    });
    check_commit(scenario, rules);
    check_changes(scenario, rules);
    check_merge(scenario, rules);
    check_redlock(scenario, rules);
}

/// What an owner of an outdated epoch appends, only the store can put behind what is there.
fn check_commit(scenario: &Scenario, rules: &mut Rules) {
    let config = &scenario.im;
    let in_log = config.commit == Commit::Log;
    rules.demand(config.fencing || !in_log, &["im.fencing", "im.commit"], || {
        "the log takes no append of an outdated epoch; write true, or im.commit = \"store\""
            .to_owned()
    });
    let planted = config.sabotaged(Sabotage::NoFencing);
    rules.demand(!planted || !in_log, &["im.sabotage", "im.commit"], || {
        "this bug is planted in the store, and here the log commits; write another one, or \
         im.commit = \"store\""
            .to_owned()
    });
}

fn check_changes(scenario: &Scenario, rules: &mut Rules) {
    let hybrid = scenario.im.fanout == Fanout::Hybrid;
    for (number, change) in scenario.changes.iter().enumerate() {
        let [at, threshold] =
            ["at", "hybrid_threshold"].map(|key| format!("changes.{number}.{key}"));
        rules.demand(change.at < scenario.duration, &[&at, "duration"], || {
            format!(
                "at {} the run's duration is over ({}); write less, or raise duration",
                change.at, scenario.duration
            )
        });
        rules.demand(hybrid, &[&threshold, "im.fanout"], || {
            "only hybrid fan-out has a threshold; write im.fanout = \"hybrid\", or leave this change \
             out"
                .to_owned()
        });
    }
}

/// A push that waits longer than its next try would be sent twice at once.
fn check_merge(scenario: &Scenario, rules: &mut Rules) {
    let Some(merge) = &scenario.im.merge else { return };
    rules.demand_some("im.merge.max", merge.max, "no push in any frame");
    rules.demand(merge.window > Span::default(), &["im.merge.window"], || {
        "with a window of 0 nothing is merged; write more, or leave im.merge out".to_owned()
    });
    let Some(retry) = scenario.im.push_retry.first() else { return };
    rules.demand(merge.window < *retry, &["im.merge.window", "im.push_retry"], || {
        format!(
            "impossible: after {} a push would be tried again ({retry}, im.push_retry) before it \
             has left; write less than {retry}",
            merge.window
        )
    });
}

/// All masters are asked within the lock's time, of which a hundredth and 2 ms are not trusted.
fn check_redlock(scenario: &Scenario, rules: &mut Rules) {
    let (config, masters) = (&scenario.im, scenario.cluster.redis.lock_masters);
    let wait = config.redis_wait.as_ref().map_or(0, |wait| wait.timeout.0);
    let asked = Span(config.redis_timeout.0.saturating_add(wait));
    let least = Span(asked.0.saturating_add(asked.0 / 50).saturating_add(Span::ms(2).0));
    let redlock = config.ownership == Ownership::Redlock;
    let keys = ["cluster.redis.lock_masters", "im.ownership"];
    rules.demand(!redlock || masters >= REDLOCK_MASTERS_MIN, &keys, || {
        format!(
            "with {masters} masters for Redlock none of them may be away; write \
             {REDLOCK_MASTERS_MIN} or more, as in 5"
        )
    });
    let keys = ["im.lock_ttl", "im.redis_timeout", "im.redis_wait.timeout"];
    rules.demand(!redlock || config.lock_ttl > least, &keys, || {
        format!(
            "impossible: {} may be over before every master has answered, for which it has \
             {asked} (im.redis_timeout and im.redis_wait.timeout); write more than {least}, or \
             shorten these",
            config.lock_ttl
        )
    });
}

#[cfg(test)]
mod tests {
    use im::config::{Inbox, Merge, RedisWait};

    use super::*;

    /// What the rules say of the default scenario, changed.
    fn refused(change: impl Fn(&mut Scenario)) -> Vec<(String, String)> {
        let text = r#"workload = [{ kind = "one-to-one", name = "w", pairs = 1, rate = "1/s" }]"#;
        let mut scenario = Scenario::from_str("x.toml", text, &[]).expect("it is sound");
        change(&mut scenario);
        let mut rules = Rules { violations: Vec::new() };
        check(&scenario, &mut rules);
        let violations = rules.violations.into_iter();
        violations.map(|violation| (violation.keys[0].join("."), violation.message)).collect()
    }

    fn redlock(scenario: &mut Scenario) {
        scenario.im.ownership = Ownership::Redlock;
        scenario.cluster.redis.lock_masters = 5;
    }

    #[test]
    fn bounds_that_leave_nothing_are_refused() {
        let of = |key: &str, message: &str| vec![(key.to_owned(), message.to_owned())];
        assert_eq!(refused(|_| {}), []);
        assert_eq!(
            refused(|scenario| scenario.im.limit_sends = 0),
            of("im.limit_sends", "`0` leaves nobody who may send; write 1 or more")
        );
        assert_eq!(
            refused(|scenario| scenario.im.conversations_kept = 0),
            of("im.conversations_kept", "`0` leaves no conversation in any list; write 1 or more")
        );
        assert_eq!(refused(|scenario| scenario.im.push = Push::Notify), []);
        let queued = refused(|scenario| {
            scenario.im.push = Push::Notify;
            scenario.im.inbox = Inbox::RedisQueue;
        });
        assert_eq!(queued[0].0, "im.push");
        let merge = |max, window| {
            refused(|scenario| scenario.im.merge = Some(Merge { max, window }))
                .into_iter()
                .map(|(key, _)| key)
                .collect::<Vec<String>>()
        };
        assert_eq!(merge(50, Span::ms(20)), [""; 0]);
        assert_eq!(merge(0, Span::s(1)), ["im.merge.max", "im.merge.window"]);
        assert_eq!(merge(1, Span::s(0)), ["im.merge.window"]);
        assert_eq!(
            refused(|scenario| scenario.im.limit_window = Span(999_999)),
            of(
                "im.limit_window",
                "Redis counts in milliseconds, and 999999ns is none; write 1ms or more"
            )
        );
    }

    #[test]
    fn the_log_commits_nothing_of_an_outdated_epoch() {
        let in_log = |change: fn(&mut Scenario)| {
            refused(|scenario| {
                scenario.im.commit = Commit::Log;
                change(scenario);
            })
        };
        assert_eq!(in_log(|_| {}), []);
        let message = "the log takes no append of an outdated epoch; write true, or im.commit = \
                       \"store\"";
        let of = |key: &str, message: &str| vec![(key.to_owned(), message.to_owned())];
        assert_eq!(in_log(|scenario| scenario.im.fencing = false), of("im.fencing", message));
        let message = "this bug is planted in the store, and here the log commits; write another \
                       one, or im.commit = \"store\"";
        let planted = in_log(|scenario| scenario.im.sabotage = Sabotage::NoFencing);
        assert_eq!(planted, of("im.sabotage", message));
        assert_eq!(
            refused(|scenario| {
                scenario.im.commit = Commit::Dual;
                scenario.im.fencing = false;
            }),
            []
        );
    }

    #[test]
    fn redlock_needs_masters_and_the_time_to_ask_them() {
        assert_eq!(refused(redlock), []);
        let few = refused(|scenario| scenario.im.ownership = Ownership::Redlock);
        let message =
            "with 0 masters for Redlock none of them may be away; write 3 or more, as in 5";
        assert_eq!(few, [("cluster.redis.lock_masters".to_owned(), message.to_owned())]);
        let short = refused(|scenario| {
            redlock(scenario);
            scenario.im.lock_ttl = Span::ms(300);
            scenario.im.redis_wait = Some(RedisWait { replicas: 1, timeout: Span::ms(50) });
        });
        let message = "impossible: 300ms may be over before every master has answered, for which it \
                       has 300ms (im.redis_timeout and im.redis_wait.timeout); write more than \
                       308ms, or shorten these";
        assert_eq!(short, [("im.lock_ttl".to_owned(), message.to_owned())]);
    }
}
