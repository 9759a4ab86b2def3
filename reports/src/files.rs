//! The files of a run: which there are, what is in them, and writing them.
//!
//! Rendering is apart from writing, so that the caller can put how long it took into the manifest.
//! Must not know how a file's content is drawn.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::plots::Plot;
use crate::record::{Finding, Manifest, Record};
use crate::{csv, page, plots};

/// Why a run's files could not be rendered or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content of a file could not be made.
    #[error("cannot render {file}: {reason}")]
    Render {
        /// The file, relative to the run's folder.
        file: String,
        /// What stood in the way.
        reason: String,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of that name is there and was written by somebody else.
    #[error(
        "{} is there, and no earlier imsim wrote it; name another folder with --out, or move it away",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The data that everything else in a folder is drawn from: who has one of these, was written by us.
const DATA: [&str; 4] = ["record.json", "campaign.json", "comparison.json", "load-curve.json"];
/// What stands near the beginning of each of them.
const MARK: &[u8] = b"\"imsim_version\"";
/// How near, in bytes.
const MARK_WITHIN: u64 = 1_024;

/// Renders a record and writes it with its manifest into a folder, which is made if need be.
pub fn write(record: &Record, manifest: &Manifest, dir: &Path) -> Result<(), Error> {
    render(record)?.write(manifest, dir)
}

/// Everything that is drawn from a record; the same bytes for the same record.
pub fn render(record: &Record) -> Result<Files, Error> {
    let mut files = Files::default();
    files.add("record.json", json("record.json", record)?);
    files.add_table("measures", csv::measures(record))?;

    let latency = plots::latency(record).map_err(|error| failed("plots/latency", error))?;
    let timeline = plots::timeline(record).map_err(|error| failed("plots/timeline", error))?;
    let redis = plots::redis(record).map_err(|error| failed("plots/redis", error))?;
    let sequences = plots::sequences(record).map_err(|error| failed("findings", error))?;
    let page = page::html(record, &latency, &timeline, redis.as_ref(), &sequences);
    files.add("report.html", page.map_err(|error| failed("report.html", error))?.into_bytes());
    files.add_plot(latency);
    files.add_plot(timeline);
    if let Some(redis) = redis {
        files.add_plot(redis);
    }

    for (index, (finding, plot)) in record.findings.iter().zip(sequences).enumerate() {
        let name = format!("findings/{:02}-{}", index + 1, file_name(&finding.promise));
        let file = format!("{name}.json");
        files.add(&file, json(&file, &FindingFile { finding, reproduce: &record.reproduce })?);
        files.add_plot_as(&name, plot);
    }
    Ok(files)
}

/// Rendered files, by their path within the folder that they will stand in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    contents: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// The files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.contents.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// The content of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.contents.get(path).map(Vec::as_slice)
    }

    /// Writes the files and the manifest into a folder, which is made if need be.
    ///
    /// Findings that an earlier run left in the folder are removed: they would contradict the
    /// verdict beside them.
    pub fn write(&self, manifest: &Manifest, dir: &Path) -> Result<(), Error> {
        self.demand_ours(dir)?;
        remove_findings(&dir.join("findings"))?;
        self.write_into(dir)?;
        write_file(&dir.join("manifest.json"), &json("manifest.json", manifest)?)
    }

    /// Writes the files into a folder, which is made if need be; nothing there is removed, and nobody
    /// else's file is replaced.
    pub fn write_into(&self, dir: &Path) -> Result<(), Error> {
        self.demand_ours(dir)?;
        for (name, content) in self.iter() {
            write_file(&dir.join(name), content)?;
        }
        Ok(())
    }

    /// Demands that no file would be replaced but one of an earlier run.
    fn demand_ours(&self, dir: &Path) -> Result<(), Error> {
        let mut paths = self.contents.keys().map(|name| dir.join(name));
        match paths.find(|path| path.symlink_metadata().is_ok()) {
            Some(path) if !DATA.iter().any(|name| is_ours(&dir.join(name))) => {
                Err(Error::Foreign { path })
            }
            _ => Ok(()),
        }
    }

    /// Adds a table as CSV and, if this build can, as Parquet.
    pub(crate) fn add_table(&mut self, name: &str, csv: String) -> Result<(), Error> {
        #[cfg(feature = "parquet")]
        {
            let file = format!("{name}.parquet");
            let table = crate::parquet::table(&csv).map_err(|error| failed(&file, error))?;
            self.add(&file, table);
        }
        self.add(&format!("{name}.csv"), csv.into_bytes());
        Ok(())
    }

    pub(crate) fn add_plot(&mut self, plot: Plot) {
        self.add_plot_as(&format!("plots/{}", plot.name), plot);
    }

    fn add_plot_as(&mut self, path: &str, plot: Plot) {
        self.add(&format!("{path}.svg"), plot.svg.into_bytes());
        self.add(&format!("{path}.png"), plot.png);
    }

    pub(crate) fn add(&mut self, path: &str, content: Vec<u8>) {
        self.contents.insert(path.to_owned(), content);
    }
}

/// A finding and the command that finds it again (`findings/NN-<promise>.json`), beside its diagram.
#[derive(Serialize)]
struct FindingFile<'a> {
    finding: &'a Finding,
    reproduce: &'a str,
}

/// Pretty JSON with a newline at its end.
pub(crate) fn json(file: &str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| failed(file, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Whether a file is data that we wrote.
fn is_ours(data: &Path) -> bool {
    let mut start = Vec::new();
    let read = fs::File::open(data).and_then(|file| file.take(MARK_WITHIN).read_to_end(&mut start));
    read.is_ok() && start.windows(MARK.len()).any(|window| window == MARK)
}

/// An id as part of a file name, whatever the id is made of.
fn file_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    let parent = path.parent().expect("every file lies in the run's folder");
    fs::create_dir_all(parent)
        .map_err(|source| Error::Write { path: parent.to_owned(), source })?;
    fs::write(path, content).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn remove_findings(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let numbered = name.starts_with(|c: char| c.is_ascii_digit()) && name.contains('-');
        if numbered && [".json", ".svg", ".png"].iter().any(|ending| name.ends_with(ending)) {
            fs::remove_file(&path).map_err(|source| Error::Write { path: path.clone(), source })?;
        }
    }
    Ok(())
}

pub(crate) fn failed(file: &str, error: impl std::fmt::Display) -> Error {
    Error::Render { file: file.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(dir: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [dir.to_owned(), dir.join("plots"), dir.join("findings")] {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    names.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn a_run_leaves_all_its_files() {
        let dir = tempfile::tempdir().unwrap();
        write(&sample::invalid(), &sample::manifest(), dir.path()).unwrap();
        let expected = [
            "findings/01-A1.json",
            "findings/01-A1.png",
            "findings/01-A1.svg",
            "findings/02-A1.json",
            "findings/02-A1.png",
            "findings/02-A1.svg",
            "manifest.json",
            "measures.csv",
            "plots/latency.png",
            "plots/latency.svg",
            "plots/redis.png",
            "plots/redis.svg",
            "plots/timeline.png",
            "plots/timeline.svg",
            "record.json",
            "report.html",
        ];
        let mut written = written(dir.path());
        assert_eq!(written.iter().any(|n| n == "measures.parquet"), cfg!(feature = "parquet"));
        written.retain(|name| !name.ends_with(".parquet"));
        assert_eq!(written, expected);

        let read = fs::read_to_string(dir.path().join("record.json")).unwrap();
        assert!(read.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Record>(&read).unwrap(), sample::invalid());
    }

    #[test]
    fn findings_of_an_earlier_run_go_away() {
        let dir = tempfile::tempdir().unwrap();
        write(&sample::invalid(), &sample::manifest(), dir.path()).unwrap();
        fs::write(dir.path().join("findings/notes.txt"), "mine").unwrap();
        write(&sample::valid(), &sample::manifest(), dir.path()).unwrap();
        let findings: Vec<String> =
            written(dir.path()).into_iter().filter(|name| name.starts_with("findings/")).collect();
        assert_eq!(findings, ["findings/notes.txt"]);
    }

    #[test]
    fn what_somebody_else_wrote_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let write = || write(&sample::valid(), &sample::manifest(), dir.path());
        for theirs in ["report.html", "measures.csv", "record.json"] {
            fs::write(dir.path().join(theirs), "mine").unwrap();
            let error = write().unwrap_err();
            assert!(matches!(&error, Error::Foreign { path } if path.ends_with(theirs)), "{error}");
            assert_eq!(written(dir.path()), [theirs], "nothing is written, nothing removed");
            fs::remove_file(dir.path().join(theirs)).unwrap();
        }
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        write().unwrap();
        write().unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn rendering_repeats_byte_for_byte() {
        assert_eq!(render(&sample::invalid()).unwrap(), render(&sample::invalid()).unwrap());
    }

    #[test]
    fn the_error_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taken");
        fs::write(&file, "").unwrap();
        let error = write(&sample::valid(), &sample::manifest(), &file).unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
    }

    #[test]
    fn ids_cannot_leave_the_folder() {
        assert_eq!(file_name("../A1"), "___A1");
    }
}
