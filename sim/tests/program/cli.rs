//! The program as its users meet it: what it prints, what it writes, and how it exits.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Ended, folder, imsim, run};
use serde_json::Value;

#[test]
fn a_run_leaves_a_folder_and_points_latest_at_it() {
    let folder = folder();
    let told = run(folder.path(), &["run", "small.toml", "--seed", "2"]).exits(0);
    assert!(told.stdout.contains("seed 2"), "{}", told.stdout);
    let latest = folder.path().join("runs/small/latest");
    let target = fs::read_link(&latest).expect("a link").display().to_string();
    assert!(target.starts_with("2-"), "{target}");
    for file in ["record.json", "report.html", "measures.csv", "manifest.json"] {
        assert!(latest.join(file).is_file(), "{file} is missing");
    }
    let page = format!("Page: runs/small/{target}/report.html");
    assert!(told.stdout.contains(&page), "no `{page}` in:\n{}", told.stdout);

    run(folder.path(), &["run", "small.toml", "--seed", "3"]).exits(0);
    let target = fs::read_link(&latest).expect("a link").display().to_string();
    assert!(target.starts_with("3-"), "{target}");
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let folder = folder();
    run(folder.path(), &["run", "small.toml", "--out", "out"]).exits(0);
    let page = fs::read_to_string(folder.path().join("out/report.html")).expect("written");
    for outside in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
        assert!(!page.contains(outside), "the page asks for something: {outside}");
    }
}

#[test]
fn a_scenario_that_is_wrong_is_refused_with_file_line_and_key() {
    let folder = folder();
    let refused = |text: &str, sets: &[&str], complaints: &[&str]| {
        fs::write(folder.path().join("wrong.toml"), text).expect("it has room");
        for command in [&["run", "wrong.toml"], &["check", "wrong.toml"]] {
            let ended = run(folder.path(), &[command, sets].concat()).exits(2);
            assert_eq!(ended.stdout, "");
            ended.complains_of(complaints);
        }
        assert!(!folder.path().join("runs").exists(), "a refused scenario leaves nothing");
    };
    refused(
        "duration = \"9s\"\n[im]\nhearbeat = \"1s\"\n",
        &[],
        &["wrong.toml:3", "im.hearbeat", "did you mean `heartbeat`"],
    );
    refused("duration = \"9 parsecs\"\n", &[], &["wrong.toml:1", "duration"]);
    refused(
        "[cluster]\nchats = 2\ngateways = 0\n",
        &[],
        &["wrong.toml:3", "cluster.gateways", "write 1 or more"],
    );
    refused(
        "[cluster]\nredis = { sentinels = 3 }\n",
        &[],
        &["wrong.toml:2", "cluster.redis.sentinels"],
    );
    refused("duration = \"9s\"\n", &["--set", "im.fanout=sideways"], &["--set", "im.fanout"]);
    refused("duration = \n", &[], &["wrong.toml:1"]);
}

#[test]
fn what_does_not_exist_is_a_usage_error() {
    let folder = folder();
    run(folder.path(), &["run", "none.toml"]).exits(2).complains_of(&["none.toml"]);
    run(folder.path(), &["check", "none"]).exits(2).complains_of(&["none"]);
    run(folder.path(), &["rum", "small.toml"]).exits(2).complains_of(&["rum", "run"]);
    run(folder.path(), &["check", "small.toml", "--seeds", "x"]).exits(2).complains_of(&["1..=20"]);
    run(folder.path(), &["check", "small.toml", "--jobs", "0"]).exits(2);
    run(folder.path(), &[]).exits(2);
}

#[test]
fn nothing_to_run_is_told_apart_from_success() {
    let folder = folder();
    fs::create_dir(folder.path().join("empty")).expect("it has room");
    for arguments in [
        &["check", "small.toml", "--seeds", "5..5"][..],
        &["check", "small.toml", "--seeds", "9..3"],
        &["check", "empty"],
        &["list", "empty"],
    ] {
        let ended = run(folder.path(), arguments).exits(4);
        assert_eq!(ended.stdout.trim(), "", "{arguments:?}");
    }
}

#[test]
fn results_go_to_stdout_and_progress_to_stderr() {
    let folder = folder();
    let human = run(folder.path(), &["check", "small.toml", "--seeds", "1..=2"]).exits(0);
    assert!(human.stdout.starts_with("small.toml: held; 2 of 2 seeds"), "{}", human.stdout);
    assert!(human.stderr.starts_with("checking small over 2 seeds"), "{}", human.stderr);
    assert!(
        !human.stdout.contains('\x1b') && !human.stderr.contains('\x1b'),
        "no colours in pipes"
    );

    let arguments = ["check", "small.toml", "small.toml", "--seeds", "1", "--format", "json"];
    let campaign = run(folder.path(), &arguments).exits(0).json();
    let scenarios = campaign["scenarios"].as_array().expect("one for each");
    assert_eq!(scenarios.len(), 2);
    assert_eq!(scenarios[0], scenarios[1]);
    assert_eq!(scenarios[0]["runs"][0]["outcome"], "held");
}

#[test]
fn checking_a_folder_checks_every_scenario_and_fail_fast_stops_at_the_first() {
    let folder = folder();
    let text = include_str!("common/small.toml");
    fs::create_dir_all(folder.path().join("many/deep")).expect("it has room");
    for name in ["many/a.toml", "many/deep/b.toml"] {
        fs::write(folder.path().join(name), text).expect("it has room");
    }
    let check = ["check", "many", "--seeds", "1..=2", "--set", "im.sabotage=push-once"];
    let scenarios = |ended: &Ended| ended.stdout.matches("NOT held").count();
    assert_eq!(scenarios(&run(folder.path(), &check).exits(1)), 2);
    let fast = run(folder.path(), &[&check[..], &["--fail-fast", "--jobs", "1"]].concat()).exits(1);
    assert_eq!(scenarios(&fast), 1);
    assert!(fast.stdout.contains("(1 not run)"), "{}", fast.stdout);
}

#[test]
fn shipped_scenarios_are_listed_with_what_they_are_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let told = run(&root, &["list"]).exits(0).stdout;
    let quickstart = told.lines().find(|line| line.starts_with("scenarios/quickstart.toml"));
    assert!(quickstart.is_some_and(|line| line.contains("nothing may be lost")), "{told}");
    let entries = run(&root, &["list", "--format", "json"]).exits(0).json();
    let entries = entries["scenarios"].as_array().expect("a list");
    assert_eq!(entries.len(), told.lines().count());
    assert!(
        entries.iter().all(|entry| entry["about"] != ""),
        "a scenario does not say its purpose"
    );
}

#[test]
fn the_schema_and_the_completions_print() {
    let folder = folder();
    let schema = run(folder.path(), &["schema"]).exits(0).json();
    assert!(schema["properties"]["workload"].is_object(), "{schema:#}");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).exits(0).stdout;
        assert!(script.contains("imsim"), "{shell}");
    }
}

#[test]
fn what_programs_are_given_is_as_its_schema_says() {
    let folder = folder();
    let seeds = ["--seeds", "1..=2"];
    for (shape, command) in [
        ("run", vec!["run", "small.toml"]),
        ("campaign", [&["check", "small.toml"], &seeds[..]].concat()),
        (
            "comparison",
            [&["compare", "small.toml", "--vary", "im.fanout=write,read"], &seeds[..]].concat(),
        ),
        ("crosscheck", vec!["crosscheck", "small.toml", "--seeds", "1..=1"]),
        ("list", vec!["list", "small.toml"]),
    ] {
        let schema = run(folder.path(), &["schema", shape]).exits(0).json();
        let command = [&command[..], &["--format", "json"]].concat();
        let document = run(folder.path(), &command).exits(0).json();
        assert!(document["schema_version"].is_u64(), "{shape}");
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        let errors: Vec<_> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{shape}: {errors:#?}");
        let empty = serde_json::json!({ "schema_version": 1 });
        assert!(!validator.is_valid(&empty), "{shape}: anything agrees");
    }
}

#[test]
fn people_may_stop_reading_and_programs_get_whole_documents() {
    let folder = folder();
    let unread = |arguments: &[&str]| -> Ended {
        let mut child = piped(folder.path(), arguments);
        drop(child.stdout.take());
        child.wait_with_output().expect("it ends").into()
    };
    assert_eq!(unread(&["completions", "bash"]).exits(0).stderr, "");
    unread(&["schema"]).exits(74).complains_of(&["cannot write the result to stdout"]);
}

#[test]
fn an_interrupted_run_keeps_what_has_happened() {
    let folder = folder();
    let long = ["run", "small.toml", "--set", "duration=20m", "--out", "out"];
    // One that comes before the cluster is up finds nothing to keep, and says so.
    let tries = (0..20).map(|_| interrupt(folder.path(), &long, "running small", "-INT"));
    let ended = { tries }.find(|ended| !ended.stderr.contains("before the cluster was up"));
    let told = ended.expect("the cluster comes up").exits(130).complains_of(&["kept"]).stdout;
    assert!(told.contains("Page: out/report.html"), "{told}");
    assert!(told.contains("Interrupted after "), "{told}");
    let text = fs::read_to_string(folder.path().join("out/record.json")).expect("kept");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let duration_ns = record["phases"]["duration_ns"].as_u64().expect("a time");
    assert!(duration_ns < 1_200_000_000_000, "it was cut short");
    assert_ne!(record["verdict"], "invalid", "what is missing from a run cut short proves nothing");
}

#[test]
fn an_interrupted_campaign_tells_what_has_run() {
    let folder = folder();
    let long = ["check", "small.toml", "--seeds", "1..=1000000", "--jobs", "2"];
    let told = interrupt(folder.path(), &long, "checking small", "-TERM").exits(130).stdout;
    assert!(told.starts_with("small.toml: ") && told.contains(" not run)"), "{told}");
    let latest = folder.path().join("runs/check-small/latest");
    assert!(!latest.is_symlink(), "what was interrupted is not the latest");
}

/// Presses Ctrl-C once the program has said `ready` on stderr.
fn interrupt(folder: &Path, arguments: &[&str], ready: &str, signal: &str) -> Ended {
    let mut child = piped(folder, arguments);
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut said = String::new();
    while !said.contains(ready) {
        let read = stderr.read_line(&mut said).expect("lines");
        assert!(read > 0, "it ended before it was ready: {said}");
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    // It may say more than a pipe holds, so stderr is read to its end while it runs.
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut rest).map(|_| rest).expect("text")
    });
    let ended: Ended = child.wait_with_output().expect("it ends").into();
    let stderr = said + &rest.join().expect("read");
    Ended { stderr, ..ended }
}

fn piped(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = imsim(folder, arguments);
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("imsim starts")
}

/// Devices do not talk to the registry, so a cut between them touches nothing.
const IDLE: &str = "\n[[faults]]\nkind = \"partition\"\nbetween = [\"device-0\", \"registry\"]\n\
                    at = \"1s\"\nlasts = \"1s\"\n";

#[test]
fn a_fault_that_had_to_touch_something_and_did_not_is_a_failure() {
    let folder = folder();
    let text = fs::read_to_string(folder.path().join("small.toml")).expect("written");
    fs::write(folder.path().join("idle.toml"), text + IDLE).expect("it has room");
    run(folder.path(), &["run", "idle.toml"]).exits(0);
    let required = ["--set", "faults.6.require_effect=true"];
    let line = "fault 7 (partition of device-0 ↔ registry) touched nothing";
    run(folder.path(), &[&["run", "idle.toml"], &required[..]].concat())
        .exits(1)
        .complains_of(&[line]);
    let checked =
        run(folder.path(), &[&["check", "idle.toml", "--seeds", "1"], &required[..]].concat());
    let checked = checked.exits(1);
    assert!(checked.stdout.contains(line), "{}", checked.stdout);
}

#[test]
fn a_campaign_tells_what_each_family_of_faults_touched() {
    let folder = folder();
    let arguments = ["check", "small.toml", "--seeds", "1..=2", "--effects"];
    let human = run(folder.path(), &arguments).exits(0).stdout;
    let row = |name: &str| -> Vec<String> {
        let line = human.lines().find(|line| line.trim_start().starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in:\n{human}"));
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(row("crash"), ["2", "2", "10", "10"]);
    assert_eq!(row("partition"), ["2", "2", "2", "2"]);
    assert_eq!(row("total"), ["12", "12"]);
    let arguments = ["check", "small.toml", "--seeds", "1..=2", "--format", "json"];
    let campaign = run(folder.path(), &arguments).exits(0).json();
    assert_eq!(campaign["scenarios"][0]["faults"]["crash"]["faults_effective"], 10);
}

#[test]
fn no_name_of_a_file_leads_out_of_the_folder_of_runs() {
    let folder = folder();
    fs::rename(folder.path().join("small.toml"), folder.path().join("...toml")).expect("a name");
    run(folder.path(), &["run", "...toml", "--seed", "2"]).exits(0);
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it lasts").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, ["...toml", "runs"]);
    assert!(folder.path().join("runs/__/latest/record.json").is_file());
}

#[test]
fn however_the_path_is_written_the_record_is_the_same() {
    let folder = folder();
    let absolute = folder.path().join("small.toml").display().to_string();
    let record = |path: &str, out: &str| {
        run(folder.path(), &["run", path, "--out", out]).exits(0);
        fs::read_to_string(folder.path().join(out).join("record.json")).expect("written")
    };
    let plain = record("small.toml", "a");
    assert!(plain.contains("imsim run small.toml --seed 1"));
    assert!(plain == record(&absolute, "b"), "an absolute path");
    assert!(plain == record("./small.toml", "c"), "a path that begins here");
}

#[test]
fn the_last_seed_of_all_can_be_checked() {
    let folder = folder();
    let last = u64::MAX.to_string();
    let told = run(folder.path(), &["check", "small.toml", "--seeds", &last]).exits(0);
    assert!(told.stdout.contains("1 of 1 seeds as expected"), "{}", told.stdout);
    let read = fs::read_to_string(folder.path().join("runs/check-small/latest/campaign.json"));
    let again = format!("--seeds {last}..={last}");
    assert!(read.expect("written").contains(&again), "the command that gives this again");
}

#[test]
fn the_width_of_the_terminal_is_kept_to() {
    let folder = folder();
    let told = |columns: &str| {
        let mut command = imsim(folder.path(), &["run", "small.toml"]);
        let ended: Ended = command.env("COLUMNS", columns).output().expect("it runs").into();
        let ended = ended.exits(0);
        let plain =
            |line: &&str| !line.trim_start().starts_with("imsim run") && !line.starts_with("Page:");
        let widths = ended.stdout.lines().filter(plain).map(|line| line.chars().count());
        widths.max().unwrap_or(0)
    };
    assert!(told("60") <= 60);
    assert!(told("x") > 60 && told("100") <= 100, "what is no number says nothing");
}

#[test]
fn a_page_that_somebody_else_wrote_is_not_replaced() {
    let folder = folder();
    let page = folder.path().join("mine/report.html");
    fs::create_dir(folder.path().join("mine")).expect("it has room");
    fs::write(&page, "mine").expect("it has room");
    let ended = run(folder.path(), &["run", "small.toml", "--out", "mine"]);
    assert_ne!(ended.code, 0);
    ended.complains_of(&["mine/report.html is there, and no earlier imsim wrote it", "--out"]);
    assert_eq!(fs::read_to_string(&page).expect("it is there"), "mine");
}

#[test]
fn what_determinism_compared_is_said() {
    let folder = folder();
    let arguments = ["check", "small.toml", "--seeds", "1..=2", "--determinism"];
    let told = run(folder.path(), &arguments).exits(0);
    assert!(
        told.stdout.contains("2 of 2 seeds gave the same again in a second process"),
        "{}",
        told.stdout
    );
}
