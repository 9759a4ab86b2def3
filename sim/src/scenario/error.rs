//! What can be wrong with a scenario, and how that is said.
//!
//! Every problem names its place (file and line, or the `--set` that brought the value), the key,
//! what is wrong and what would be right.

use std::fmt;
use std::io;

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file is not there.
    #[error(
        "{path}: there is no such file{}; `imsim list` shows the scenarios",
        meant.as_ref().map(|path| format!("; did you mean `{path}`?")).unwrap_or_default()
    )]
    Missing {
        /// The path that was asked for.
        path: String,
        /// A file beside it with a similar name.
        meant: Option<String>,
    },
    /// The file is there and cannot be read.
    #[error("{path}: the file cannot be read: {source}; check that it is a text file you may read")]
    Unreadable {
        /// The path that was asked for.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// It says something impossible: all that was found, at least one problem.
    #[error("{}", Lines(.0))]
    Refused(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where the value stands.
    pub place: Place,
    /// The key, written as `--set` would address it; empty when the text is not TOML at all.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Where a wrong value stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the file, or nowhere in particular if the key is absent from it.
    File {
        /// The file.
        file: String,
        /// The line, from 1.
        line: Option<usize>,
    },
    /// In the argument of a `--set`.
    Set(String),
}

impl Place {
    /// The line in the file, if it is known.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::File { line, .. } => *line,
            Self::Set(_) => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.place, self.message),
            key => write!(f, "{}: {key}: {}", self.place, self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line) } => write!(f, "{file}:{line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Set(argument) => write!(f, "--set {argument}"),
        }
    }
}

/// Problems one per line.
struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        Ok(())
    }
}
