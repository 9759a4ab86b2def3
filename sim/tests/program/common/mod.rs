//! What the end-to-end tests share: the program, a small scenario, and a folder to run in.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder of its own with the scenario `small.toml` in it.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("small.toml"), include_str!("small.toml")).expect("it has room");
    folder
}

/// The program with these arguments, to be run in a folder.
pub fn imsim(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("imsim"));
    command.current_dir(folder).args(arguments);
    command
}

/// Runs the program to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Ended {
    imsim(folder, arguments).output().expect("imsim runs").into()
}

/// How the program ended and what it said.
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// Its results.
    pub stdout: String,
    /// Its progress and its errors.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("imsim prints UTF-8");
        Self {
            code: output.status.code().expect("imsim exits by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// Demands an exit code, and shows what was said when it is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let Self { code: actual, stdout, stderr } = &self;
        assert_eq!(*actual, code, "exit code\nstdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// The results as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON ({error}):\n{}", self.stdout))
    }

    /// Demands that the errors hold each of these texts.
    #[track_caller]
    pub fn complains_of(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in:\n{}", self.stderr);
        }
        self
    }
}
