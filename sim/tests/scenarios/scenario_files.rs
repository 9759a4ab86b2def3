//! Every scenario that is shipped loads, agrees with the schema, and survives the record.

use std::fs;
use std::path::{Path, PathBuf};

use imsim::scenario::{Members, Payload, Scenario, Workload, json_schema};

#[test]
fn shipped_scenarios_load_and_agree_with_the_schema() {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let files = shipped();
    assert!(!files.is_empty(), "no scenario is shipped");
    for file in files {
        let scenario = Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        let text = fs::read_to_string(&file).expect("it was loaded from there");
        let written: serde_json::Value = toml::from_str(&text).expect("it was loaded from there");
        for json in [written, scenario.expanded()] {
            let wrong: Vec<String> = validator
                .iter_errors(&json)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
        }
    }
}

/// A fault that touches nothing tests nothing, and nobody would notice.
#[test]
fn every_fault_of_a_shipped_scenario_must_touch_something() {
    for file in shipped() {
        let scenario = Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        for (number, fault) in scenario.faults.iter().enumerate() {
            assert!(fault.require_effect(), "{}: faults.{number}", file.display());
        }
    }
}

#[test]
fn the_record_gives_the_scenario_back() {
    for file in shipped() {
        let scenario = Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        let text = serde_json::to_string(&scenario.expanded()).expect("JSON");
        let json = serde_json::from_str(&text).expect("JSON");
        let again = Scenario::from_expanded(&scenario.name, &json);
        assert_eq!(again.unwrap_or_else(|error| panic!("{error}")), scenario);
    }
}

#[test]
fn every_kind_loads_agrees_with_the_schema_and_comes_back_from_the_record() {
    let text = r#"
        workload = [
            { kind = "one-to-one", name = "pairs", pairs = 3, rate = "1/m" },
            { kind = "group", name = "groups", groups = 2, members = 5, rate = "0.5/s" },
        ]
        faults = [
            { kind = "loss", links = "clients", rate = "0.5%", at = "0s", lasts = "60s" },
            { kind = "delay-spike", links = "backend", by = "1.5ms", at = "1s", lasts = "1s" },
            { kind = "partition", between = ["redis", "gateway-1"], at = "2s", lasts = "1s" },
            { kind = "crash", node = "device-12", at = "3s", lasts = "1s" },
            { kind = "power-loss", node = "log-0", at = "4s", lasts = "1s" },
            { kind = "membership-churn", workload = "groups", rate = "9/h", at = "5s", lasts = "1s" },
            { kind = "loss", on = ["chat", "device-3"], at = "0s", lasts = "1s", bursts = { enter = "1%", leave = "9%" } },
            { kind = "bandwidth", on = "redis", rate = "64kbit/s", at = "0s", lasts = "1s" },
            { kind = "partition", halves = "all", way = "one-way", at = "0s", lasts = "1s" },
            { kind = "partition", between = ["region:eu", "region:us"], at = "0s", lasts = "1s" },
            { kind = "clog", on = "region:eu", by = "3s", at = "0s", lasts = "1s" },
            { kind = "swizzle", on = ["chat", "gateway"], at = "0s", lasts = "1s" },
            { kind = "reset-storm", on = "chat", with = "store-0", at = "0s", lasts = "1s", every = "9ms" },
            { kind = "reset-storm", on = "chat", at = "0s" },
            { kind = "reconnect-storm", share = "5%", at = "0s" },
            { kind = "crash", node = "chat-0", point = "chat-committed", nth = 3, at = "0s", lasts = "1s" },
            { kind = "power-loss", node = "store-0", torn = true, at = "0s", lasts = "1s" },
            { kind = "pause", node = "chat-0", at = "2s", lasts = "1s", require_effect = true },
            { kind = "rolling-restart", role = "chat", at = "4s", down = "1s", gap = "1s" },
            { kind = "clock-step", node = "chat-0", by = "-1500ms", at = "0s", lasts = "1s" },
            { kind = "clock-drift", node = "chat-0", ppm = -40, at = "0s", lasts = "1s" },
            { kind = "disk-slow", node = "store-1", times = 3, at = "0s", lasts = "1s" },
            { kind = "disk-full", node = "store-1", at = "2s", lasts = "1s" },
            { kind = "disk-failing", node = "store-1", at = "4s", lasts = "1s" },
        ]
        swarm = { families = ["crash", "clog"], chance = "90%", require_effect = true }
        cluster = { regions = ["eu", "us"] }
        cpu = { cores = 2, device_factor = 1 }
        network = { between_regions = "40ms", clients = { profile = "wifi", bandwidth = "2Mbit/s" } }
    "#;
    let scenario = Scenario::from_str("all", text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let expanded = scenario.expanded();
    let kinds = expanded["faults"].as_array().expect("a list").iter().map(|fault| &fault["kind"]);
    assert!(kinds.eq(scenario.faults.iter().map(|fault| fault.kind())));
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    assert!(validator.is_valid(&expanded), "{expanded:#}");
    let again = Scenario::from_expanded("all", &expanded);
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}")), scenario);
}

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    for text in [
        "durations = \"60s\"",
        "duration = \"60 s\"",
        "duration = 60",
        "[cluster]\nlog = { brokers = 3 }",
        "[im]\nsend_retry = []",
        "[cluster]\nredis = { persistence = \"rdb\" }",
        "[network]\nclients = \"5g\"",
        "[network]\nclients = { profile = \"edge\", bandwidth = \"1M\" }",
        "[cpu]\ncores = 0",
        "[cpu]\ndevice_factor = 1001",
        "[population]\nsecond_device = 0.3",
        "[[workload]]\nname = \"a\"\nkind = \"group\"\ngroups = 1\nrate = \"1/s\"",
        "[[faults]]\nkind = \"loss\"\nat = \"1s\"\nlasts = \"1s\"\nlinks = \"clients\"\nrate = \"1/s\"",
        "[[faults]]\nkind = \"crash\"\nat = \"1s\"\nlasts = \"1s\"\nnode = \"gateway\"",
        "[[faults]]\nkind = \"crash\"\nat = \"1s\"\nlasts = \"1s\"\nnode = \"redis-0\"\nextra = 1",
        "[[faults]]\nkind = \"partition\"\nat = \"1s\"\nlasts = \"1s\"\nbetween = [\"gateway\"]",
        "[redis_clients]\ncount = 5",
        "[expect]\ndelivery = \"yes\"",
        "[expect]\nshow_p99 = 800",
        "[expect]\nshow_p99 = \"800ms\"",
        "[expect]\nshow_p98 = \"< 800ms\"",
        "[expect.workload.a]\nserver_cpu = \"< 5\"",
    ] {
        let json: serde_json::Value = toml::from_str(text).expect(text);
        assert!(!validator.is_valid(&json), "the schema accepts {text}");
        assert!(Scenario::from_str("x", text, &[]).is_err(), "the loader accepts {text}");
    }
}

/// Counts of which 0 leaves nobody to do something.
#[test]
fn the_schema_knows_the_least_counts_that_the_loader_takes() {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let cluster = ["gateways", "chats", "dispatchers", "store.shards", "log.partitions"];
    let im = [
        "push_shard",
        "recent_rows",
        "sync_rows",
        "hold_back_rows",
        "chat_queue",
        "commit_rows",
        "fetch_records",
        "redis_tries",
        "id_block",
        "limit_sends",
        "conversations_kept",
    ];
    let keys = cluster.map(|key| format!("cluster.{key}")).into_iter();
    let keys = keys.chain(im.map(|key| format!("im.{key}")));
    for key in keys.chain(["network.backlog", "swarm.faults"].map(str::to_owned)) {
        for (count, sound) in [(0, false), (1, true)] {
            let text = format!("{key} = {count}");
            let json: serde_json::Value = toml::from_str(&text).expect(&text);
            assert_eq!(validator.is_valid(&json), sound, "the schema on {text}");
            let complaint =
                Scenario::from_str("x", &text, &[]).err().map(|error| error.to_string());
            let refused =
                complaint.is_some_and(|complaint| complaint.contains(&format!(" {key}:")));
            assert_eq!(refused, !sound, "the loader on {text}");
        }
    }
}

/// Spans and rates of which 0 does nothing, or the same without end.
#[test]
fn the_schema_knows_where_nothing_is_refused() {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is one");
    let spans = [
        "duration",
        "cluster.restart_after",
        "im.heartbeat",
        "im.call_timeout",
        "im.device_timeout",
        "im.reconnect",
        "im.redis_timeout",
        "im.redis_heartbeat",
        "im.redis_redial",
    ];
    let fault = |rest: &str| format!("[[faults]]\nat = \"1s\"\n{rest}");
    let pairs = "[[workload]]\nname = \"a\"\nkind = \"one-to-one\"\npairs = 1\nrate = \"#.0/s\"";
    let others = [
        "im.send_retry = [\"#s\"]".to_owned(),
        "im.push_retry = [\"1s\", \"#ms\"]".to_owned(),
        "im.merge = { max = 2, window = \"#s\" }".to_owned(),
        "[redis_clients]\ncount = 1\nrate = \"#/s\"".to_owned(),
        pairs.to_owned(),
        fault("kind = \"crash\"\nlasts = \"#.00s\"\nnode = \"redis-0\""),
        fault("kind = \"delay-spike\"\nlasts = \"1s\"\nlinks = \"clients\"\nby = \"#s\""),
        fault("kind = \"rolling-restart\"\nrole = \"chat\"\ndown = \"#s\"\ngap = \"1s\""),
    ];
    for text in spans.map(|key| format!("{key} = \"#s\"")).into_iter().chain(others) {
        for (count, sound) in [("0", false), ("1", true)] {
            let text = text.replace('#', count);
            let json: serde_json::Value = toml::from_str(&text).expect(&text);
            assert_eq!(validator.is_valid(&json), sound, "the schema on {text}");
        }
        let complaint = Scenario::from_str("x", &text.replace('#', "0"), &[]).expect_err(&text);
        assert!(complaint.to_string().contains("; write "), "the loader on {text}: {complaint}");
    }
}

#[test]
fn the_quickstart_shows_about_70_000_messages_and_uses_both_fan_outs() {
    let file = folder().join("quickstart.toml");
    let scenario = Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
    let devices_per_user = 1.0 + scenario.population.second_device.as_f64();
    let mut shown = 0.0;
    for workload in &scenario.workload {
        let members = match workload {
            Workload::OneToOne(_) => 2.0,
            Workload::Group(group) => {
                let sizes = group.members.sizes(group.groups);
                let threshold = scenario.im.hybrid_threshold;
                let read = sizes.iter().filter(|size| **size >= threshold).count();
                assert!(read >= 3 && read <= sizes.len() / 2, "{sizes:?}");
                assert!(matches!(group.members, Members::Zipf(_)));
                assert!(matches!(group.payload, Payload::Mix(_)));
                f64::from(sizes.iter().sum::<u32>()) / f64::from(group.groups)
            }
        };
        shown += workload.rate().hertz() * members * devices_per_user;
    }
    let shown = shown * scenario.duration.as_secs_f64();
    assert!((60_000.0..80_000.0).contains(&shown), "{shown}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// All scenario files, in the order of their paths.
fn shipped() -> Vec<PathBuf> {
    let mut folders = vec![folder()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|end| end == "toml") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}
