//! `imsim crosscheck`: engines side by side, end to end.

use std::fs;

use crate::common::{folder, run};

const LOSS: &str = "\n[[faults]]\nkind = \"loss\"\nlinks = \"clients\"\nrate = \"5%\"\nat = \"1s\"\nlasts = \"1s\"\n";

#[test]
fn engines_agree_on_a_sound_cluster_without_what_one_of_them_cannot_do() {
    let folder = folder();
    let ended = run(folder.path(), &["crosscheck", "small.toml", "--seeds", "1..=2"]).exits(0);
    let line = "small.toml: agree, as expected; same verdicts on 2 of 2 seeds, as expected on: sim 2, turmoil 2";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    ended.complains_of(&["left out on all engines: loss of network.clients"]);
}

#[test]
fn engines_agree_on_a_planted_bug() {
    let folder = folder();
    let arguments = ["crosscheck", "small.toml", "--sabotage", "no-dedupe", "--seeds", "1..=2"];
    let ended = run(folder.path(), &arguments).exits(0);
    let line = "no-dedupe (A2): agree; caught on small.toml, of 2 seeds: sim 2, turmoil 2";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
}

#[test]
fn verdicts_that_nobody_expects_are_no_success() {
    let folder = folder();
    let arguments =
        ["crosscheck", "small.toml", "--seeds", "1", "--set", "expect.delivery=invalid"];
    let ended = run(folder.path(), &[&arguments[..], &["--format", "json"]].concat()).exits(1);
    let told = &ended.json()["scenarios"][0];
    assert_eq!((&told["agree"], &told["as_expected"]), (&true.into(), &false.into()), "{told:#}");
    assert_eq!(told["by_engine"]["turmoil"], 0, "{told:#}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = folder();
    let text = fs::read_to_string(folder.path().join("small.toml")).expect("written");
    fs::write(folder.path().join("lossy.toml"), text + LOSS).expect("it has room");
    let refused = |arguments: &[&str], code, told: &[&str]| {
        run(folder.path(), &[&["crosscheck"], arguments].concat()).exits(code).complains_of(told);
    };
    refused(&["small.toml", "--engines", "sim"], 2, &["nothing to compare with one engine"]);
    refused(&["small.toml", "--engines", "sim,moil"], 2, &["`moil` is no engine"]);
    refused(&["small.toml", "--seeds", "1..1"], 4, &["nothing to run"]);
    refused(&["--sabotage", "no-such-bug"], 2, &["is no planted bug", "push-once"]);
    refused(&["lossy.toml", "--strict"], 2, &["lossy.toml: loss faults: turmoil never sends"]);
    refused(&["--latency", "small.toml"], 2, &["no [live] table", "imsim calibrate"]);
    let no_file = ["--latency", "small.toml", "--calibration", "none.toml"];
    refused(&no_file, 2, &["cannot read none.toml", "imsim calibrate --out none.toml"]);
}
