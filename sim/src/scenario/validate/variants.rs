//! Rules of the parts on Redis in `[im]`: limits, conversation lists, and locks on several masters.

use im::config::Ownership;
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
    check_redlock(scenario, rules);
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
             {asked} (im.redis_timeout); write more than {least}, or shorten im.redis_timeout",
            config.lock_ttl
        )
    });
}
