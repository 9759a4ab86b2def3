//! Hybrid fan-out: small groups are written, large ones read.

use super::Strategy;
use crate::model::Delivery;

pub struct Hybrid {
    /// Members from which rows are read.
    pub threshold: u32,
}

impl Strategy for Hybrid {
    fn delivery(&self, members: u32) -> Delivery {
        if members >= self.threshold { Delivery::Read } else { Delivery::Write }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_is_read() {
        let hybrid = Hybrid { threshold: 50 };
        assert_eq!((hybrid.delivery(49), hybrid.delivery(50)), (Delivery::Write, Delivery::Read));
    }
}
