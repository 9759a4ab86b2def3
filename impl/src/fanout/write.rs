//! Write fan-out: a copy into each member's inbox.

use super::Strategy;
use crate::model::Delivery;

pub struct Write;

impl Strategy for Write {
    fn delivery(&self, _members: u32) -> Delivery {
        Delivery::Write
    }
}
