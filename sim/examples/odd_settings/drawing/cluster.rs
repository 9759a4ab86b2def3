//! What the IM runs on: nodes, processors, links, disks.

use super::Facts;
use super::dice::Dice;

/// A calibration under which a small load overloads a cluster.
const HUNDREDFOLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/calibration/hundredfold.toml");

pub fn draw(dice: &mut Dice, facts: &mut Facts) {
    dice.table("[cluster]");
    facts.gateways = dice.between(1, 4);
    facts.chats = dice.between(1, 3);
    facts.dispatchers = dice.between(1, 3);
    facts.shards = dice.between(1, 3);
    dice.key("gateways", facts.gateways);
    dice.key("chats", facts.chats);
    dice.key("dispatchers", facts.dispatchers);
    dice.key("store.shards", facts.shards);
    dice.maybe(50, "log.partitions", &["1", "2", "8", "17"]);
    dice.maybe(20, "restart_after", &["\"1ms\"", "\"200ms\"", "\"5s\""]);
    if dice.now_and_then(25) {
        facts.regions = vec!["eu", "us", "asia"];
        facts.regions.truncate(dice.between(1, 3) as usize);
        dice.key("regions", format!("{:?}", facts.regions));
    }
    redis(dice, facts);
}

fn redis(dice: &mut Dice, facts: &mut Facts) {
    if facts.redlock {
        facts.lock_masters = *dice.one_of(&[3, 4, 5]);
        dice.key("redis.lock_masters", facts.lock_masters);
    }
    let kept = ["\"none\"", "\"always\"", "\"everysec\"", "\"unsynced\""];
    dice.maybe(40, "redis.persistence", &kept);
    if !dice.now_and_then(30) {
        return;
    }
    facts.replicas = dice.between(1, 2);
    dice.key("redis.replicas", facts.replicas);
    dice.maybe(30, "redis.min_replicas_to_write", &["0", "1", "2"]);
    dice.maybe(20, "redis.min_replicas_max_lag", &["\"0s\"", "\"1s\"", "\"10s\""]);
    dice.maybe(50, "redis.repl_diskless_sync_delay", &["\"0s\"", "\"1s\"", "\"5s\""]);
    if dice.now_and_then(60) {
        facts.sentinels = *dice.one_of(&[1, 2, 3, 5]);
        dice.key("redis.sentinels", facts.sentinels);
        dice.maybe(30, "redis.quorum", &["1", "2", "3"]);
        dice.maybe(50, "redis.down_after", &["\"1ms\"", "\"200ms\"", "\"1s\"", "\"5s\""]);
        dice.maybe(50, "redis.failover_timeout", &["\"1ms\"", "\"1s\"", "\"10s\"", "\"180s\""]);
    }
}

/// What work costs.
pub fn cpu(dice: &mut Dice, facts: &mut Facts) {
    dice.table("[cpu]");
    let choice = match facts.bias.planted {
        Some(_) => "hundredfold",
        None => *dice.one_of(&["none", "default", "hundredfold", "hundredfold"]),
    };
    dice.pick("calibration", &[choice]);
    facts.slow = choice == "hundredfold";
    let path = if facts.slow { HUNDREDFOLD } else { choice };
    dice.write("calibration", format!("{path:?}"));
    if choice == "none" {
        return;
    }
    if dice.now_and_then(20) {
        let cores = *dice.pick("cores", &[1, 2, 4, 16]);
        dice.write("cores", cores);
        facts.cores = Some(cores);
    }
    dice.maybe(20, "device_factor", &["1", "3", "30"]);
}

/// Links, and what lies between regions.
pub fn network(dice: &mut Dice, facts: &mut Facts) {
    dice.table("[network]");
    if dice.now_and_then(60) {
        profile(dice, "clients");
    }
    if dice.now_and_then(25) {
        profile(dice, "backend");
    }
    if facts.regions.len() >= 2 {
        dice.maybe_wild(70, "between_regions", &["\"1ms\"", "\"40ms\"", "\"150ms\""], 2);
    }
    dice.maybe(20, "backlog", &["1", "2", "16", "1024"]);
    dice.maybe(20, "syn_cookies", &["true", "false"]);
}

fn profile(dice: &mut Dice, links: &str) {
    let names = match links {
        "backend" => dice.tame_or_wild(&["datacenter", "perfect", "wifi", "4g-good"], 2),
        _ => {
            let names = &[
                "4g-good",
                "4g-roaming",
                "3g-good",
                "wifi",
                "wifi-poor",
                "datacenter",
                "perfect",
                "3g-bad",
                "edge",
            ];
            dice.tame_or_wild(names, 7)
        }
    };
    let name = *dice.pick(links, names);
    if !dice.now_and_then(40) {
        return dice.write(links, format!("\"{name}\""));
    }
    let mut keys = vec![format!("profile = \"{name}\"")];
    if dice.now_and_then(60) {
        let tame = if links == "backend" { 2 } else { 3 };
        let losses = dice.tame_or_wild(&["0.01%", "1%", "5%", "15%", "40%"], tame);
        let loss = dice.pick(&format!("{links}.loss"), losses);
        keys.push(format!("loss = \"{loss}\""));
    }
    if dice.now_and_then(20) {
        let chains = dice.tame_or_wild(&[("0%", "1%"), ("1%", "50%"), ("5%", "20%")], 2);
        let (enter, leave) = *dice.one_of(chains);
        dice.pick(&format!("{links}.bursts"), &[format!("{enter} to {leave}")]);
        keys.push(format!("bursts = {{ enter = \"{enter}\", leave = \"{leave}\" }}"));
    }
    if dice.now_and_then(30) {
        let tame = if links == "backend" { 1 } else { 3 };
        let rates = ["unlimited", "100Mbit/s", "10Mbit/s", "2Mbit/s", "256kbit/s", "64kbit/s"];
        let rate = dice.pick(&format!("{links}.bandwidth"), dice.tame_or_wild(&rates, tame));
        keys.push(format!("bandwidth = \"{rate}\""));
    }
    if dice.now_and_then(20) {
        let queues = dice.tame_or_wild(&["64000", "1000000", "16000", "3000"], 2);
        let queue = dice.pick(&format!("{links}.queue"), queues);
        keys.push(format!("queue = {queue}"));
    }
    dice.write(links, format!("{{ {} }}", keys.join(", ")));
}

/// What disks take.
pub fn disk(dice: &mut Dice, _: &mut Facts) {
    dice.table("[disk]");
    let fsyncs = ["\"0s\"", "\"300us\"", "\"5ms\"", "\"20ms\"", "\"100ms\"", "\"500ms\""];
    dice.maybe_wild(25, "fsync", &fsyncs, 4);
    let fsyncs = ["\"1us\"", "\"20ms\"", "\"200ms\"", "\"1s\"", "\"2s\""];
    dice.maybe_wild(15, "store_fsync", &fsyncs, 2);
    dice.maybe_wild(15, "write_mb_per_s", &["0", "20", "500", "1"], 3);
    dice.maybe_wild(15, "read", &["\"0s\"", "\"100us\"", "\"20ms\""], 2);
    dice.maybe_wild(15, "read_mb_per_s", &["0", "20", "500", "1"], 3);
    dice.maybe_wild(25, "device_fsync", &["\"0s\"", "\"1ms\"", "\"30ms\"", "\"300ms\""], 3);
    dice.maybe_wild(15, "device_write_mb_per_s", &["0", "20", "150", "1"], 3);
    dice.maybe_wild(15, "device_read", &["\"0s\"", "\"200us\"", "\"50ms\""], 2);
    dice.maybe_wild(15, "device_read_mb_per_s", &["0", "20", "500", "1"], 3);
}
