//! Write fan-out: a copy into each member's inbox.

use super::{Consumption, Strategy};
use crate::model::Delivery;

pub struct Write;

impl Strategy for Write {
    fn delivery(&self, _members: u32, _consumption: &Consumption) -> Delivery {
        Delivery::Write
    }
}
