//! The checkers can fail: each planted bug is caught by the promise that it breaks, or by a bound if it
//! only delays, in the shipped scenario that the table of bugs names, and some of them under each fan-out too. Findings tell where
//! to look. Without a bug, everything holds.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::common::{folder, run};
use im_reports::record::{Outcome, Record, Verdict};
use imsim::engine::Kind;
use imsim::run::{Progress, judge, live_through};
use imsim::sabotages::{self, Effect, Planted};
use imsim::scenario::Scenario;

const FANOUTS: [&str; 3] = ["write", "read", "hybrid"];
/// Seeds that are tried until a bug of the table is caught.
const SEEDS: RangeInclusive<u64> = 1..=5;

#[test]
fn every_bug_is_caught_in_its_shipped_scenario_which_holds_without_it() {
    for planted in sabotages::ALL {
        let case = planted.bug.name();
        let file = format!("../scenarios/{}", planted.scenario);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let sound = Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        let sabotaged = planted.plant_into(&sound);
        let catches = |seed: &u64| catches(planted, &record(&sabotaged, *seed));
        let seed = SEEDS.into_iter().find(catches).unwrap_or_else(|| panic!("{case}: missed"));
        let record = record(&sound, seed);
        assert_eq!(record.outcome, Outcome::Held, "{case}: {:#?}", record.findings);
    }
}

fn record(scenario: &Scenario, seed: u64) -> Record {
    let observed = live_through(scenario, seed, Kind::Sim, &Progress::default());
    judge(scenario, seed, &observed.unwrap_or_else(|error| panic!("{error}")))
}

/// Whether the promise is broken that the bug is said to break; then a finding has to say so. Or, where it only
/// delays, whether every promise holds and a bound is missed.
fn catches(planted: &Planted, record: &Record) -> bool {
    let Effect::Breaks(breaks) = planted.effect else {
        return record.outcome == Outcome::BoundMissed;
    };
    let promise = record.promises.iter().find(|promise| promise.id == breaks);
    let caught = promise.expect("judged").verdict == Verdict::Invalid;
    let mut findings = record.findings.iter().filter(|finding| finding.promise == breaks);
    let told = findings.any(|finding| names_a_message(&finding.summary));
    assert_eq!(caught, told, "{}: {:#?}", planted.bug.name(), record.findings);
    caught
}

#[test]
fn without_a_bug_every_fan_out_holds() {
    let folder = folder();
    for fanout in FANOUTS {
        let set = format!("im.fanout={fanout}");
        let arguments = ["check", "small.toml", "--seeds", "1..=5", "--set", &set];
        run(folder.path(), &arguments).exits(0);
    }
}

#[test]
fn acking_before_the_commit_loses_messages() {
    caught("ack-before-commit", "A1");
}

#[test]
fn without_dedupe_messages_are_shown_twice() {
    caught("no-dedupe", "A2");
}

#[test]
fn without_holding_back_messages_are_shown_out_of_order() {
    caught("no-hold-back", "A3");
}

#[test]
fn pushing_once_loses_messages() {
    caught("push-once", "A1");
}

/// A scenario may be there to show a broken promise. It holds while the promise breaks.
#[test]
fn a_bug_that_is_expected_holds_and_one_that_is_missed_does_not() {
    let folder = folder();
    let expected = ["--set", "expect.duplicates=invalid"];
    let bug = ["--set", "im.sabotage=no-dedupe"];
    let check = ["check", "small.toml", "--seeds", "1..=3"];
    run(folder.path(), &[&check, &expected[..], &bug].concat()).exits(0);
    run(folder.path(), &[&check, &expected[..]].concat()).exits(1);
}

#[track_caller]
fn caught(bug: &str, promise: &str) {
    let folder = folder();
    for fanout in FANOUTS {
        caught_under(folder.path(), bug, promise, fanout);
    }
}

#[track_caller]
fn caught_under(folder: &Path, bug: &str, promise: &str, fanout: &str) {
    let case = format!("{bug} under {fanout}");
    let [bug, fanout] = [format!("im.sabotage={bug}"), format!("im.fanout={fanout}")];
    let arguments = ["run", "small.toml", "--set", &bug, "--set", &fanout, "--out", "out"];
    let told = run(folder, &arguments).exits(1).stdout;
    let broken = told.lines().find(|line| line.trim_start().starts_with("Broken: "));
    let named = broken.is_some_and(|line| line.contains(&format!("{promise} (")));
    assert!(named, "{case}: {promise} is not told to be broken in\n{told}");
    let first = told.lines().find(|line| line.starts_with("  1. "));
    assert!(first.is_some_and(names_a_message), "{case}: no message is named in\n{told}");
    assert!(told.contains('▶'), "{case}: no event is marked as the decisive one in\n{told}");

    let record = run(folder, &[&arguments[..], &["--format", "json"]].concat()).exits(1).json();
    let list = |key: &str| record[key].as_array().expect("a list").clone();
    let verdict = list("promises").into_iter().find(|verdict| verdict["id"] == promise);
    assert_eq!(verdict.expect("judged")["verdict"], "invalid", "{case}");
    let of_promise = |finding: &serde_json::Value| finding["promise"] == promise;
    let findings: Vec<_> = list("findings").into_iter().filter(of_promise).collect();
    assert!(!findings.is_empty(), "{case}");
    for finding in findings {
        let summary = finding["summary"].as_str().expect("a sentence");
        assert!(names_a_message(summary), "{case}: no message is named in: {summary}");
        let events = finding["events"].as_array().expect("a list");
        let keys = events.iter().filter(|event| event["key"] == true).count();
        assert_eq!(keys, 1, "{case}: {finding:#}");
    }
}

/// As in `u12.d0#3`: a user, a device, and the number of the operation on it.
fn names_a_message(line: &str) -> bool {
    line.split([' ', ',', '(', ')']).any(|word| {
        let parts = word.split_once(".d").and_then(|(user, rest)| {
            let (device, number) = rest.split_once('#')?;
            Some([user.strip_prefix('u')?, device, number])
        });
        parts.is_some_and(|parts| parts.iter().all(|part| part.parse::<u64>().is_ok()))
    })
}
