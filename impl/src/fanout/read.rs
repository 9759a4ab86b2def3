//! Read fan-out: only the timeline is written.

use super::{Consumption, Strategy};
use crate::model::Delivery;

pub struct Read;

impl Strategy for Read {
    fn delivery(&self, _members: u32, _consumption: &Consumption) -> Delivery {
        Delivery::Read
    }
}
