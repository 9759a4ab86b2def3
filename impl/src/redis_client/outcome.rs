//! What became of commands to Redis: done, without effect, in part, or unknown. A client error
//! without this is no ground to act on.
//!
//! It must not know how commands travel.

use redis::ServerError;

/// Whether commands may be sent again when nobody knows what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// They only read: sent again after any failure, and never guarded.
    Read,
    /// They write, and twice is the same as once: sent again after any failure. A try that was
    /// given up may still arrive, also behind writes that came later.
    Idempotent,
    /// They write, and twice is once too often: sent again only when they surely had no effect.
    Once,
}

impl Effect {
    /// Whether the commands change anything.
    pub fn writes(self) -> bool {
        self != Self::Read
    }

    /// Whether another try is safe after `failure`.
    pub fn may_follow(self, failure: &Failure) -> bool {
        self != Self::Once || failure.had_no_effect()
    }
}

/// Why there is no success.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Failure {
    /// Definite: never sent, because there was no connection to a master.
    #[error("never sent: there was no connection to a master")]
    NotSent,
    /// Definite: none of the commands had an effect, since Redis refused these.
    #[error("refused without effect: {0:?}")]
    Refused(Vec<Refusal>),
    /// Definite, command by command: those named were refused without effect, all others are done.
    #[error("done but for these: {0:?}")]
    Partly(Vec<Refusal>),
    /// Definite: everything is done, but the answer is not what the caller asked for.
    #[error("done, with another answer than expected: {0}")]
    Misread(String),
    /// Indefinite: all, some or none of it is done, or will be.
    #[error("nobody knows: {0}")]
    Unknown(Doubt),
}

/// Why nobody knows what became of commands.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Doubt {
    /// No answer within `im.redis_timeout`.
    #[error("no answer in time")]
    Late,
    /// The connection ended before the answer.
    #[error("the connection ended: {0}")]
    Broken(String),
    /// Done on the master, but on fewer replicas than `im.redis_wait` asks for.
    #[error("on {0} replicas only")]
    Unreplicated(u32),
    /// A script failed after it may have written.
    #[error("a script stopped halfway: {0}")]
    Halfway(String),
    /// An earlier try is unknown; a later one failed definitely.
    #[error("an earlier try may have been done")]
    EarlierTry,
}

impl Failure {
    /// Whether it is known of each command if it is done.
    pub fn is_definite(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Whether certainly no command had an effect.
    pub fn had_no_effect(&self) -> bool {
        matches!(self, Self::NotSent | Self::Refused(_))
    }

    /// Whether the same commands may fare better later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NotSent | Self::Unknown(Doubt::Late | Doubt::Broken(_)) => true,
            // A second write would wait for the same replicas, and the first is done already.
            Self::Unknown(_) | Self::Misread(_) => false,
            Self::Refused(refusals) | Self::Partly(refusals) => {
                refusals.iter().all(Refusal::may_pass)
            }
        }
    }

    /// Whether the node that answered is not a master that works.
    pub fn lost_master(&self) -> bool {
        match self {
            Self::Refused(refusals) | Self::Partly(refusals) => {
                refusals.iter().any(Refusal::lost_master)
            }
            _ => false,
        }
    }
}

/// An error reply to a command, which had no effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The place of the command in its pipeline, from 0.
    pub place: usize,
    /// The first word of the error: `WRONGTYPE`, `READONLY`, …
    pub code: String,
    /// The words behind it.
    pub text: String,
}

/// Refusals that depend on the state of the server, not on the command. None changes while a
/// script runs, so that a script meets them at its first write or never.
const PASSING: [&str; 9] = [
    "READONLY",
    "MASTERDOWN",
    "LOADING",
    "NOREPLICAS",
    "OOM",
    "MISCONF",
    "BUSY",
    "TRYAGAIN",
    "CLUSTERDOWN",
];

/// Refusals of a node that is not a master, or not yet one.
const NO_MASTER: [&str; 3] = ["READONLY", "MASTERDOWN", "LOADING"];

/// What stands before the cause of an `EXECABORT`.
const DISCARDED: &str = "Transaction discarded because of: ";

/// How Redis 7 ends the message of an error that a script met while it ran.
const IN_SCRIPT: &str = ", on @";

impl Refusal {
    /// The error reply to the command at `place`.
    pub fn new(place: usize, error: &ServerError) -> Self {
        let text = error.details().unwrap_or_default().to_owned();
        Self { place, code: error.code().to_owned(), text }
    }

    /// Whether the command, a script, may have written before it met the error.
    pub fn may_have_effect(&self) -> bool {
        self.text.contains(IN_SCRIPT) && !PASSING.contains(&self.code.as_str())
    }

    /// Whether the same command may fare better later.
    pub fn may_pass(&self) -> bool {
        self.is_any(&PASSING)
    }

    /// Whether the node is not a master that works.
    pub fn lost_master(&self) -> bool {
        self.is_any(&NO_MASTER)
    }

    /// A discarded transaction tells of the cause in its text.
    fn is_any(&self, codes: &[&str]) -> bool {
        let code = match self.text.strip_prefix(DISCARDED) {
            Some(cause) => cause.split(' ').next().unwrap_or_default(),
            None => &self.code,
        };
        codes.contains(&code)
    }
}
