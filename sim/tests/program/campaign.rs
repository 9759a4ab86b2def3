//! The folder that `imsim check` leaves: the same bytes on any number of threads, failing seeds with
//! their replays, what faults touched.

use std::fs;
use std::path::Path;

use crate::common::{folder, run};
use im_reports::campaign::{Campaign, Outcome};

const FILES: [&str; 7] = [
    "campaign.json",
    "campaign.csv",
    "report.html",
    "plots/matrix.svg",
    "plots/matrix.png",
    "plots/spread.svg",
    "plots/spread.png",
];

fn campaign(folder: &Path) -> Campaign {
    let json = fs::read(folder.join("campaign.json")).expect("it was written");
    serde_json::from_slice(&json).expect("its shape")
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = folder();
    let check = ["check", "small.toml", "--seeds", "1..=4", "--set", "im.sabotage=push-once"];
    for (jobs, out) in [("1", "a"), ("3", "b")] {
        run(folder.path(), &[&check[..], &["--jobs", jobs, "--out", out]].concat());
    }
    for file in FILES {
        let read = |out: &str| fs::read(folder.path().join(out).join(file)).expect(file);
        assert!(read("a") == read("b"), "{file} differs");
    }
}

#[test]
fn a_check_leaves_a_folder_and_points_latest_at_it() {
    let folder = folder();
    let told = run(folder.path(), &["check", "small.toml", "--seeds", "5..=6"]).exits(0);
    let latest = folder.path().join("runs/check-small/latest");
    let target = fs::read_link(&latest).expect("a link").display().to_string();
    assert!(
        told.stdout.ends_with(&format!("\nPage: runs/check-small/{target}/report.html\n")),
        "{}",
        told.stdout
    );
    for file in FILES {
        assert!(latest.join(file).is_file(), "{file} is missing");
    }
    let campaign = campaign(&latest);
    assert_eq!((campaign.seed_first, campaign.seeds_asked), (5, 2));
    assert_eq!(campaign.reproduce, "imsim check small.toml --seeds 5..7");
    assert_eq!(campaign.count(Outcome::Held), 2);
    let runs = &campaign.scenarios[0].runs;
    let figures = runs[0].figures.as_ref().expect("it came to its end");
    assert!(figures.ack_p50_ns <= figures.ack_p99_ns && figures.ack_p50_ns.is_some());
    assert!(figures.show_p50_ns.is_some() && figures.shown > 0);

    fs::write(folder.path().join("taken"), "").expect("it has room");
    let ended =
        run(folder.path(), &["check", "small.toml", "--seeds", "1", "--out", "taken/campaign"]);
    ended.exits(74).complains_of(&["taken"]);
}

#[test]
fn failing_seeds_have_the_command_that_replays_them() {
    let folder = folder();
    let check = ["check", "small.toml", "small.toml", "--seeds", "1..=3"];
    let broken = ["--set", "im.sabotage=push-once", "--out", "out"];
    run(folder.path(), &[&check[..], &broken].concat()).exits(1);
    let campaign = campaign(&folder.path().join("out"));
    assert_eq!((campaign.name.as_str(), campaign.scenarios.len()), ("small-and-1-more", 2));
    let failing = campaign.failing();
    assert!(!failing.is_empty());
    for (_, run) in failing {
        let replay =
            format!("imsim run small.toml --seed {} --set im.sabotage=push-once", run.seed);
        assert_eq!(run.replay.as_deref(), Some(replay.as_str()));
        assert!(run.outcome == Outcome::Broken && run.figures.is_some());
    }
}
