//! The results of a campaign as they come: a line of JSON for each run, so that whatever ends the program
//! leaves what there was. The campaign's folder, once it is written, has all of it, in order.
//!
//! Must not know how the runs were made.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use im_reports::campaign::RunSummary;
use serde::Serialize;

use super::{Args, folder};
use crate::cli::{output, run};

/// A file that grows by a line with each run.
pub struct Results {
    path: PathBuf,
    file: Option<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    scenario: &'a str,
    #[serde(flatten)]
    run: &'a RunSummary,
}

impl Results {
    /// Begins the file, in the folder where the campaign will be.
    pub fn begin(args: &Args) -> Result<Self, String> {
        let folder = args.out.clone().unwrap_or_else(|| folder::of_campaigns(args));
        run::try_folder(&folder)?;
        let path = folder.join(format!("unfinished-{}.jsonl", std::process::id()));
        let file = File::create(&path)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self { path, file: Some(file) })
    }

    /// Adds a run. What cannot be written is said once; the campaign goes on.
    pub fn add(&mut self, scenario: &str, run: &RunSummary) {
        let Some(file) = &mut self.file else { return };
        let line = serde_json::to_string(&Line { scenario, run }).expect("valid JSON") + "\n";
        if let Err(error) = file.write_all(line.as_bytes()) {
            output::complain(&format!("cannot write {}: {error}", self.path.display()));
            self.file = None;
        }
    }

    /// Takes the file away: everything is in the campaign's folder.
    pub fn remove(self) {
        // It does no harm if it stays.
        let _ = std::fs::remove_file(&self.path);
    }
}
