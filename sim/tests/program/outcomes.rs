//! How a run ends, as its users meet it: overloaded, not put to the test, beyond a bound, as expected or not. The
//! terminal, the record, `check` and the exit code say the same.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::common::{Ended, folder, imsim, run};
use serde_json::Value;

/// Two people, one conversation.
const PAIR: &str = r#"
duration = "5s"
settle = "47s"
population = { users = 2, second_device = "0%" }
workload = [{ name = "pair", kind = "one-to-one", pairs = 1, rate = "4/s" }]
"#;

fn scenario(folder: &Path, text: &str) {
    fs::write(folder.join("it.toml"), text).expect("it has room");
}

fn record(ended: &Ended) -> Value {
    ended.json()
}

#[test]
fn overload_is_a_state_and_no_violation() {
    let folder = folder();
    scenario(folder.path(), &PAIR.replace("4/s", "600/s"));
    let told = run(folder.path(), &["run", "it.toml"]).exits(0);
    for words in ["All promises held", "Overloaded: ", "still queued on their devices", "busiest: "]
    {
        assert!(told.stdout.contains(words), "no `{words}` in:\n{}", told.stdout);
    }
    let record = record(&run(folder.path(), &["run", "it.toml", "--format", "json"]).exits(0));
    assert_eq!((&record["outcome"], &record["as_expected"]), (&"held".into(), &true.into()));
    assert!(record["overload"]["waiting"].as_u64() > Some(100), "{}", record["overload"]);
    let page = fs::read_to_string(folder.path().join("runs/it/latest/report.html"));
    assert!(page.expect("written").contains("Overloaded: "));
    let checked = run(folder.path(), &["check", "it.toml", "--seeds", "1..=2"]).exits(0);
    assert!(
        checked.stdout.contains("2 of 2 seeds as expected; 2 overloaded"),
        "{}",
        checked.stdout
    );

    // A bug that loses messages is caught all the same.
    let set = "im.sabotage=push-once";
    let faults = r#"faults=[{ kind = "crash", node = "gateway-0", at = "2s", lasts = "1s" }]"#;
    let arguments =
        ["run", "it.toml", "--set", set, "--set", faults, "--set", "cluster.gateways=1"];
    let told = run(folder.path(), &arguments).exits(1);
    assert!(told.stdout.contains("Overloaded: "), "{}", told.stdout);
    assert!(told.stdout.contains("A1, ledger: "), "one finding for both: {}", told.stdout);
}

#[test]
fn a_run_that_tested_nothing_is_no_success() {
    let folder = folder();
    let silent = PAIR.replace("4/s", "0.0001/h");
    for text in ["", &silent] {
        scenario(folder.path(), text);
        let told = run(folder.path(), &["run", "it.toml"]).exits(4);
        assert!(told.stdout.contains("Not put to the test"), "{}", told.stdout);
        let checked = run(folder.path(), &["check", "it.toml", "--seeds", "1..=2"]).exits(4);
        assert!(checked.stdout.contains("2 not put to the test"), "{}", checked.stdout);
    }
    let meant = [&silent, "expect = { tested = false }"].concat();
    scenario(folder.path(), &meant);
    let told = run(folder.path(), &["run", "it.toml"]).exits(0);
    assert!(told.stdout.contains("As expected: no promise was put to the test"), "{}", told.stdout);
    scenario(folder.path(), &meant.replace("0.0001/h", "4/s"));
    run(folder.path(), &["run", "it.toml"]).exits(1);
}

#[test]
fn a_missed_bound_says_the_figure_the_bound_and_when() {
    let folder = folder();
    let with = |expect: &str, code: i32| {
        scenario(folder.path(), &[PAIR, "[expect]\n", expect].concat());
        run(folder.path(), &["run", "it.toml"]).exits(code)
    };
    with("show_p99 = \"< 10s\"\naccepted = \"> 99%\"\nunaccepted_gap = \"< 5s\"\n", 0);
    let told = with("show_p50 = \"< 1ms\"\n", 3);
    assert!(told.stdout.contains("A bound was missed"), "{}", told.stdout);
    assert!(told.stdout.contains("missed  show_p50"), "{}", told.stdout);
    assert!(told.stdout.contains("< 1ms  at 0–"), "when: {}", told.stdout);
    let checked = run(folder.path(), &["check", "it.toml", "--seeds", "1..=2"]).exits(3);
    assert!(checked.stdout.contains("bound < 1ms, at 0–"), "{}", checked.stdout);
    let told = with("[expect.workload.pair]\nunaccepted_gap = \"< 1ms\"\n", 3);
    assert!(told.stdout.contains("unaccepted_gap of pair"), "{}", told.stdout);
    with("show_p99 = \"800ms\"\n", 2).complains_of(&["it.toml:7", "< 800ms"]);
    with("show_p98 = \"< 1s\"\n", 2).complains_of(&["did you mean `show_p99`"]);
    let nobody = "[expect.workload.pairs]\nshow_p99 = \"< 1s\"\n";
    with(nobody, 2).complains_of(&["there is no such workload"]);
    let whole = "[expect.workload.pair]\nserver_cpu = \"< 1\"\n";
    with(whole, 2).complains_of(&["it is a figure of the whole run"]);
}

#[test]
fn an_expected_violation_is_as_expected_and_its_absence_is_not() {
    let folder = folder();
    let expects =
        [include_str!("common/small.toml"), "[expect]\nduplicates = \"invalid\"\n"].concat();
    scenario(folder.path(), &expects);
    let sabotaged = ["it.toml", "--set", "im.sabotage=no-dedupe"];
    let told = run(folder.path(), &[&["run"][..], &sabotaged].concat()).exits(0);
    assert!(told.stdout.contains("As expected: A2 violated"), "{}", told.stdout);
    assert!(told.stdout.contains("broken, as expected"), "{}", told.stdout);
    let record = fs::read_to_string(folder.path().join("runs/it/latest/record.json"));
    let record: Value = serde_json::from_str(&record.expect("written")).expect("JSON");
    assert_eq!((&record["outcome"], &record["as_expected"]), (&"expected".into(), &true.into()));

    let told = run(folder.path(), &["run", "it.toml"]).exits(1);
    assert!(told.stdout.contains("Expected a violation of A2, found none"), "{}", told.stdout);
    let checked = run(folder.path(), &["check", "it.toml", "--seeds", "1..=1"]).exits(1);
    assert!(
        checked.stdout.contains("Expected a violation of A2, found none"),
        "{}",
        checked.stdout
    );
    let crossed = run(folder.path(), &["crosscheck", "it.toml", "--seeds", "1..=1"]).exits(1);
    assert!(crossed.stdout.contains("agree, NOT as expected"), "{}", crossed.stdout);
}

#[test]
fn what_cannot_be_written_is_said_and_no_success() {
    let folder = folder();
    scenario(folder.path(), PAIR);
    let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = imsim(folder.path(), &["run", "it.toml", "--format", "json"]);
    let ended = command.stdout(Stdio::from(full)).output().expect("imsim runs");
    assert_eq!(ended.status.code(), Some(74));
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(complaint.contains("cannot write the result to stdout"), "{complaint}");

    fs::write(folder.path().join("file"), "no folder").expect("it has room");
    let told = run(folder.path(), &["run", "it.toml", "--out", "file"]).exits(74);
    assert_eq!(told.stdout, "", "it is tried before the run");
    told.complains_of(&["cannot write into file"]);
    run(folder.path(), &["check", "it.toml", "--out", "file"]).exits(74);
}
