//! The engines by name.

use std::fmt;
use std::str::FromStr;

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Kind {
    /// The simulator of this project, in virtual time.
    #[default]
    Sim,
    /// turmoil, in virtual time.
    Turmoil,
    /// Kernel sockets and files, in real time.
    Live,
}

impl Kind {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::Sim, Self::Turmoil, Self::Live];

    /// Its name on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Turmoil => "turmoil",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is no engine; the engines are sim, turmoil and live"))
    }
}
