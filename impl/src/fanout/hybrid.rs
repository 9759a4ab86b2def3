//! Hybrid fan-out: small groups are written, large ones read.

use std::sync::atomic::Ordering;

use super::{Strategy, Threshold};
use crate::model::Delivery;

pub struct Hybrid {
    /// Members from which rows are read.
    pub threshold: Threshold,
}

impl Strategy for Hybrid {
    fn delivery(&self, members: u32) -> Delivery {
        match members >= self.threshold.load(Ordering::Relaxed) {
            true => Delivery::Read,
            false => Delivery::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn the_threshold_itself_is_read() {
        let hybrid = Hybrid { threshold: Arc::new(AtomicU32::new(50)) };
        assert_eq!((hybrid.delivery(49), hybrid.delivery(50)), (Delivery::Write, Delivery::Read));
        hybrid.threshold.store(51, Ordering::Relaxed);
        assert_eq!((hybrid.delivery(50), hybrid.delivery(51)), (Delivery::Write, Delivery::Read));
    }
}
