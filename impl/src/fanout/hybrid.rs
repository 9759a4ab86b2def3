//! Hybrid fan-out: small groups are written, large ones read; or, by consumption, conversations that are opened
//! often are written and the others read.

use std::sync::atomic::Ordering;

use super::{Consumption, Strategy, Threshold};
use crate::model::Delivery;

pub struct Hybrid {
    /// Members from which rows are read.
    pub threshold: Threshold,
    /// Opens per member and 100 messages from which rows are written, as soon as these are known.
    pub opens_percent: Option<u32>,
}

impl Strategy for Hybrid {
    fn delivery(&self, members: u32, consumption: &Consumption) -> Delivery {
        let known = self.opens_percent.zip(consumption.opens_percent(members));
        let read = match known {
            Some((threshold, opens)) => opens < u64::from(threshold),
            None => members >= self.threshold.load(Ordering::Relaxed),
        };
        if read { Delivery::Read } else { Delivery::Write }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn the_threshold_itself_is_read() {
        let hybrid = Hybrid { threshold: Arc::new(AtomicU32::new(50)), opens_percent: None };
        let delivery = |members| hybrid.delivery(members, &Consumption::default());
        assert_eq!((delivery(49), delivery(50)), (Delivery::Write, Delivery::Read));
        hybrid.threshold.store(51, Ordering::Relaxed);
        assert_eq!((delivery(50), delivery(51)), (Delivery::Write, Delivery::Read));
    }

    #[test]
    fn what_is_opened_often_is_written_once_that_is_known() {
        let hybrid = Hybrid { threshold: Arc::new(AtomicU32::new(50)), opens_percent: Some(30) };
        let mut seldom = Consumption::default();
        assert_eq!(hybrid.delivery(10, &seldom), Delivery::Write, "small, and nothing is known");
        seldom.opened(1);
        (0..100).for_each(|_| seldom.committed());
        seldom.opened(299);
        assert_eq!(hybrid.delivery(10, &seldom), Delivery::Read);
        seldom.opened(1);
        assert_eq!(
            hybrid.delivery(10, &seldom),
            Delivery::Write,
            "the threshold itself is written"
        );
    }
}
