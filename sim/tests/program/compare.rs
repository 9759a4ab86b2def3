//! `imsim compare` as a user meets it: paired runs, the same bytes again, clear refusals.

use std::fs;
use std::path::Path;

use crate::common::{Ended, folder, run};
use im_reports::comparison::Comparison;

const SCENARIO: &str = r#"
about = "Small groups talk"
duration = "5s"
settle = "50s"

[population]
users = 30

[[workload]]
name = "groups"
kind = "group"
groups = 4
members = 12
rate = "5/s"
"#;

/// Compares on twelve seeds, as many as can tell two variants apart, into the folder `out`.
fn compare(folder: &Path, out: &str, more: &[&str]) -> Ended {
    fs::write(folder.join("groups.toml"), SCENARIO).expect("it has room");
    let always = ["compare", "groups.toml", "--seeds", "1..=12", "--out", out];
    run(folder, &[&always[..], more].concat())
}

const FANOUT: [&str; 2] = ["--vary", "im.fanout=write,read"];

#[test]
fn the_same_command_gives_the_same_bytes() {
    let folder = folder();
    let told = compare(folder.path(), "a", &[&FANOUT[..], &["--jobs", "2"]].concat()).exits(0);
    compare(folder.path(), "b", &[&FANOUT[..], &["--jobs", "1"]].concat()).exits(0);
    assert!(told.stdout.starts_with("2 variants on 12 seeds\n"), "{}", told.stdout);
    let files = [
        "comparison.json",
        "comparison.csv",
        "report.html",
        "plots/seeds.svg",
        "plots/seeds.png",
        "plots/pareto.svg",
    ];
    for file in files {
        let read = |out: &str| fs::read(folder.path().join(out).join(file)).expect(file);
        assert!(read("a") == read("b"), "{file} differs");
    }
}

#[test]
fn strategies_differ_as_arithmetic_says() {
    let folder = folder();
    compare(folder.path(), "out", &FANOUT).exits(0);
    let json = fs::read(folder.path().join("out/comparison.json")).expect("it was written");
    let comparison: Comparison = serde_json::from_slice(&json).expect("its shape");
    assert_eq!(comparison.reference, "write");
    assert_eq!(comparison.seeds, (1..=12).collect::<Vec<u64>>());
    let ratio =
        |metric: &str| comparison.contrast(metric, "read").and_then(|one| one.significant());
    let rows = ratio("rows_written").expect("all seeds agree");
    assert!(rows.high < 1.0, "read fan-out writes no copies: {rows:?}");
    let shown = ratio("shown_per_s");
    assert!(shown.is_none(), "the same is shown either way: {shown:?}");
}

#[test]
fn a_crossover_is_searched_between_two_values() {
    let folder = folder();
    let search = ["--crossover", "workload.groups.members=2..24", "--metric", "rows_written"];
    let told = compare(folder.path(), "out", &[&FANOUT[..], &search].concat()).exits(0);
    assert!(told.stdout.contains("Crossover\n"), "{}", told.stdout);
    assert!(folder.path().join("out/plots/crossover.png").exists());
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = folder();
    let refused = |more: &[&str], words: &str| {
        compare(folder.path(), "out", more).exits(2).complains_of(&[words]);
        assert!(!folder.path().join("out").exists(), "nothing is written");
    };
    let twice = ["--vary", "im.fanout=write,read", "--vary", "im.fanout=hybrid,write"];
    refused(&twice, "`im.fanout` twice");
    let aliases = ["--vary", "workload.0.rate=1/s,2/s", "--vary", "workload.groups.rate=3/s,4/s"];
    refused(&aliases, "are the same scenario");
    refused(&["--vary", "duration=5s,5000ms"], "`5s` and `5000ms` are the same scenario");
    let own = ["--crossover", "workload.groups.members=3..9", "--metric", "fsyncs"];
    refused(&[&["--vary", "workload.groups.members=3,4"][..], &own].concat(), "not varied");
    refused(&["--vary", "im.fanout=write"], "at least two values");
    refused(&["--vary", "im.fanout=write,reed"], "reed");
    refused(&["--vary", "im.fanout"], "im.fanout=write,read,hybrid");
    refused(&[&FANOUT[..], &["--reference", "hybrid"]].concat(), "there are write, read");
    refused(&[&FANOUT[..], &["--pareto", "show_p99,price"]].concat(), "no metric `price`");
    let members = ["--crossover", "workload.groups.members=3..99", "--metric", "fsyncs"];
    refused(&[&FANOUT[..], &members].concat(), "members");
    let three = ["--vary", "im.fanout=write,read,hybrid"];
    let members = ["--crossover", "workload.groups.members=3..9", "--metric", "fsyncs"];
    refused(&[&three[..], &members].concat(), "two variants");
}

#[test]
fn too_few_seeds_name_no_winner() {
    let folder = folder();
    fs::write(folder.path().join("groups.toml"), SCENARIO).expect("it has room");
    let vary = ["compare", "groups.toml", "--seeds", "1..=6", "--out", "out"];
    let told = run(folder.path(), &[&vary[..], &FANOUT].concat()).exits(0);
    let json = fs::read(folder.path().join("out/comparison.json")).expect("it was written");
    let comparison: Comparison = serde_json::from_slice(&json).expect("its shape");
    assert!(comparison.seeds_needed > 6 && comparison.too_few_seeds());
    let needed = format!("it takes {} seeds or more", comparison.seeds_needed);
    assert!(
        told.stderr.starts_with("note: 6 seeds cannot tell"),
        "before the run: {}",
        told.stderr
    );
    assert!(told.stderr.contains(&needed), "{}", told.stderr);
    // Lines are wrapped.
    let words = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("No difference can be told from chance") && words.contains(&needed),
        "{words}"
    );
    let page = fs::read_to_string(folder.path().join("out/report.html")).expect("it was written");
    assert!(page.contains(&needed));
    assert!(!page.contains("class=\"better\"") && !page.contains("class=\"worse\""));
    let csv = fs::read_to_string(folder.path().join("out/contrasts.csv")).expect("it was written");
    assert!(
        csv.lines().skip(1).all(|line| line.ends_with(",chance") || line.ends_with(',')),
        "{csv}"
    );
}
