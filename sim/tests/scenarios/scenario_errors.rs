//! What is refused, and the exact words: file, line, key, what is wrong, what would be right.
//!
//! Each case is a scenario, the `--set` arguments, and every line of the answer.

use std::fs;

use crate::refusals::{BASE, alone, with_sets, with_tables};
use imsim::scenario::{Probability, Scenario, ScenarioError};

#[test]
fn the_base_is_sound() {
    let sets = ["workload.groups.rate=10/s", "network.clients.loss=1%", "expect.order=unknown"];
    let scenario = Scenario::from_str("x.toml", BASE, &sets.map(str::to_owned));
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.workload[1].rate().hertz(), 10.0);
    assert_eq!(scenario.network.clients.loss, Probability::percent(1));
}

#[test]
fn keys_and_words_with_typing_errors_get_a_suggestion() {
    with_tables(
        r#"[im]
hearbeat = "5s""#,
        &["x.toml:21: im.hearbeat: there is no such key; did you mean `heartbeat`?"],
    );
    with_tables(
        r#"[clustre]
chats = 2"#,
        &["x.toml:20: clustre: there is no such key; did you mean `cluster`?"],
    );
    with_tables(
        "[sharding]",
        &[
            "x.toml:20: sharding: there is no such key; the keys here are `about`, `duration`, `settle`, `schedule`, `cluster`, `im`, `network`, `disk`, `cpu`, `population`, `workload`, `redis_clients`, `changes`, `faults`, `swarm`, `expect`",
        ],
    );
    with_tables(
        "colour = 5",
        &[
            "x.toml:20: workload.groups.colour: there is no such key; the keys here are `name`, `groups`, `members`, `rate`, `consume_rate`, `payload`",
        ],
    );
    with_tables(
        r#"[im]
fanout = "hybird""#,
        &["x.toml:21: im.fanout: `hybird` is not known; did you mean `hybrid`?"],
    );
    with_tables(
        r#"[network]
clients = "wify""#,
        &["x.toml:21: network.clients: `wify` is not known; did you mean `wifi`?"],
    );
    with_tables(
        r#"[network]
backend = { profile = "5g" }"#,
        &[
            r#"x.toml:21: network.backend.profile: `5g` is not known; write "4g-good", "4g-roaming", "3g-good", "3g-bad", "wifi", "wifi-poor", "edge", "datacenter" or "perfect""#,
        ],
    );
    with_tables(
        r#"[network]
clients = { los = "1%" }"#,
        &["x.toml:21: network.clients.los: there is no such key; did you mean `loss`?"],
    );
    with_tables(
        r#"[expect]
delivery = "vaild""#,
        &["x.toml:21: expect.delivery: `vaild` is not known; did you mean `valid`?"],
    );
}

#[test]
fn values_of_the_wrong_kind_say_which_one_is_right() {
    with_tables(
        r#"[im]
heartbeat = 5"#,
        &[
            r#"x.toml:21: im.heartbeat: `5` is a whole number; write text in quotes (a span of time carries its unit, as in "250ms")"#,
        ],
    );
    with_tables(
        r#"[im]
heartbeat = "5 sec""#,
        &[
            r#"x.toml:21: im.heartbeat: `5 sec` is not a span of time; write a number and one of ns, us, ms, s, m, h, as in "250ms""#,
        ],
    );
    with_tables(
        r#"[im]
send_retry = [
  "1s",
  "3",
]"#,
        &[
            r#"x.toml:23: im.send_retry.1: `3` is not a span of time; write a number and one of ns, us, ms, s, m, h, as in "250ms""#,
        ],
    );
    with_tables(
        r#"[im]
send_retry = "1s""#,
        &[r#"x.toml:21: im.send_retry: `1s` is text; write an array, as in ["1s", "3s"]"#],
    );
    with_tables(
        r#"[network]
clients = 5"#,
        &[
            r#"x.toml:21: network.clients: `5` is a whole number; write a profile, as in "4g-good" or { profile = "4g-good", loss = "1%" }"#,
        ],
    );
    with_tables(
        r#"[cluster]
gateways = -1"#,
        &[
            "x.toml:21: cluster.gateways: `-1` is out of range; write a whole number from 0 to 4294967295",
        ],
    );
    with_tables(
        r#"[cluster]
gateways = "two""#,
        &["x.toml:21: cluster.gateways: `two` is text; write a whole number from 0 to 4294967295"],
    );
    with_tables(
        r#"[cluster]
store = 2"#,
        &["x.toml:21: cluster.store: `2` is a whole number; write a table, as in { key = value }"],
    );
    with_tables(
        r#"[[workload]]
name = "more"
kind = "group"
groups = 1
members = "many"
rate = 5"#,
        &[
            "x.toml:24: workload.more.members: `many` is text; write a whole number or { zipf = 1.2, min = 3, max = 100 }",
        ],
    );
}

#[test]
fn each_table_has_its_own_error() {
    with_tables(
        r#"[im]
fanout = "none"

[cluster]
log = { brokers = "x" }

[[faults]]
kind = "crash"
node = "gateway-0"
at = "1s"

[[faults]]
kind = "explode"

[[faults]]
at = "1s""#,
        &[
            r#"x.toml:21: im.fanout: `none` is not known; write "write", "read" or "hybrid""#,
            "x.toml:24: cluster.log.brokers: `x` is text; write a whole number from 0 to 4294967295",
            r#"x.toml:26: faults.0.lasts: it is missing; add it, as in `lasts = "5s"`"#,
            r#"x.toml:32: faults.1.kind: `explode` is not known; write "loss", "delay-spike", "bandwidth", "partition", "clog", "swizzle", "reset-storm", "reconnect-storm", "crash", "power-loss", "pause", "rolling-restart", "clock-step", "clock-drift", "disk-slow", "disk-full", "disk-failing", "membership-churn", "redis-master-crash", "redis-master-cut", "redis-master-pause" or "redis-master-slow""#,
            r#"x.toml:34: faults.2.kind: it is missing; add it, as in `kind = "loss"`"#,
        ],
    );
}

#[test]
fn impossible_clusters_are_refused() {
    with_tables(
        r#"[cluster]
gateways = 0
chats = 0
store = { shards = 0 }
log = { partitions = 0 }"#,
        &[
            "x.toml:21: cluster.gateways: `0` leaves no node that devices could connect to; write 1 or more",
            "x.toml:22: cluster.chats: `0` leaves no node that accepts messages; write 1 or more",
            "x.toml:23: cluster.store.shards: `0` leaves no node that keeps messages; write 1 or more",
            "x.toml:24: cluster.log.partitions: `0` leaves no place in the log for any message; write 1 or more",
        ],
    );
    with_tables(
        r#"[cluster]
log = { brokers = 3, acks = "all" }
redis = { replicas = 1, quorum = 3,
          sentinels = 2, min_replicas_to_write = 2,
          min_replicas_max_lag = "1500ms", down_after = "0s" }"#,
        &[
            "x.toml:21: cluster.log.brokers: `3` is not simulated: this version simulates a single broker; write 1",
            "x.toml:22: cluster.redis.quorum: 3 of 2 Sentinels never agree; write 1 to 2",
            "x.toml:23: cluster.redis.min_replicas_to_write: the master would never take a write: its replicas are 1; write that or less",
            "x.toml:24: cluster.redis.down_after: Sentinels count in milliseconds, and 0s is none; write 1ms or more",
            "x.toml:24: cluster.redis.min_replicas_max_lag: Redis counts this in seconds, and 1500ms is no number of them; write \"2s\"",
        ],
    );
    with_tables(
        r#"[cluster]
log = { acks = "1" }"#,
        &[
            r#"x.toml:21: cluster.log.acks: `1` is not simulated: this version simulates a single broker, which acks when it has synced; write "all""#,
        ],
    );
    with_tables(
        r#"[cluster]
redis = { persistence = "rdb" }"#,
        &[
            r#"x.toml:21: cluster.redis.persistence: `rdb` is not what Redis can keep; write "none", "always", "everysec" or "unsynced""#,
        ],
    );
    with_tables(
        r#"[cluster]
chats = 2000"#,
        &[
            "x.toml:21: cluster.chats: 2000 chat nodes do not fit into the 10 bits that a snowflake id has for its node; write 1024 or less",
        ],
    );
    with_tables(
        r#"[network]
clients = { min = "1s" }
backend = { loss = "100%" }"#,
        &[
            "x.toml:21: network.clients.median: the median 38ms is not between min 1s and max 56ms; move one of them",
            r#"x.toml:22: network.backend.loss: `100%` loss lets nothing through, ever; write less, or cut the network for a while with a fault of kind "partition""#,
        ],
    );
}

#[test]
fn impossible_timings_are_refused() {
    with_tables(
        r#"[im]
idle_timeout = "10s""#,
        &[
            "x.toml:21: im.idle_timeout: impossible: with 10s a device would be called dead between two heartbeats, which are 10s apart; write more than 20s, or shorten im.heartbeat",
        ],
    );
    with_tables(
        r#"[im]
heartbeat = "0s"
send_retry = []
push_retry = ["1s", "0s"]
lease = "2s"
presence_lease = "0s"
sync_rows = 0"#,
        &[
            "x.toml:21: im.heartbeat: a span of 0 would repeat without end at one instant; write more",
            r#"x.toml:22: im.send_retry: an empty schedule never tries again, so that one lost packet loses a message; write at least one wait, as in ["1s"]"#,
            "x.toml:23: im.push_retry.1: a wait of 0 would try again without end at one instant; write more",
            "x.toml:24: im.lease: impossible: with 2s one slow renewal of up to 2s (im.call_timeout) would drop a live server; write more than 2s, or shorten im.call_timeout",
            "x.toml:25: im.presence_lease: impossible: with 0s the presence of a live device would lapse between two heartbeats, which are 0s apart; write more than 0s, or shorten im.heartbeat",
            "x.toml:26: im.sync_rows: `0` leaves no row in any sync; write 1 or more",
        ],
    );
    with_sets(
        &["im.push_retry=[]"],
        &[
            r#"--set im.push_retry=[]: im.push_retry: an empty schedule leaves no time for the ack of the first push; write at least one wait, as in ["1s"]"#,
        ],
    );
    with_sets(
        &["im.push_retry.1=0s"],
        &[
            "--set im.push_retry.1=0s: im.push_retry.1: a wait of 0 would try again without end at one instant; write more",
        ],
    );
    with_sets(
        &["settle=46s"],
        &[
            "--set settle=46s: settle: 46s is too short to converge in: it takes up to 47s, of which detection 30s (im.idle_timeout, im.lease), the largest backoff 5s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout); write at least 47s, or shorten one of these",
        ],
    );
    with_tables(
        r#"[im]
reconnect = "10s""#,
        &[
            "x.toml:21: settle: 1m is too short to converge in: it takes up to 122s, of which detection 30s (im.idle_timeout, im.lease), the largest backoff 80s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout); write at least 122s, or shorten one of these",
        ],
    );
    with_sets(
        &["im.idle_timeout=50s"],
        &[
            "--set im.idle_timeout=50s: settle: 1m is too short to converge in: it takes up to 67s, of which detection 50s (im.idle_timeout, im.lease), the largest backoff 5s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout); write at least 67s, or shorten one of these",
        ],
    );
    with_sets(
        &["im.device_timeout=40ms", "im.call_timeout=400us", "im.call_patience=300us"],
        &[
            "--set im.device_timeout=40ms: im.device_timeout: impossible: with 40ms no device would ever log in, since a round trip takes up to 112ms (network.clients.max there and back); write more than 112ms",
            "--set im.call_timeout=400us: im.call_timeout: impossible: with 400us servers would not hear of each other, since a round trip takes up to 500us (network.backend.max there and back); write more than 500us",
            "--set im.call_patience=300us: im.call_patience: impossible: calls that a server is at work on would end after 300us, before those of which nothing is heard (400us); write 400us or more",
        ],
    );
    with_tables(
        "[cluster]\nregions = [\"eu\", \"us\"]\n[network]\nbetween_regions = \"200ms\"",
        &[
            "x.toml:23: im.redis_timeout: impossible: with 250ms nobody would ever reach Redis, since a round trip takes up to 400500us (network.backend.max there and back); write more than 400500us",
        ],
    );
    with_sets(
        &["disk.store_fsync=5s"],
        &[
            "--set disk.store_fsync=5s: settle: 1m is too short to converge in: it takes up to 67s, of which detection 30s (im.idle_timeout, im.lease), the largest backoff 5s (im.send_retry, im.push_retry, 8 × im.reconnect), one sync 12s (im.heartbeat + im.call_timeout or im.device_timeout), the syncs that a message waits for 20s (disk); write at least 67s, or shorten one of these",
        ],
    );
    with_sets(
        &["duration=0s"],
        &[
            r#"--set duration=0s: duration: a run of no length shows nothing; write a span of time, as in "60s""#,
        ],
    );
}

#[test]
fn impossible_workloads_are_refused() {
    with_sets(
        &["workload.groups.members.max=51"],
        &[
            "--set workload.groups.members.max=51: workload.groups.members.max: a group of 51 is more than all 50 users; write 50 or less, or raise population.users",
        ],
    );
    with_sets(
        &["population.users=10"],
        &[
            "--set population.users=10: workload.groups.members.max: a group of 20 is more than all 10 users; write 10 or less, or raise population.users",
        ],
    );
    for (users, told) in [("0", "`0` leaves"), ("1", "`1` leaves")] {
        let set = format!("population.users={users}");
        let told = format!(
            "--set {set}: population.users: {told} nobody to talk to; write 2 or more, or leave the workloads out"
        );
        with_sets(&[&set], &[&told]);
    }
    with_sets(
        &["workload.groups.members={zipf=99, min=1, max=0}"],
        &[
            "--set workload.groups.members={zipf=99, min=1, max=0}: workload.groups.members.min: a group of 1 has nobody to talk to; write 2 or more",
            "--set workload.groups.members={zipf=99, min=1, max=0}: workload.groups.members.min: the smallest group (1) is larger than the largest (0); swap them",
            "--set workload.groups.members={zipf=99, min=1, max=0}: workload.groups.members.zipf: `99` is no exponent of group sizes; write 0 to 10, as in 1.2",
        ],
    );
    with_sets(
        &["workload.groups.members=1"],
        &[
            "--set workload.groups.members=1: workload.groups.members: a group of 1 has nobody to talk to; write 2 or more",
        ],
    );
    with_sets(
        &["workload.groups.members=0.5"],
        &[
            "--set workload.groups.members=0.5: workload.groups.members: `0.5` is a number with a fraction; write a whole number or { zipf = 1.2, min = 3, max = 100 }",
        ],
    );
    with_sets(
        &["workload.groups.groups=0", "workload.groups.rate=0/s"],
        &[
            "--set workload.groups.rate=0/s: workload.groups.rate: nothing would ever be sent; write more than 0, or leave this workload out",
            "--set workload.groups.groups=0: workload.groups.groups: `0` leaves nobody to talk; write 1 or more",
        ],
    );
    with_sets(
        &["population.users=2", "workload.groups.members=2"],
        &[
            "--set population.users=2: workload.pairs.pairs: 2 users make 1 different pair; write that or less, or raise population.users",
        ],
    );
    with_sets(
        &["workload.groups.payload=wkbench"],
        &[
            r#"--set workload.groups.payload=wkbench: workload.groups.payload: `wkbench` is text; write { bytes = 256 } or { mix = "wkbench" }"#,
        ],
    );
    with_sets(
        &[r#"workload.groups.payload={bytes=3, mix="wkbench"}"#],
        &[
            r#"--set workload.groups.payload={bytes=3, mix="wkbench"}: workload.groups.payload: a payload has either `bytes` or a `mix`; write { bytes = 256 } or { mix = "wkbench" }"#,
        ],
    );
    with_sets(
        &["workload.groups.payload.mix=zipf"],
        &[
            r#"--set workload.groups.payload.mix=zipf: workload.groups.payload.mix: `zipf` is not known; write "wkbench""#,
        ],
    );
    with_sets(
        &["workload.groups.payload.bytes=0"],
        &[
            "--set workload.groups.payload.bytes=0: workload.groups.payload.bytes: a message of 0 bytes is not sent; write 1 to 1048576",
        ],
    );
    with_sets(
        &["workload.pairs.name=groups"],
        &[
            "--set workload.pairs.name=groups: workload.groups.name: `groups` is the name of two workloads; give one of them another name",
        ],
    );
    with_sets(
        &["workload.pairs.name=2nd"],
        &[
            r#"--set workload.pairs.name=2nd: workload.2nd.name: `2nd` is not a name; write a letter and then letters, digits, - or _, as in "groups""#,
        ],
    );
    with_tables(
        "[[workload]]",
        &[r#"x.toml:20: workload.2.kind: it is missing; add it, as in `kind = "one-to-one"`"#],
    );
}

#[test]
fn what_came_from_a_set_names_that_set() {
    with_sets(
        &["workload.groups.rate=10 per s", "workload.pairs.rat=1/s"],
        &[
            "--set workload.pairs.rat=1/s: workload.pairs.rat: there is no such key; did you mean `rate`?",
            r#"--set workload.groups.rate=10 per s: workload.groups.rate: `10 per s` is not a rate; write a number and a unit of time, as in "200/s""#,
        ],
    );
    with_sets(
        &["workload.groups.rate=10 per s", "workload.groups.rate=1/x"],
        &[
            r#"--set workload.groups.rate=1/x: workload.groups.rate: `1/x` is not a rate; write a number and a unit of time, as in "200/s""#,
        ],
    );
    with_sets(
        &["network.clients.loss=2"],
        &[
            r#"--set network.clients.loss=2: network.clients.loss: `2` is a whole number; write a percentage, as in "0.5%""#,
        ],
    );
    with_sets(
        &["duration", "workload.group.rate=1/s"],
        &[
            "--set duration: `duration` is not a key and a value; write key=value, as in workload.groups.rate=10/s",
            "--set workload.group.rate=1/s: there is no `group` in `workload`; did you mean `groups`?",
        ],
    );
    with_sets(
        &["faults=3"],
        &[
            "--set faults=3: faults: this is not a list of tables; write [[faults]] above each of them",
        ],
    );
    with_sets(
        &["im.sabotage=no-dedup"],
        &[
            "--set im.sabotage=no-dedup: im.sabotage: `no-dedup` is not known; did you mean `no-dedupe`?",
        ],
    );
}

#[test]
fn a_blamed_set_has_brought_a_value_not_only_a_table() {
    let set = "im.fanout=read".to_owned();
    let error = Scenario::from_str("x.toml", "settle = \"5s\"", &[set]).expect_err("too short");
    assert!(error.to_string().starts_with("x.toml:1: settle: 5s is too short"), "{error}");
}

#[test]
fn what_is_not_toml_or_not_a_list_has_its_line() {
    alone(
        "about = = 1\n\n[im",
        &[
            "x.toml:1: this is not TOML: extra `=`, expected nothing",
            "x.toml:3: this is not TOML: unclosed table, expected `]`",
        ],
    );
    alone(
        "about = 3\n[workload.groups]\nrate = \"3/s\"",
        &[
            "x.toml:1: about: `3` is a whole number; write text in quotes (a span of time carries its \
         unit, as in \"250ms\")",
            "x.toml:2: workload: this is not a list of tables; write [[workload]] above each of them",
        ],
    );
}

#[test]
fn a_missing_file_names_the_one_that_was_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = folder.path().display();
    fs::write(folder.path().join("quickstart.toml"), BASE).expect("written");
    let load = |name: &str| {
        Scenario::load(&folder.path().join(name), &[]).map_err(|error| error.to_string())
    };
    assert_eq!(load("quickstart.toml").map(|scenario| scenario.name), Ok("quickstart".to_owned()));
    assert_eq!(
        load("quikstart.toml"),
        Err(format!(
            "{shown}/quikstart.toml: there is no such file; did you mean \
             `{shown}/quickstart.toml`?; `imsim list` shows the scenarios"
        ))
    );
    assert_eq!(
        load("other"),
        Err(format!("{shown}/other: there is no such file; `imsim list` shows the scenarios"))
    );
}

#[test]
fn a_file_that_is_no_text_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.toml");
    fs::write(&path, [0xff, 0xfe]).expect("written");
    let error = Scenario::load(&path, &[]).expect_err("no text");
    assert!(matches!(error, ScenarioError::Unreadable { .. }));
    let words = error.to_string();
    assert!(words.ends_with("check that it is a text file you may read"), "{words}");
}

#[test]
fn a_value_deep_in_the_file_has_its_own_line() {
    let text = BASE.replace("max = 20", "max = \"20\"").replace("5/s", "5 per s");
    alone(
        &text,
        &[
            "x.toml:9: workload.pairs.rate: `5 per s` is not a rate; write a number and a unit of \
             time, as in \"200/s\"",
            "x.toml:17: workload.groups.members.max: `20` is text; write a whole number from 0 to \
             4294967295",
        ],
    );
}

#[test]
fn who_pulls_on_opening_must_open() {
    let remedy = "with im.pull = \"on-open\" nobody would see a message, because nobody opens these conversations; write how often each device does, as in \"0.2/s\"";
    with_tables(
        "consume_rate = \"0.2/s\"\n[im]\npull = \"on-open\"",
        &[&format!("x.toml:22: workload.pairs.consume_rate: {remedy}")],
    );
    with_sets(
        &["im.pull=on-open", "workload.groups.consume_rate=0/s", "workload.pairs.consume_rate=1/m"],
        &[
            "--set workload.groups.consume_rate=0/s: workload.groups.consume_rate: nothing would ever be opened; write more than 0, or leave it out",
        ],
    );
}

#[test]
fn changes_must_happen_and_matter() {
    with_tables(
        "[[changes]]\nat = \"60s\"\nhybrid_threshold = 9",
        &[
            "x.toml:21: changes.0.at: at 1m the run's duration is over (1m); write less, or raise duration",
        ],
    );
    with_tables(
        "[[changes]]\nat = \"9s\"\nhybrid_threshold = 9\n[im]\nfanout = \"read\"",
        &[
            "x.toml:22: changes.0.hybrid_threshold: only hybrid fan-out has a threshold; write im.fanout = \"hybrid\", or leave this change out",
        ],
    );
    with_tables(
        "[[changes]]\nat = \"9s\"\nfanout = \"read\"",
        &[
            "x.toml:22: changes.0.fanout: there is no such key; the keys here are `at`, `hybrid_threshold`",
        ],
    );
}

#[test]
fn what_a_scenario_is_for_is_plain_text() {
    alone(
        "about = \"red \\u001b[31m\"\n",
        &["x.toml:1: about: it has the control character U+001B; write a sentence of plain text"],
    );
    let scenario = Scenario::from_str("x.toml", "about = \"\"\"one\n  two\"\"\"\n", &[]);
    assert_eq!(scenario.expect("lines are no harm").about, "one two");
}
