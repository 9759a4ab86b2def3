//! Calibrations that are refused, and the exact words.
//!
//! Each case is a scenario, or a calibration file of its own, and the answer.

use std::fs;

use crate::refusals::{BASE, with_sets, with_tables};
use imsim::scenario::{Calibration, Scenario};

#[test]
fn calibrations_that_cannot_be_had_say_what_would_be_right() {
    with_tables(
        "[cpu]\ncalibraton = \"none\"",
        &["x.toml:21: cpu.calibraton: there is no such key; did you mean `calibration`?"],
    );
    with_tables(
        "[cpu]\ncalibration = 3",
        &[
            r#"x.toml:21: cpu.calibration: `3` is a whole number; write "default", "none" or the path of a calibration file"#,
        ],
    );
    with_tables(
        "[cpu]\ncalibration = \"defualt\"",
        &[
            "x.toml:21: cpu.calibration: `defualt` is no file that can be read (No such file or directory (os error 2)); did you mean `default`?",
        ],
    );
    with_sets(
        &["cpu.calibration=mine.toml"],
        &[
            r#"--set cpu.calibration=mine.toml: cpu.calibration: `mine.toml` is no file that can be read (No such file or directory (os error 2)); write "default", "none" or the path of a calibration file, from the scenario's folder"#,
        ],
    );
}

#[test]
fn what_is_wrong_in_a_calibration_is_told_of_its_own_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let shipped = include_str!("../../calibration/default.toml");
    let wrong = shipped.replacen("cost = \"330ns\"", "cost = \"330\"", 1);
    let line = shipped.lines().position(|line| line == "cost = \"330ns\"").expect("it has") + 1;
    for (name, text) in [
        ("mine.toml", shipped),
        ("wrong.toml", &wrong),
        ("a.toml", &format!("{BASE}[cpu]\ncalibration = \"mine.toml\"")),
        ("b.toml", &format!("{BASE}[cpu]\ncalibration = \"wrong.toml\"")),
    ] {
        fs::write(path(name), text).expect("it has room");
    }
    let scenario = Scenario::load(&path("a.toml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.cpu.calibration.calibration(), Some(Calibration::shipped()));
    let error = Scenario::load(&path("b.toml"), &[]).expect_err("a cost without a unit");
    let (error, file) = (error.to_string(), path("wrong.toml"));
    let start = format!("{}:{line}: costs.poll.cost: `330` is not a cost; ", file.display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn shared_cores_must_be_some_and_have_something_to_do() {
    with_tables(
        "[cpu]\ncores = 0",
        &["x.toml:21: cpu.cores: `0` is out of range; write a whole number from 1 to 1024"],
    );
    with_sets(
        &["cpu.cores=1025", "cpu.device_factor=0"],
        &[
            "--set cpu.cores=1025: cpu.cores: `1025` is out of range; write a whole number from 1 to 1024",
            "--set cpu.device_factor=0: cpu.device_factor: `0` is out of range; write a whole number from 1 to 1000",
        ],
    );
    with_tables(
        "[cpu]\ndevice_factor = 1001",
        &[
            "x.toml:21: cpu.device_factor: `1001` is out of range; write a whole number from 1 to 1000",
        ],
    );
    with_tables(
        "[cpu]\ncores = \"all\"",
        &["x.toml:21: cpu.cores: `all` is text; write a whole number from 0 to 4294967295"],
    );
    with_tables(
        "[cpu]\ncore = 2",
        &["x.toml:21: cpu.core: there is no such key; did you mean `cores`?"],
    );
    with_tables(
        "[cpu]\ncalibration = \"none\"\ncores = 2",
        &[
            r#"x.toml:22: cpu.cores: `cores` changes nothing where nodes compute in no time; leave it out, or write another cpu.calibration than "none""#,
        ],
    );
    with_tables(
        "[cpu]\ndevice_factor = 2\ncalibration = \"none\"",
        &[
            r#"x.toml:21: cpu.device_factor: `device_factor` changes nothing where nodes compute in no time; leave it out, or write another cpu.calibration than "none""#,
        ],
    );
}
