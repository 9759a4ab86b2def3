//! Calls to the registry.

use serde::{Deserialize, Serialize};

use crate::call::Service;
use crate::topology::Role;

/// The registry's service: a node says that it is there and hears who else is.
pub struct Registry;

impl Service for Registry {
    type Request = (Role, u32);
    type Reply = View;
}

/// Who is there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct View {
    /// Nodes whose lease runs, in order.
    pub alive: Vec<(Role, u32)>,
    /// Whether the registry has been up for a whole lease: before that, absence proves nothing.
    pub settled: bool,
}
