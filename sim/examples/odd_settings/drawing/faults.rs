//! What goes wrong: faults as they are written, and a swarm.

use imsim::scenario::{Family, Point, role_of};

use super::Facts;
use super::dice::Dice;

pub fn draw(dice: &mut Dice, facts: &mut Facts) {
    let favoured = std::mem::take(&mut facts.bias.favoured);
    let counts = if favoured.is_empty() { &[0, 0, 1, 1, 2, 3, 5][..] } else { &[2, 3, 5] };
    let count = *dice.pick("faults", counts);
    for _ in 0..count {
        let (family, role) = match !favoured.is_empty() && dice.now_and_then(70) {
            true => *dice.one_of(&favoured),
            false => (*dice.one_of(&Family::ALL), None),
        };
        if family == Family::MembershipChurn && facts.groups.is_empty() {
            continue;
        }
        dice.table("[[faults]]");
        dice.key("kind", format!("\"{}\"", family.name()));
        let at = dice.below(facts.duration_ms);
        let longest = (facts.duration_ms - at).max(1);
        // Half of the faults are short: everybody notices a long one.
        let longest = if dice.now_and_then(50) { longest.div_ceil(8) } else { longest };
        let lasts = dice.between(1, longest);
        dice.write("at", format!("\"{at}ms\""));
        let instant =
            matches!(family, Family::ReconnectStorm | Family::ResetStorm | Family::RollingRestart);
        if !instant {
            dice.write("lasts", format!("\"{lasts}ms\""));
        }
        match role {
            Some(role) => body(dice, facts, family, lasts, &[role]),
            None => body(dice, facts, family, lasts, &ROLES),
        }
    }
}

fn body(dice: &mut Dice, facts: &Facts, family: Family, lasts: u64, roles: &[&str]) {
    match family {
        Family::Loss => {
            aim(dice, facts);
            match dice.now_and_then(70) {
                true => dice.draw("rate", &["\"1%\"", "\"10%\"", "\"40%\"", "\"90%\"", "\"100%\""]),
                false => dice.draw("bursts", &["{ enter = \"5%\", leave = \"20%\" }"]),
            };
        }
        Family::DelaySpike => {
            aim(dice, facts);
            delay(dice);
        }
        Family::Bandwidth => {
            aim(dice, facts);
            dice.draw("rate", &["\"8kbit/s\"", "\"64kbit/s\"", "\"1Mbit/s\"", "\"100Mbit/s\""]);
            dice.maybe(50, "queue", &["3000", "20000", "65536"]);
        }
        Family::Partition => partition(dice, facts),
        Family::Clog => {
            targets(dice, facts, "on");
            delay(dice);
        }
        Family::Swizzle => targets(dice, facts, "on"),
        Family::ResetStorm => resets(dice, facts, lasts),
        Family::ReconnectStorm => {
            dice.maybe(60, "share", &["\"0.0001%\"", "\"30%\"", "\"100%\""]);
        }
        Family::Crash => crash(dice, facts, roles),
        Family::PowerLoss => {
            node(dice, facts, roles);
            dice.maybe(50, "torn", &["true", "false"]);
        }
        Family::Pause => node(dice, facts, roles),
        Family::RollingRestart => rolling(dice, facts, lasts, roles),
        Family::ClockStep => {
            node(dice, facts, &ROLES);
            let steps = ["+1ms", "-1ms", "+300ms", "-5s", "+5s", "-3600h", "+3600h"];
            let step = *dice.pick("by", &steps);
            dice.write("by", format!("\"{step}\""));
        }
        Family::ClockDrift => {
            node(dice, facts, &ROLES);
            dice.draw("ppm", &["1", "-200", "5000", "100000", "-100000"]);
        }
        Family::DiskSlow => {
            node(dice, facts, &WITH_DISK);
            match dice.now_and_then(50) {
                true => dice.draw("times", &["2", "10", "1000"]),
                false => dice.draw("by", &["\"1ms\"", "\"50ms\"", "\"1s\"", "\"4s\""]),
            };
        }
        Family::DiskFull | Family::DiskFailing => node(dice, facts, &WITH_DISK),
        Family::MembershipChurn => {
            let name = dice.one_of(&facts.groups).clone();
            dice.write("workload", format!("\"{name}\""));
            dice.draw("rate", &["\"0.5/s\"", "\"5/s\"", "\"40/s\""]);
        }
        Family::RedisMasterCrash | Family::RedisMasterPause => {}
        Family::RedisMasterCut => {
            if dice.now_and_then(40) {
                dice.draw("with", &["\"chat\"", "[\"gateway\", \"chat-0\"]", "\"device-0\""]);
            }
        }
        Family::RedisMasterSlow => delay(dice),
    }
}

fn delay(dice: &mut Dice) {
    dice.draw("by", &["\"1ms\"", "\"50ms\"", "\"300ms\"", "\"700ms\"", "\"2s\"", "\"4s\""]);
}

fn aim(dice: &mut Dice, facts: &Facts) {
    match dice.now_and_then(50) {
        true => drop(dice.draw("links", &["\"clients\"", "\"backend\""])),
        false => targets(dice, facts, "on"),
    }
}

const ROLES: [&str; 11] = [
    "registry",
    "redis",
    "sentinel",
    "lock",
    "log",
    "store",
    "chat",
    "dispatcher",
    "gateway",
    "redis-client",
    "device",
];
const WITH_DISK: [&str; 3] = ["log", "store", "device"];

fn count(facts: &Facts, role: &str) -> u64 {
    match role {
        "registry" | "log" => 1,
        "redis" => 1 + facts.replicas,
        "sentinel" => facts.sentinels,
        "lock" => facts.lock_masters,
        "store" => facts.shards,
        "chat" => facts.chats,
        "dispatcher" => facts.dispatchers,
        "gateway" => facts.gateways,
        "redis-client" => facts.redis_clients,
        _ => facts.users,
    }
}

/// One of these roles that has nodes.
fn role<'a>(dice: &mut Dice, facts: &Facts, of: &[&'a str]) -> &'a str {
    let there: Vec<&str> = of.iter().copied().filter(|role| count(facts, role) > 0).collect();
    dice.one_of::<&str>(&there)
}

fn one(dice: &mut Dice, facts: &Facts, role: &str) -> String {
    let index = dice.below(count(facts, role));
    if role == "registry" { role.to_owned() } else { format!("{role}-{index}") }
}

fn node(dice: &mut Dice, facts: &Facts, of: &[&str]) {
    let role = role(dice, facts, of);
    dice.pick("node", &[role]);
    let node = one(dice, facts, role);
    dice.write("node", format!("\"{node}\""));
}

/// A role, a node or a region.
fn target(dice: &mut Dice, facts: &Facts) -> String {
    if !facts.regions.is_empty() && dice.now_and_then(25) {
        return format!("region:{}", dice.one_of(&facts.regions));
    }
    let role = role(dice, facts, &ROLES);
    if role == "registry" || dice.now_and_then(50) {
        return one(dice, facts, role);
    }
    role.to_owned()
}

fn targets(dice: &mut Dice, facts: &Facts, key: &str) {
    let many: Vec<String> = (0..dice.between(1, 3)).map(|_| target(dice, facts)).collect();
    dice.write(key, format!("{many:?}"));
}

fn partition(dice: &mut Dice, facts: &Facts) {
    match dice.now_and_then(40) {
        true => {
            dice.draw("halves", &["\"servers\"", "\"all\""]);
        }
        false => {
            let (one, other) = (target(dice, facts), target(dice, facts));
            dice.write("between", format!("[{one:?}, {other:?}]"));
        }
    }
    dice.maybe(50, "way", &["\"both\"", "\"one-way\""]);
}

fn resets(dice: &mut Dice, facts: &Facts, lasts: u64) {
    targets(dice, facts, "on");
    if dice.now_and_then(30) {
        targets(dice, facts, "with");
    }
    if dice.now_and_then(50) {
        dice.write("lasts", format!("\"{lasts}ms\""));
        dice.draw("every", &["\"20ms\"", "\"200ms\"", "\"1s\""]);
    }
}

fn crash(dice: &mut Dice, facts: &Facts, roles: &[&str]) {
    if roles.len() == 1 || dice.now_and_then(50) {
        return node(dice, facts, roles);
    }
    let point = *dice.one_of(Point::ALL);
    let role = role_of(point).name();
    let node = one(dice, facts, role);
    dice.write("node", format!("\"{node}\""));
    dice.key("point", format!("\"{}\"", point.name()));
    dice.maybe(50, "nth", &["1", "2", "10"]);
}

fn rolling(dice: &mut Dice, facts: &Facts, lasts: u64, roles: &[&str]) {
    let servers: Vec<&str> = roles.iter().copied().filter(|role| *role != "device").collect();
    let role = role(dice, facts, &servers);
    dice.key("role", format!("\"{role}\""));
    let each = (lasts / count(facts, role)).max(2);
    let down = dice.between(1, each - 1);
    dice.write("down", format!("\"{down}ms\""));
    dice.write("gap", format!("\"{}ms\"", each - down));
}

/// Faults that each seed draws.
pub fn swarm(dice: &mut Dice, facts: &mut Facts) {
    if !dice.now_and_then(20) {
        return;
    }
    dice.table("[swarm]");
    if dice.now_and_then(50) {
        let count = dice.between(1, 5) as usize;
        let mut families: Vec<&str> =
            (0..count).map(|_| dice.one_of(&Family::ALL).name()).collect();
        families.sort_unstable();
        families.dedup();
        dice.write("families", format!("{families:?}"));
    }
    dice.maybe(70, "chance", &["\"5%\"", "\"30%\"", "\"100%\""]);
    dice.maybe(50, "faults", &["1", "2", "4"]);
    let longest = dice.between(1, facts.duration_ms / 2);
    dice.write("shortest", format!("\"{}ms\"", shortest(longest)));
    dice.write("longest", format!("\"{longest}ms\""));
}

/// How short a fault of the swarm may be: a tenth of the longest.
fn shortest(longest_ms: u64) -> u64 {
    (longest_ms / 10).max(1)
}
