//! The errors of commands, in the words of Redis.

use super::super::reply::Reply;

/// Why a command did nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The key holds another kind of value.
    WrongType,
    /// The words are not a possible form of the command.
    Syntax,
    /// A word should be an integer.
    NotAnInteger,
    /// A word should be a score.
    NotAFloat,
    /// Too few or too many words for this command.
    Arity(String),
    /// Anything else, with its code.
    Other(Vec<u8>),
}

impl Failure {
    /// A generic error.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Other([b"ERR ", text.as_ref()].concat())
    }

    /// The reply that tells of it.
    pub fn into_reply(self) -> Reply {
        let text: &[u8] = match self {
            Self::WrongType => b"WRONGTYPE Operation against a key holding the wrong kind of value",
            Self::Syntax => b"ERR syntax error",
            Self::NotAnInteger => b"ERR value is not an integer or out of range",
            Self::NotAFloat => b"ERR value is not a valid float",
            Self::Arity(name) => {
                let text = format!("ERR wrong number of arguments for '{name}' command");
                return Reply::Error(text.into_bytes());
            }
            Self::Other(text) => return Reply::Error(on_one_line(text)),
        };
        Reply::Error(text.to_vec())
    }
}

/// An error must not break the protocol by a line end that a client put into its words.
fn on_one_line(mut text: Vec<u8>) -> Vec<u8> {
    text.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    text
}
