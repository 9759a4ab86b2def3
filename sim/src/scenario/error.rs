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
        let (place, message) = (printable(&self.place.to_string()), printable(&self.message));
        match self.key.as_str() {
            "" => write!(f, "{place}: {message}"),
            key => write!(f, "{place}: {}: {message}", printable(key)),
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

/// More problems than this are only counted: who mends the first ones often mends the others too.
const PROBLEMS_SHOWN: usize = 20;

/// Problems one per line.
struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(PROBLEMS_SHOWN).enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        match self.0.len().saturating_sub(PROBLEMS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more of {} problems", self.0.len()),
        }
    }
}

/// Text for a terminal: what would move the cursor, colour or reorder it is spelt out.
pub(super) fn printable(text: &str) -> String {
    let spelt = |c: char| match is_harmful(c) {
        true => c.escape_unicode().collect(),
        false => c.to_string(),
    };
    text.chars().map(spelt).collect()
}

/// Whether a character is none that is seen: control characters, and those that turn the direction of
/// what follows.
pub(in crate::scenario) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(key: usize) -> Problem {
        let place = Place::File { file: "x.toml".into(), line: None };
        Problem { place, key: format!("k{key}"), message: "no".into() }
    }

    #[test]
    fn more_than_a_screen_of_problems_is_counted() {
        let all = |count: usize| {
            let error = ScenarioError::Refused((0..count).map(problem).collect());
            error.to_string().lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(all(20).last().map(String::as_str), Some("x.toml: k19: no"));
        assert_eq!((all(21).len(), all(21)[20].as_str()), (21, "and 1 more of 21 problems"));
        assert_eq!(all(500).last().map(String::as_str), Some("and 480 more of 500 problems"));
    }

    #[test]
    fn nothing_in_a_problem_steers_the_terminal() {
        let mut one = problem(1);
        one.message = "`\u{1b}[31mred\u{7}` is no name".to_owned();
        one.place = Place::Set("a=\u{9b}2J".to_owned());
        let told = one.to_string();
        assert!(!told.chars().any(char::is_control), "{told:?}");
        assert!(told.contains("\\u{1b}[31mred"), "{told}");
    }
}
