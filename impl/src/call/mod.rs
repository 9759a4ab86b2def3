//! Calls between servers: requests and replies, many at a time, over one connection.
//!
//! A server that takes long says so, and its callers wait: what is slow but alive is not asked for the same once
//! more, which would make it slower. Every failed call says whether the request may have taken effect. `caller` is
//! the asking side, `server` the answering one.

mod caller;
mod server;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::units::Span;

pub use caller::{Call, Caller};
pub use server::serve;

/// How long a node waits before it asks a server again that has failed: at once, it would ask for as long as that
/// lasts, however soon failures come.
pub const BACKOFF: Span = Span::ms(200);

/// What a server answers: the pair of types that travel on its port.
pub trait Service: 'static {
    /// What is asked.
    type Request: Serialize + DeserializeOwned + 'static;
    /// What is answered.
    type Reply: Serialize + DeserializeOwned + 'static;
}

/// Why a call has no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// The request was never sent: it has no effect (definite).
    #[error("the server cannot be reached; the request was not sent")]
    Unreachable,
    /// The request was sent and no reply came: it may have taken effect (indefinite).
    #[error("no reply; the request may have taken effect")]
    NoReply,
}

/// What a server says.
#[derive(Serialize, Deserialize)]
enum Answer<T> {
    /// A reply.
    Reply(Tagged<T>),
    /// It is at work on the requests up to this number that it has not answered yet.
    AtWork(u64),
}

/// A request or a reply, with the number that tells which belong together.
#[derive(Serialize, Deserialize)]
struct Tagged<T> {
    number: u64,
    body: T,
}
