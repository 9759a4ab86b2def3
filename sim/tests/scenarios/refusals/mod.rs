//! What the tests of refusals share: a sound scenario, and demands on the exact answer to an unsound
//! one.

use imsim::scenario::Scenario;

fn refused(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    match Scenario::from_str("x.toml", text, &sets) {
        Ok(_) => panic!("accepted with {sets:?}:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// A sound scenario; cases append to it. It has 19 lines.
pub const BASE: &str = r#"duration = "60s"
[population]
users = 50

[[workload]]
name = "pairs"
kind = "one-to-one"
pairs = 10
rate = "5/s"

[[workload]]
name = "groups"
kind = "group"
groups = 5
members = { zipf = 1.2,
            min = 3,
            max = 20 }
rate = "5/s"

"#;

/// The sound scenario with more tables at its end, from line 20 on.
#[track_caller]
pub fn with_tables(tables: &str, lines: &[&str]) {
    assert_eq!(refused(&format!("{BASE}{tables}"), &[]), lines.join("\n"));
}

/// The sound scenario changed by `--set`.
#[track_caller]
pub fn with_sets(sets: &[&str], lines: &[&str]) {
    assert_eq!(refused(BASE, sets), lines.join("\n"));
}

/// A scenario of its own.
#[track_caller]
pub fn alone(text: &str, lines: &[&str]) {
    assert_eq!(refused(text, &[]), lines.join("\n"));
}
