//! One seed decides everything: what two processes write is the same, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{Ended, folder, run};

/// The only file in which wall-clock facts may stand.
const MANIFEST: &str = "manifest.json";

#[test]
fn two_processes_write_the_same_bytes() {
    let folder = folder();
    for sabotage in ["none", "push-once"] {
        let set = format!("im.sabotage={sabotage}");
        let [one, other] = ["one", "other"].map(|out| {
            let out = format!("{sabotage}-{out}");
            let arguments = ["run", "small.toml", "--seed", "5", "--set", &set, "--out", &out];
            run(folder.path(), &arguments);
            files(&folder.path().join(out))
        });
        let names: Vec<&str> = one.keys().map(String::as_str).collect();
        let fixed = ["measures.csv", "plots/latency.png", "plots/latency.svg", "record.json"];
        assert!(fixed.iter().all(|name| names.contains(name)), "{names:?}");
        assert_eq!(names.iter().any(|name| name.starts_with("findings/")), sabotage != "none");
        assert_eq!(names, other.keys().map(String::as_str).collect::<Vec<_>>());
        for (name, bytes) in one {
            // No assert_eq: nobody wants to read two plots.
            assert!(other[&name] == bytes || name == MANIFEST, "{name} differs");
        }
    }
}

#[test]
fn the_record_on_stdout_is_the_record_on_disk() {
    let folder = folder();
    let arguments = ["run", "small.toml", "--format", "json", "--out", "out"];
    let printed = run(folder.path(), &arguments).exits(0).json();
    let text = fs::read_to_string(folder.path().join("out/record.json")).expect("written");
    let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(printed, written);
}

#[test]
fn every_seed_is_another_run() {
    let folder = folder();
    let digests = ["1", "2", "3"].map(|seed| digest(&record(folder.path(), seed, &[])));
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
}

/// Turmoil's own events have no digest: this one is over what happened at the devices' edge.
#[test]
fn on_turmoil_the_seed_decides_as_well() {
    let folder = folder();
    let digest = |seed| digest(&record(folder.path(), seed, &["--engine", "turmoil"]));
    let five = digest("5");
    assert_eq!(five, digest("5"));
    assert_ne!(five, digest("6"));
}

#[test]
fn every_changed_key_is_another_run() {
    let folder = folder();
    let digest = |sets: &[&str]| digest(&record(folder.path(), "4", sets));
    let as_written = digest(&[]);
    assert_eq!(as_written, digest(&["--set", "im.heartbeat=1s"]), "the same value again");
    for set in ["workload.groups.rate=41/s", "im.heartbeat=1100ms", "faults.5.lasts=300ms"] {
        assert_ne!(as_written, digest(&["--set", set]), "{set}");
    }
}

#[test]
fn the_number_of_jobs_decides_nothing() {
    let folder = folder();
    let check = |jobs| {
        let arguments =
            ["check", "small.toml", "--seeds", "1..=6", "--jobs", jobs, "--format", "json"];
        run(folder.path(), &arguments).exits(0).json()
    };
    let alone = check("1");
    let runs = alone["scenarios"][0]["runs"].as_array().expect("one for each seed");
    assert!(runs.iter().all(|run| run["outcome"] == "held") && runs.len() == 6);
    assert_eq!(alone, check("2"));
    assert_eq!(alone, check("5"));
}

#[test]
fn a_campaign_runs_what_single_runs_run() {
    let folder = folder();
    let sabotaged = ["--set", "im.sabotage=no-dedupe"];
    let arguments = [&["check", "small.toml", "--seeds", "3", "--format", "json"], &sabotaged[..]];
    let campaign = run(folder.path(), &arguments.concat()).exits(1).json();
    let replay = campaign["scenarios"][0]["runs"][0]["replay"].as_str().expect("a command");
    let words: Vec<&str> = replay.split(' ').collect();
    assert_eq!(words[..2], ["imsim", "run"], "{replay}");
    let replayed = [&words[1..], &["--format", "json", "--out", "again"]].concat();
    let again = run(folder.path(), &replayed).exits(1).json();
    assert_eq!(again["reproduce"], replay);
    assert_eq!(digest(&again), digest(&record(folder.path(), "3", &sabotaged)));
}

fn record(folder: &Path, seed: &str, more: &[&str]) -> serde_json::Value {
    let arguments = ["run", "small.toml", "--seed", seed, "--format", "json"];
    let ended: Ended = run(folder, &[&arguments, more].concat());
    ended.json()
}

fn digest(record: &serde_json::Value) -> String {
    record["digest"].as_str().expect("a digest").to_owned()
}

/// All files below a folder.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below it").display().to_string();
                found.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    found
}
