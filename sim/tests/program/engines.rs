//! Other engines than the simulator: what they leave out of a scenario is said, written down and,
//! if asked for, refused.

use std::fs;
use std::path::Path;

use crate::common::{folder, run};

/// What is added to the small scenario; no other engine can lose packets.
const LOSS: &str = r#"
[[faults]]
kind = "loss"
links = "clients"
rate = "5%"
at = "3s"
lasts = "1s"
"#;

#[test]
fn what_turmoil_leaves_out_is_said_and_written_down() {
    let folder = folder();
    let ended = run(folder.path(), &on_turmoil(folder.path(), &["--format", "json"])).exits(0);
    let record = ended.json();
    let faults = record["faults"].as_array().expect("it has faults");
    let left_out: Vec<_> = faults.iter().filter(|fault| !fault["left_out"].is_null()).collect();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    let fault = left_out[0];
    let line = format!(
        "left out by turmoil: fault {} (loss on {}): {}",
        fault["number"],
        fault["target"].as_str().expect("a target in words"),
        fault["left_out"].as_str().expect("a reason in words"),
    );
    assert_eq!(fault["effect"], serde_json::json!({}));
    let others = record["left_out"].as_array().expect("it leaves out more than faults");
    assert!(others.iter().any(|other| other["what"] == "loss of network.clients"), "{others:?}");
    assert_eq!(record["engine"], "turmoil");
    let again = record["reproduce"].as_str().expect("a command");
    assert!(again.contains("--engine turmoil"), "{again}");
    let said = ended.complains_of(&[&line, "left out by turmoil: loss of network.clients: "]);
    assert_eq!(said.stderr.matches("left out by turmoil").count(), 1 + others.len());
}

#[test]
fn strict_refuses_to_leave_out_a_fault() {
    let folder = folder();
    run(folder.path(), &on_turmoil(folder.path(), &["--strict"])).exits(2).complains_of(&[
        "error: --strict",
        "left out by turmoil: fault ",
        "(loss on ",
    ]);
    assert!(!folder.path().join("runs").exists(), "it ran");
}

#[test]
fn the_simulator_leaves_out_nothing() {
    let folder = folder();
    let ended = run(folder.path(), &["run", "small.toml", "--strict"]).exits(0);
    assert!(!ended.stderr.contains("left out"), "{}", ended.stderr);
}

/// The arguments for a run of the small scenario, with a loss in it, on turmoil.
fn on_turmoil<'a>(folder: &Path, more: &[&'a str]) -> Vec<&'a str> {
    let path = folder.join("small.toml");
    let small = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, small + LOSS).expect("it has room");
    [&["run", "small.toml", "--engine", "turmoil"], more].concat()
}
