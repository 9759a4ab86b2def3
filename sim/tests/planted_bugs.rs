//! The checkers can fail: each planted bug is caught under each fan-out, by the promise that it
//! breaks and with a finding that tells where to look. Without one, everything holds.

mod common;

use std::path::Path;

use common::{folder, run};

const FANOUTS: [&str; 3] = ["write", "read", "hybrid"];

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
