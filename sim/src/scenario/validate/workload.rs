//! Rules of the `[[workload]]` tables: loads that the population cannot produce.

use im::config::Pull;
use im::units::Span;

use super::Rules;
use crate::scenario::explain::{did_you_mean, one_of};
use crate::scenario::{
    Group, Members, OneToOne, Payload, Rate, RedisClients, Scenario, Workload, Zipf,
};

/// The largest payload of a message, 1 MiB: beyond it people send a link to a file.
const PAYLOAD_BYTES_MAX: u32 = 1 << 20;

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    if let Some(clients) = &scenario.redis_clients {
        check_redis_clients(scenario, clients, rules);
    }
    let (users, talk) = (scenario.population.users, !scenario.workload.is_empty());
    rules.demand(users >= 2 || !talk, &["population.users"], || {
        format!("`{users}` leaves nobody to talk to; write 2 or more, or leave the workloads out")
    });
    for (index, workload) in scenario.workload.iter().enumerate() {
        let key = format!("workload.{index}");
        check_name(scenario, index, rules);
        let rate = format!("{key}.rate");
        rules.demand(!workload.rate().is_zero(), &[&rate], || {
            "nothing would ever be sent; write more than 0, or leave this workload out".to_owned()
        });
        check_opens(&key, workload.consume_rate(), scenario.im.pull, rules);
        check_payload(&key, workload.payload(), rules);
        match workload {
            Workload::OneToOne(pairs) => check_pairs(&key, pairs, users, rules),
            Workload::Group(groups) => check_groups(&key, groups, users, rules),
        }
    }
}

fn check_redis_clients(scenario: &Scenario, clients: &RedisClients, rules: &mut Rules) {
    rules.demand_some("redis_clients.count", clients.count as usize, "nobody to write");
    rules.demand(!clients.rate.is_zero(), &["redis_clients.rate"], || {
        "nothing would ever be written; write more than 0, or leave [redis_clients] out".to_owned()
    });
    let (asked, there) = (clients.wait_replicas, scenario.cluster.redis.replicas);
    let keys = ["redis_clients.wait_replicas", "cluster.redis.replicas"];
    rules.demand(asked <= there, &keys, || {
        format!("no write would ever count: the master has {there} replicas; write that or less")
    });
    rules.demand(clients.wait_timeout >= Span::ms(1), &["redis_clients.wait_timeout"], || {
        "WAIT with 0 waits for ever; write 1ms or more".to_owned()
    });
}

/// Names are addressed by `--set` and stand in reports.
fn check_name(scenario: &Scenario, index: usize, rules: &mut Rules) {
    let name = scenario.workload[index].name();
    let key = format!("workload.{index}.name");
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain);
    rules.demand(sound, &[&key], || {
        format!(
            "`{name}` is not a name; write a letter and then letters, digits, - or _, as in \
             \"groups\""
        )
    });
    let earlier = scenario.workload[..index].iter().position(|other| other.name() == name);
    if let Some(earlier) = earlier {
        rules.demand(false, &[&key, &format!("workload.{earlier}.name")], || {
            format!("`{name}` is the name of two workloads; give one of them another name")
        });
    }
}

fn check_opens(key: &str, consume_rate: Option<Rate>, pull: Pull, rules: &mut Rules) {
    let key = format!("{key}.consume_rate");
    rules.demand(consume_rate.is_none_or(|rate| !rate.is_zero()), &[&key], || {
        "nothing would ever be opened; write more than 0, or leave it out".to_owned()
    });
    let opened = pull == Pull::OnNotify || consume_rate.is_some();
    rules.demand(opened, &[&key, "im.pull"], || {
        "with im.pull = \"on-open\" nobody would see a message, because nobody opens these \
         conversations; write how often each device does, as in \"0.2/s\""
            .to_owned()
    });
}

fn check_pairs(key: &str, workload: &OneToOne, users: u32, rules: &mut Rules) {
    let pairs_key = format!("{key}.pairs");
    rules.demand_some(&pairs_key, workload.pairs as usize, "nobody to talk");
    let most = u64::from(users) * u64::from(users.saturating_sub(1)) / 2;
    let possible = u64::from(workload.pairs) <= most;
    rules.demand(possible || users < 2, &[&pairs_key, "population.users"], || {
        let pairs = if most == 1 { "pair" } else { "pairs" };
        format!(
            "{users} users make {most} different {pairs}; write that or less, or raise \
             population.users"
        )
    });
}

fn check_groups(key: &str, workload: &Group, users: u32, rules: &mut Rules) {
    rules.demand_some(&format!("{key}.groups"), workload.groups as usize, "nobody to talk");
    let members = format!("{key}.members");
    match &workload.members {
        Members::Exactly(size) => {
            check_smallest(&members, *size, rules);
            check_largest(&members, *size, users, rules);
        }
        Members::Zipf(Zipf { zipf, min, max }) => {
            let [zipf_key, min_key, max_key] =
                ["zipf", "min", "max"].map(|part| format!("{members}.{part}"));
            check_smallest(&min_key, *min, rules);
            check_largest(&max_key, *max, users, rules);
            rules.demand(min <= max, &[&min_key, &max_key], || {
                format!("the smallest group ({min}) is larger than the largest ({max}); swap them")
            });
            rules.demand((0.0..=10.0).contains(zipf), &[&zipf_key], || {
                format!("`{zipf}` is no exponent of group sizes; write 0 to 10, as in 1.2")
            });
        }
    }
}

fn check_smallest(key: &str, size: u32, rules: &mut Rules) {
    rules.demand(size >= 2, &[key], || {
        format!("a group of {size} has nobody to talk to; write 2 or more")
    });
}

fn check_largest(key: &str, size: u32, users: u32, rules: &mut Rules) {
    rules.demand(size <= users || users < 2, &[key, "population.users"], || {
        format!(
            "a group of {size} is more than all {users} users; write {users} or less, or raise \
             population.users"
        )
    });
}

fn check_payload(key: &str, payload: &Payload, rules: &mut Rules) {
    if let Payload::Bytes(bytes) = payload {
        let key = format!("{key}.payload.bytes");
        rules.demand((1..=PAYLOAD_BYTES_MAX).contains(bytes), &[&key], || {
            format!("a message of {bytes} bytes is not sent; write 1 to {PAYLOAD_BYTES_MAX}")
        });
    }
}

/// Demands that `name` is a workload of groups.
pub(super) fn demand_group(scenario: &Scenario, key: &str, name: &str, rules: &mut Rules) {
    let groups = || {
        let all = scenario.workload.iter();
        all.filter(|workload| matches!(workload, Workload::Group(_))).map(Workload::name)
    };
    let exists = scenario.workload.iter().any(|workload| workload.name() == name);
    let remedy = || match groups().collect::<Vec<_>>().as_slice() {
        [] => "; add a [[workload]] of kind \"group\"".to_owned(),
        names => format!("; write {}", one_of(names)),
    };
    rules.demand(exists, &[key], || {
        let hint = Some(did_you_mean(name, groups())).filter(|hint| !hint.is_empty());
        format!("there is no workload `{name}`{}", hint.unwrap_or_else(remedy))
    });
    rules.demand(!exists || groups().any(|group| group == name), &[key], || {
        format!("`{name}` is a workload of pairs, whose members never change{}", remedy())
    });
}
