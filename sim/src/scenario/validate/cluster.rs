//! Rules of `[cluster]`, `[network]` and `[population]`: clusters that cannot run, or that this
//! version does not simulate.

use im::config::Ids;
use im::units::Span;

use super::Rules;
use crate::scenario::{Probability, Profile, Scenario};

/// Node numbers that fit into the 10 bits that a snowflake id has for them.
const SNOWFLAKE_NODES: u32 = 1 << 10;

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let cluster = &scenario.cluster;
    for (key, count, what) in [
        ("cluster.gateways", cluster.gateways, "no node that devices could connect to"),
        ("cluster.chats", cluster.chats, "no node that accepts messages"),
        ("cluster.dispatchers", cluster.dispatchers, "no node that delivers messages"),
        ("cluster.store.shards", cluster.store.shards, "no node that keeps messages"),
        ("cluster.log.partitions", cluster.log.partitions, "no place in the log for any message"),
        ("population.users", scenario.population.users, "nobody to talk"),
    ] {
        rules.demand_some(key, count as usize, what);
    }
    let brokers = cluster.log.brokers;
    rules.demand(brokers == 1, &["cluster.log.brokers"], || {
        format!("`{brokers}` is not simulated: this version simulates a single broker; write 1")
    });
    for (key, count) in [
        ("cluster.redis.replicas", cluster.redis.replicas),
        ("cluster.redis.sentinels", cluster.redis.sentinels),
    ] {
        rules.demand(count == 0, &[key], || {
            format!(
                "`{count}` is not simulated: this version simulates a single Redis master without \
                 persistence; write 0"
            )
        });
    }
    rules.demand(cluster.restart_after > Span::default(), &["cluster.restart_after"], || {
        "a process whose disk fails would start and end without end at one instant; write more \
         than 0"
            .to_owned()
    });
    let fits = scenario.im.ids != Ids::Snowflake || cluster.chats <= SNOWFLAKE_NODES;
    rules.demand(fits, &["cluster.chats", "im.ids"], || {
        format!(
            "{} chat nodes do not fit into the 10 bits that a snowflake id has for its node; \
             write {SNOWFLAKE_NODES} or less",
            cluster.chats
        )
    });
    check_profile(rules, "network.clients", &scenario.network.clients);
    check_profile(rules, "network.backend", &scenario.network.backend);
}

fn check_profile(rules: &mut Rules, key: &str, profile: &Profile) {
    let Profile { median, min, max, loss, .. } = profile;
    let [min_key, median_key, max_key, loss_key] =
        ["min", "median", "max", "loss"].map(|part| format!("{key}.{part}"));
    rules.demand(min <= median && median <= max, &[&median_key, &min_key, &max_key], || {
        format!("the median {median} is not between min {min} and max {max}; move one of them")
    });
    rules.demand(*loss < Probability::ALWAYS, &[&loss_key], || {
        "`100%` loss lets nothing through, ever; write less, or cut the network for a while with a \
         fault of kind \"partition\""
            .to_owned()
    });
}
