//! Rules of `[cluster]`, `[network]` and `[population]`: clusters that cannot run, or that this
//! version does not simulate.

use im::config::{Ids, Ownership};
use im::units::Span;

use super::Rules;
use super::faults::QUEUE_BYTES_MIN;
use crate::scenario::error::is_harmful;
use crate::scenario::{Bandwidth, Bursts, Probability, Profile, RedisNodes, Scenario};

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
    ] {
        rules.demand_some(key, count as usize, what);
    }
    check_about(&scenario.about, rules);
    // Where there are workloads, they have more to say about this.
    if scenario.workload.is_empty() {
        let users = scenario.population.users as usize;
        rules.demand_some("population.users", users, "nobody to talk");
    }
    let brokers = cluster.log.brokers;
    rules.demand(brokers == 1, &["cluster.log.brokers"], || {
        format!("`{brokers}` is not simulated: this version simulates a single broker; write 1")
    });
    check_redis(&cluster.redis, rules);
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
    let locked = scenario.im.ownership != Ownership::StoreEpoch;
    rules.demand(scenario.im.fencing || locked, &["im.fencing", "im.ownership"], || {
        "without fencing and without a lock nobody decides who writes; write true, or another \
         im.ownership, as in \"redis-lock\""
            .to_owned()
    });
    rules.demand(scenario.im.id_block >= 1, &["im.id_block"], || {
        "a block of 0 ids gives none; write 1 or more".to_owned()
    });
    rules.demand(scenario.im.lock_ttl >= Span::ms(1), &["im.lock_ttl"], || {
        format!(
            "Redis counts in milliseconds, and {} is none; write 1ms or more",
            scenario.im.lock_ttl
        )
    });
    let one_device = scenario.population.second_device == Probability::NEVER;
    let queued = scenario.im.inbox.in_redis();
    rules.demand(one_device || !queued, &["population.second_device", "im.inbox"], || {
        "a queue in Redis is emptied by the first of a user's devices that acks; write \"0%\""
            .to_owned()
    });
    check_profile(rules, "network.clients", &scenario.network.clients);
    check_profile(rules, "network.backend", &scenario.network.backend);
    check_regions(scenario, rules);
}

/// What a scenario is for is printed on terminals and pages.
fn check_about(about: &str, rules: &mut Rules) {
    let harmful = about.chars().find(|c| is_harmful(*c));
    rules.demand(harmful.is_none(), &["about"], || {
        let code = harmful.map_or(0, u32::from);
        format!("it has the control character U+{code:04X}; write a sentence of plain text")
    });
}

fn check_redis(redis: &RedisNodes, rules: &mut Rules) {
    let useful = redis.sentinels == 0 || redis.replicas > 0;
    let keys = ["cluster.redis.sentinels", "cluster.redis.replicas"];
    rules.demand(useful, &keys, || {
        format!(
            "{} Sentinels have nobody to promote; write replicas = 1 or more, or sentinels = 0",
            redis.sentinels
        )
    });
    let quorum = redis.quorum();
    let can_agree = redis.sentinels == 0 || (1..=redis.sentinels).contains(&quorum);
    rules.demand(can_agree, &["cluster.redis.quorum", "cluster.redis.sentinels"], || {
        let all = redis.sentinels;
        format!("{quorum} of {all} Sentinels never agree; write 1 to {all}")
    });
    for (key, span) in [
        ("cluster.redis.down_after", redis.down_after),
        ("cluster.redis.failover_timeout", redis.failover_timeout),
    ] {
        rules.demand(span >= Span::ms(1), &[key], || {
            format!("Sentinels count in milliseconds, and {span} is none; write 1ms or more")
        });
    }
    for (key, span) in [
        ("cluster.redis.min_replicas_max_lag", redis.min_replicas_max_lag),
        ("cluster.redis.repl_diskless_sync_delay", redis.repl_diskless_sync_delay),
    ] {
        rules.demand(span.0.is_multiple_of(Span::s(1).0), &[key], || {
            format!("Redis counts this in seconds, and {span} is no number of them; write \"2s\"")
        });
    }
    let (demanded, there) = (redis.min_replicas_to_write, redis.replicas);
    let keys = ["cluster.redis.min_replicas_to_write", "cluster.redis.replicas"];
    rules.demand(demanded <= there, &keys, || {
        format!("the master would never take a write: its replicas are {there}; write that or less")
    });
}

fn check_regions(scenario: &Scenario, rules: &mut Rules) {
    rules.demand(scenario.network.backlog >= 1, &["network.backlog"], || {
        "a port must have room for a connection; write 1 or more, as in 1024".to_owned()
    });
    let names = &scenario.cluster.regions;
    for (place, name) in names.iter().enumerate() {
        let key = format!("cluster.regions.{place}");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        rules.demand(!name.is_empty() && name.chars().all(plain), &[&key], || {
            format!("`{name}` is not a name; write letters, digits, - or _, as in \"eu\"")
        });
        rules.demand(!names[..place].contains(name), &[&key], || {
            format!("`{name}` is the name of two regions; give one of them another name")
        });
    }
    let between = scenario.network.between_regions;
    let some = between == Span::default() || names.len() >= 2;
    rules.demand(some, &["network.between_regions", "cluster.regions"], || {
        format!(
            "{between} between {} regions is nowhere; write two or more, as in \
             cluster.regions = [\"eu\", \"us\"], or leave this out",
            names.len()
        )
    });
}

/// A chain that can leave its bad state, and loses something in it.
pub(super) fn check_bursts(key: &str, bursts: &Bursts, rules: &mut Rules) {
    rules.demand(bursts.leave > Probability::NEVER, &[&format!("{key}.leave")], || {
        "a burst that never ends lets nothing through; write more than 0%".to_owned()
    });
    rules.demand(bursts.loss > Probability::NEVER, &[&format!("{key}.loss")], || {
        "a burst that loses nothing is none; write more than 0%".to_owned()
    });
}

fn check_profile(rules: &mut Rules, key: &str, profile: &Profile) {
    let Profile { median, min, max, loss, bandwidth, queue, .. } = profile;
    check_bursts(&format!("{key}.bursts"), &profile.bursts, rules);
    let [bandwidth_key, queue_key] = ["bandwidth", "queue"].map(|part| format!("{key}.{part}"));
    rules.demand(bandwidth.bytes_per_s() != Some(0), &[&bandwidth_key], || {
        format!("`{bandwidth}` carries nothing, ever; write 8bit/s or more")
    });
    let limited = *bandwidth != Bandwidth::Unlimited;
    rules.demand(!limited || *queue >= QUEUE_BYTES_MIN, &[&queue_key], || {
        format!(
            "a queue of {queue} bytes has no room for two packets; write {QUEUE_BYTES_MIN} or more"
        )
    });
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
