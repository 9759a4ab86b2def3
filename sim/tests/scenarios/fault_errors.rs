//! Faults and swarms that are refused, and the exact words.
//!
//! Each case is a scenario and every line of the answer.

use crate::refusals::with_tables;

/// One `[[faults]]` from line 20 on: its kind in line 21, its keys from line 22 on.
#[track_caller]
fn fault(kind: &str, keys: &str, lines: &[&str]) {
    with_tables(&format!("[[faults]]\nkind = \"{kind}\"\n{keys}"), lines);
}

#[test]
fn impossible_faults_are_refused() {
    with_tables(
        r#"[[faults]]
kind = "crash"
node = "gateway-2"
at = "58s"
lasts = "5s""#,
        &[
            r#"x.toml:22: faults.0.node: there is no gateway-2: cluster.gateways is 2; write "gateway-1" or less"#,
            "x.toml:24: faults.0.lasts: from 58s on it would last until 63s, and the run's duration ends at 1m; let it begin earlier or last shorter, or raise duration",
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "crash"
node = "log-1"
at = "8s"
lasts = "0s""#,
        &[
            r#"x.toml:22: faults.0.node: there is no log-1: cluster.log.brokers is 1; write "log-0""#,
            r#"x.toml:24: faults.0.lasts: a fault of no length does nothing; write a span of time, as in "5s""#,
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "crash"
node = "gateway-0"
at = "8s"
lasts = "5s"

[[faults]]
kind = "power-loss"
node = "gateway-0"
at = "10s"
lasts = "5s""#,
        &[
            "x.toml:29: faults.1.at: gateway-0 is down from 8s to 13s already (faults.0), so it cannot go down at 10s; let it come back first, or name another node",
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "crash"
node = "gateway"
at = "8s"
last = "5s""#,
        &["x.toml:24: faults.0.last: there is no such key; did you mean `lasts`?"],
    );
    with_tables(
        r#"[[faults]]
kind = "crash"
node = "gatway-0"
at = "8s"
lasts = "5s""#,
        &["x.toml:22: faults.0.node: `gatway-0` is not a node; did you mean `gateway-0`?"],
    );
    with_tables(
        r#"[[faults]]
kind = "partition"
between = ["gateway", "chta"]
at = "1s"
lasts = "1s""#,
        &[
            "x.toml:22: faults.0.between.1: `chta` is neither a role nor a node; did you mean `chat`?",
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "partition"
between = ["gateway"]
at = "1s"
lasts = "1s""#,
        &["x.toml:22: faults.0.between: there is 1 entry; write an array of length 2"],
    );
    with_tables(
        r#"[[faults]]
kind = "partition"
between = ["gateway", "chat", "log"]
at = "1s"
lasts = "1s""#,
        &["x.toml:22: faults.0.between: there are 3 entries; write an array of length 2"],
    );
    with_tables(
        r#"[[faults]]
kind = "partition"
between = ["gateway", "gateway-1"]
at = "1s"
lasts = "1s""#,
        &[
            r#"x.toml:22: faults.0.between: `gateway` and `gateway-1` are the same side; write two that have no node in common, as in ["gateway", "chat"]"#,
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "partition"
between = ["gateway-0", "chat-7"]
at = "1s"
lasts = "1s""#,
        &[
            r#"x.toml:22: faults.0.between.1: there is no chat-7: cluster.chats is 2; write "chat-1" or less"#,
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "membership-churn"
workload = "group"
rate = "1/s"
at = "1s"
lasts = "1s""#,
        &["x.toml:22: faults.0.workload: there is no workload `group`; did you mean `groups`?"],
    );
    with_tables(
        r#"[[faults]]
kind = "membership-churn"
workload = "pairs"
rate = "0/s"
at = "1s"
lasts = "1s""#,
        &[
            r#"x.toml:22: faults.0.workload: `pairs` is a workload of pairs, whose members never change; write "groups""#,
            "x.toml:23: faults.0.rate: nobody would join or leave; write more than 0, or leave this fault out",
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "loss"
links = "client"
rate = "1%"
at = "1s"
lasts = "1s""#,
        &["x.toml:22: faults.0.links: `client` is not known; did you mean `clients`?"],
    );
    with_tables(
        r#"[[faults]]
kind = "loss"
links = "clients"
rate = "1/s"
at = "1s"
lasts = "1s""#,
        &[
            r#"x.toml:23: faults.0.rate: `1/s` is not a probability; write a percentage from 0% to 100% with at most four decimals, as in "0.5%""#,
        ],
    );
    with_tables(
        r#"[[faults]]
kind = "delay-spike"
links = "clients"
by = "0s"
at = "1s"
lasts = "1s""#,
        &["x.toml:23: faults.0.by: a delay of 0 does nothing; write more, or leave this fault out"],
    );
}

#[test]
fn a_fault_of_the_network_has_one_aim_and_does_something() {
    fault(
        "loss",
        "at = \"1s\"\nlasts = \"1s\"\nlinks = \"clients\"\non = \"gateway-0\"",
        &[
            r#"x.toml:20: faults.0.rate: it is missing, and so is `bursts`; add one of them, as in `rate = "5%"`"#,
            r#"x.toml:24: faults.0.links: it is aimed at a kind of link or at nodes, not at both or neither; write either links = "clients" or on = "gateway-0""#,
        ],
    );
    fault(
        "loss",
        "at = \"1s\"\nlasts = \"1s\"\non = \"gateway-7\"\nbursts = { enter = \"0%\", leave = \"0%\" }",
        &[
            r#"x.toml:24: faults.0.on: there is no gateway-7: cluster.gateways is 2; write "gateway-1" or less"#,
            "x.toml:25: faults.0.bursts.enter: bursts that never begin do nothing; write more than 0%, or leave `bursts` out",
            "x.toml:25: faults.0.bursts.leave: a burst that never ends lets nothing through; write more than 0%",
        ],
    );
    fault(
        "bandwidth",
        "at = \"1s\"\nlasts = \"1s\"\nlinks = \"backend\"\nrate = \"unlimited\"\nqueue = 100",
        &[
            r#"x.toml:25: faults.0.rate: a link without a limit does not collapse; write a bandwidth, as in "64kbit/s""#,
            "x.toml:26: faults.0.queue: a queue of 100 bytes has no room for two packets; write 3000 or more",
        ],
    );
    fault(
        "clog",
        "at = \"1s\"\nlasts = \"1s\"\non = [\"chat\", \"chta\"]",
        &["x.toml:24: faults.0.on.1: `chta` is neither a role nor a node; did you mean `chat`?"],
    );
    fault(
        "swizzle",
        "at = \"1s\"\nlasts = \"1s\"\non = []",
        &[
            r#"x.toml:24: faults.0.on: an empty list is aimed at nothing; write a role, a node or a region, as in ["gateway-0"]"#,
        ],
    );
}

#[test]
fn a_partition_is_between_sides_or_halves_that_there_are() {
    let neither = r#"a partition is between two sides or between random halves, not both or neither; write either between = ["gateway", "chat"] or halves = "servers""#;
    fault(
        "partition",
        "at = \"1s\"\nlasts = \"1s\"",
        &[&format!("x.toml:20: faults.0.between: {neither}")],
    );
    fault(
        "partition",
        "at = \"1s\"\nlasts = \"1s\"\nhalves = \"all\"\nbetween = [\"gateway\", \"chat\"]",
        &[&format!("x.toml:25: faults.0.between: {neither}")],
    );
    fault(
        "partition",
        "at = \"1s\"\nlasts = \"1s\"\nbetween = [\"region:eu\", \"chat\"]",
        &[
            r#"x.toml:24: faults.0.between.0: there is no region `eu`; write cluster.regions = ["eu", "..."]"#,
        ],
    );
    with_tables(
        "[cluster]\nregions = [\"eu\", \"us\"]\n[[faults]]\nkind = \"partition\"\nat = \"1s\"\nlasts = \"1s\"\nbetween = [\"region:eu\", \"chat\"]",
        &[
            r#"x.toml:26: faults.0.between: `region:eu` and `chat` are the same side; write two that have no node in common, as in ["gateway", "chat"]"#,
        ],
    );
}

#[test]
fn storms_have_a_rhythm_and_an_end_or_neither() {
    fault(
        "reset-storm",
        "at = \"1s\"\nlasts = \"1s\"\non = \"chat\"",
        &[
            "x.toml:23: faults.0.every: it is missing: resets that go on for a while come again and again; add it, as in `every = \"500ms\"`, or leave `lasts` out",
        ],
    );
    fault(
        "reset-storm",
        "at = \"1s\"\nevery = \"1s\"\non = \"chat\"",
        &[
            "x.toml:23: faults.0.lasts: it is missing: resets that come again need an end; add it, as in `lasts = \"5s\"`, or leave `every` out",
        ],
    );
    fault(
        "reconnect-storm",
        "at = \"61s\"\nshare = \"0%\"",
        &[
            "x.toml:22: faults.0.at: from 61s on it would last until 61s, and the run's duration ends at 1m; let it begin earlier or last shorter, or raise duration",
            "x.toml:23: faults.0.share: a share of 0% is nobody; write more, or leave this fault out",
        ],
    );
}

#[test]
fn a_crash_is_at_a_point_of_its_own_node() {
    fault(
        "crash",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"store-0\"\npoint = \"chat-committed\"\nnth = 0",
        &[
            r#"x.toml:25: faults.0.point: chat-committed is a point of a chat, not of store-0; write "store-appended" or "store-synced""#,
            "x.toml:26: faults.0.nth: times are counted from 1; write 1 or more",
        ],
    );
    fault(
        "crash",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"redis-0\"\nnth = 2",
        &[
            "x.toml:25: faults.0.point: it is missing, and `nth` counts how often it is reached; add it, as in `point = \"chat-committed\"`, or leave `nth` out",
        ],
    );
    fault(
        "crash",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"chat-0\"\npoint = \"chat-commited\"",
        &[
            "x.toml:25: faults.0.point: `chat-commited` is not known; did you mean `chat-committed`?",
        ],
    );
}

#[test]
fn faults_of_hosts_do_something_to_a_host_that_has_it() {
    fault(
        "rolling-restart",
        "at = \"58s\"\nrole = \"chat\"\ndown = \"1s\"\ngap = \"1s\"",
        &[
            "x.toml:24: faults.0.down: from 58s on it would last until 61s, and the run's duration ends at 1m; let it begin earlier or last shorter, or raise duration",
        ],
    );
    fault(
        "rolling-restart",
        "at = \"1s\"\nrole = \"device\"\ndown = \"1ms\"\ngap = \"0s\"",
        &[
            r#"x.toml:23: faults.0.role: devices are nobody's to update; write a role of servers, as in "gateway""#,
        ],
    );
    fault(
        "clock-step",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"chat-0\"\nby = \"5\"",
        &[
            r#"x.toml:25: faults.0.by: `5` is not a step of a clock; write a sign and a span of whole milliseconds up to 87600h, as in "-5s""#,
        ],
    );
    fault(
        "clock-step",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"chat-0\"\nby = \"+876000h\"",
        &[
            r#"x.toml:25: faults.0.by: `+876000h` is more than ten years; write a sign and a span of whole milliseconds up to 87600h, as in "-5s""#,
        ],
    );
    fault(
        "rolling-restart",
        "at = \"1s\"\nrole = \"chat\"\ndown = \"0s\"\ngap = \"0s\"",
        &[
            r#"x.toml:24: faults.0.down: a fault of no length does nothing; write a span of time, as in "5s""#,
        ],
    );
    fault(
        "clock-drift",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"chat-0\"\nppm = 200000",
        &[
            "x.toml:25: faults.0.ppm: `200000` is no drift of a clock; write 1 to 100000 microseconds a second, or -1 to -100000",
        ],
    );
    fault(
        "disk-slow",
        "at = \"1s\"\nlasts = \"1s\"\nnode = \"redis-0\"",
        &[
            "x.toml:20: faults.0.times: the disk would be as fast as before; write times = 2 or more, or by = \"5ms\"",
            r#"x.toml:24: faults.0.node: redis-0 keeps nothing on its disk; write "log-0", "store-0" or "device-0""#,
        ],
    );
}

#[test]
fn faults_that_contradict_each_other_on_a_node_are_refused() {
    let pair = |one: &str, other: &str, lines: &[&str]| {
        let first = format!("[[faults]]\nkind = {one}\nat = \"8s\"\nlasts = \"5s\"\n");
        with_tables(&format!("{first}[[faults]]\nkind = {other}\nat = \"10s\"\n"), lines);
    };
    pair(
        "\"crash\"\nnode = \"store-0\"",
        "\"pause\"\nlasts = \"1s\"\nnode = \"store-0\"",
        &[
            "x.toml:29: faults.1.at: store-0 is down from 8s to 13s already (faults.0), so it cannot be paused at 10s; let it come back first, or name another node",
        ],
    );
    pair(
        "\"pause\"\nnode = \"chat-1\"",
        "\"rolling-restart\"\nrole = \"chat\"\ndown = \"1s\"\ngap = \"1s\"",
        &[
            "x.toml:30: faults.1.at: chat-1 is paused from 8s to 13s already (faults.0), so it cannot go down at 12s; let it come back first, or name another node",
        ],
    );
    pair(
        "\"disk-full\"\nnode = \"store-0\"",
        "\"power-loss\"\nlasts = \"1s\"\nnode = \"store-0\"",
        &[
            "x.toml:29: faults.1.at: the disk of store-0 is faulty from 8s to 13s already (faults.0), so it cannot go down at 10s; let it come back first, or name another node",
        ],
    );
    pair(
        "\"disk-full\"\nnode = \"store-0\"",
        "\"disk-failing\"\nlasts = \"1s\"\nnode = \"store-0\"",
        &[
            "x.toml:29: faults.1.at: the disk of store-0 is faulty from 8s to 13s already (faults.0), so it cannot get a faulty disk at 10s; let it come back first, or name another node",
        ],
    );
    pair(
        "\"clock-drift\"\nppm = 5\nnode = \"store-0\"",
        "\"clock-drift\"\nppm = 5\nlasts = \"1s\"\nnode = \"store-0\"",
        &[
            "x.toml:31: faults.1.at: the clock of store-0 drifts from 8s to 13s already (faults.0), so it cannot get another drift at 10s; let it come back first, or name another node",
        ],
    );
}

#[test]
fn what_adds_up_on_a_node_is_accepted() {
    for (one, other) in [
        ("crash\"\nnode = \"store-0\"", "disk-slow\"\ntimes = 2\nnode = \"store-0\""),
        (
            "clock-step\"\nby = \"1s\"\nnode = \"chat-0\"",
            "clock-drift\"\nppm = 9\nnode = \"chat-0\"",
        ),
        ("clog\"\non = \"chat-0\"", "clog\"\non = \"chat\""),
        ("pause\"\nnode = \"store-0\"", "disk-failing\"\nnode = \"store-0\""),
    ] {
        let fault =
            |kind: &str| format!("[[faults]]\nat = \"8s\"\nlasts = \"5s\"\nkind = \"{kind}\n");
        let text = format!("{}{}{}", crate::refusals::BASE, fault(one), fault(other));
        let loaded = imsim::scenario::Scenario::from_str("x.toml", &text, &[]);
        loaded.unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

#[test]
fn swarms_that_draw_nothing_or_leave_no_room_are_refused() {
    with_tables(
        r#"[swarm]
families = ["crash", "crash"]
chance = "0%"
faults = 0
shortest = "40s"
longest = "31s""#,
        &[
            "x.toml:21: swarm.families.1: `crash` stands here twice; write it once",
            "x.toml:22: swarm.chance: a chance of 0% draws nothing; write more, or leave [swarm] out",
            "x.toml:23: swarm.faults: `0` leaves no fault to draw; write 1 or more",
            "x.toml:24: swarm.shortest: the shortest fault (40s) is longer than the longest (31s); swap them",
            "x.toml:25: swarm.longest: faults of 31s leave no room in a run of 1m; write half of it or less, or raise duration",
        ],
    );
    with_tables(
        "[swarm]\nfamilies = [\"crsh\"]",
        &["x.toml:21: swarm.families.0: `crsh` is not known; did you mean `crash`?"],
    );
    with_tables(
        "[swarm]\nfamilies = []",
        &[
            r#"x.toml:21: swarm.families: a swarm without families draws nothing; write some, as in ["crash"], or leave [swarm] out"#,
        ],
    );
}

#[test]
fn regions_and_links_that_cannot_be_are_refused() {
    with_tables(
        "[cluster]\nregions = [\"eu\", \"e u\", \"eu\"]",
        &[
            r#"x.toml:21: cluster.regions.1: `e u` is not a name; write letters, digits, - or _, as in "eu""#,
            "x.toml:21: cluster.regions.2: `eu` is the name of two regions; give one of them another name",
        ],
    );
    with_tables(
        "[network]\nbetween_regions = \"40ms\"",
        &[
            r#"x.toml:21: network.between_regions: 40ms between 0 regions is nowhere; write two or more, as in cluster.regions = ["eu", "us"], or leave this out"#,
        ],
    );
    with_tables(
        "[network]\nclients = { bandwidth = \"0bit/s\", queue = 7, bursts = { enter = \"1%\", leave = \"0%\" } }",
        &[
            "x.toml:21: network.clients.bursts.leave: a burst that never ends lets nothing through; write more than 0%",
            "x.toml:21: network.clients.bandwidth: `0bit/s` carries nothing, ever; write 8bit/s or more",
            "x.toml:21: network.clients.queue: a queue of 7 bytes has no room for two packets; write 3000 or more",
        ],
    );
    with_tables(
        "[network]\nclients = { bandwidth = \"20Mb/s\" }",
        &[
            r#"x.toml:21: network.clients.bandwidth: `20Mb/s` is not a bandwidth; write a whole number and one of bit/s, kbit/s, Mbit/s, Gbit/s, as in "20Mbit/s", or "unlimited""#,
        ],
    );
}

/// What outlives its fault counts from the end of `duration`, in words that say what it is.
#[track_caller]
fn outlives(faults: &str, floor: &str, what: &str) {
    let line = format!(
        "x.toml:20: settle: 1m is too short to converge in: it takes up to {floor}, of which detection 30s (im.idle_timeout, im.lease), the largest backoff 5s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout), {what}; write at least {floor}, or shorten one of these"
    );
    with_tables(faults, &[&line]);
}

#[test]
fn settle_leaves_time_for_what_outlives_its_fault() {
    let slow = "[[faults]]\nkind = \"disk-slow\"\nnode = \"store-0\"\nby = \"20s\"\nat = \"50s\"\nlasts = \"9s\"\n";
    outlives(slow, "66100ms", "operations under way on a disk that was slow 19100ms");
    let crash = "[[faults]]\nkind = \"crash\"\nnode = \"store-0\"\nat = \"51s\"\nlasts = \"1s\"\n";
    let restarted = "operations under way on a disk that was slow 39100ms";
    outlives(&format!("{slow}{crash}"), "86100ms", restarted);
    let spike = |at: u32| {
        format!(
            "[[faults]]\nkind = \"delay-spike\"\nlinks = \"backend\"\nby = \"8s\"\nat = \"{at}s\"\nlasts = \"2s\"\n"
        )
    };
    let packets = "packets under way (the longest delay or queue of faults)";
    outlives(&format!("{}{}", spike(57), spike(58)), "62s", &format!("{packets} 15s"));
    let failing = "[[faults]]\nkind = \"disk-failing\"\nnode = \"log-0\"\nat = \"58s\"\nlasts = \"2s\"\n[cluster]\nrestart_after = \"20s\"";
    outlives(failing, "67s", "processes to be started again after their disk has failed 20s");
}

#[test]
fn settle_leaves_time_for_what_is_still_under_way() {
    with_tables(
        "[[faults]]\nkind = \"clog\"\non = \"chat\"\nby = \"20s\"\nat = \"59s\"\nlasts = \"1s\"",
        &[
            "x.toml:20: settle: 1m is too short to converge in: it takes up to 67s, of which detection 30s (im.idle_timeout, im.lease), the largest backoff 5s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout), packets under way (the longest delay or queue of faults) 20s; write at least 67s, or shorten one of these",
        ],
    );
}
