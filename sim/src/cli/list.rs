//! `imsim list`: the scenarios in a folder.

use std::path::{Path, PathBuf};

use imsim::scenario::Scenario;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{self, Format};
use super::{Exit, Printed};

/// List the scenarios in a folder, each with what it is for.
#[derive(clap::Args)]
pub struct Args {
    /// Folders, or scenario files.
    #[arg(default_value = "scenarios")]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    printed: Printed,
}

/// What is printed for programs.
#[derive(Serialize, JsonSchema)]
pub struct Listed<'a> {
    /// Version of this shape.
    schema_version: u32,
    /// In the order of their files.
    scenarios: &'a [Entry],
}

/// One scenario.
#[derive(Serialize, JsonSchema)]
struct Entry {
    /// The file.
    scenario: String,
    /// What it is for.
    about: String,
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    let mut entries = Vec::new();
    let mut wrong = false;
    for path in args.folders.iter().flat_map(|folder| files(folder)) {
        match Scenario::load(&path, &[]) {
            Ok(scenario) => {
                entries.push(Entry { scenario: path.display().to_string(), about: scenario.about })
            }
            Err(error) => {
                output::complain(&error.to_string());
                wrong = true;
            }
        }
    }
    match args.printed.format {
        Format::Json => output::print_json(&Listed { schema_version: 1, scenarios: &entries }),
        Format::Human => {
            let width = entries.iter().map(|entry| entry.scenario.len()).max().unwrap_or(0);
            for Entry { scenario, about } in &entries {
                output::print(&format!("{scenario:width$}  {about}\n"));
            }
        }
    }
    match (wrong, entries.is_empty()) {
        (true, _) => Exit::Usage,
        (false, true) => {
            output::complain("no scenario found; scenarios are .toml files in a folder");
            Exit::NothingRan
        }
        (false, false) => Exit::Held,
    }
}

/// The scenario files at or below a path, in order. A path that is no folder stands for itself.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
        .iter()
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "toml"))
        .flat_map(|path| files(path))
        .collect()
}
