//! Write fan-out: a copy into each member's inbox, and the row itself to online devices.

use super::{Expansion, Strategy};
use crate::model::{Delivery, Row};
use crate::proto::gateway::What;

pub struct Write;

impl Strategy for Write {
    fn delivery(&self, _members: u32) -> Delivery {
        Delivery::Write
    }
}

pub fn expand(row: &Row) -> Expansion {
    Expansion { copy: true, push: Some(What::Row(row.clone())) }
}
