//! Read fan-out: only the timeline is written; online devices hear of the new seq and pull.

use super::{Expansion, Strategy};
use crate::model::{Delivery, Row};
use crate::proto::gateway::What;

pub struct Read;

impl Strategy for Read {
    fn delivery(&self, _members: u32) -> Delivery {
        Delivery::Read
    }
}

pub fn expand(row: &Row) -> Expansion {
    Expansion { copy: false, push: What::Head(row.conversation, row.seq) }
}
