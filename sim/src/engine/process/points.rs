//! Fault points that somebody waits for, on one host.

use std::cell::RefCell;

use im::points::Point;

struct Armed {
    point: Point,
    /// How often it must still be reached.
    left: u64,
}

/// What is armed on a host.
#[derive(Default)]
pub struct Points(RefCell<Vec<Armed>>);

impl Points {
    /// Waits for the `nth` time from now that the program is at the point.
    pub fn arm(&self, point: Point, nth: u64) {
        assert!(nth > 0, "arrivals count from 1");
        self.0.borrow_mut().push(Armed { point, left: nth });
    }

    /// Waits for nothing any more.
    pub fn disarm(&self) {
        self.0.borrow_mut().clear();
    }

    /// The program is at a point; whether that was waited for.
    pub fn arrive(&self, point: Point) -> bool {
        let mut reached = false;
        self.0.borrow_mut().retain_mut(|armed| {
            if armed.point == point {
                armed.left -= 1;
                reached |= armed.left == 0;
            }
            armed.left > 0
        });
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Point = Point::StoreAppended;
    const ELSEWHERE: Point = Point::StoreSynced;

    #[test]
    fn the_nth_arrival_counts_once() {
        let points = Points::default();
        assert!(!points.arrive(HERE), "nobody waits");
        points.arm(HERE, 2);
        let arrivals = [ELSEWHERE, HERE, ELSEWHERE, HERE, HERE].map(|point| points.arrive(point));
        assert_eq!(arrivals, [false, false, false, true, false]);
    }

    #[test]
    fn what_is_armed_counts_from_then_on_each_for_itself() {
        let points = Points::default();
        points.arm(HERE, 3);
        assert!(!points.arrive(HERE));
        points.arm(HERE, 1);
        assert!(points.arrive(HERE), "the second one");
        assert!(points.arrive(HERE), "the first one");
        assert!(!points.arrive(HERE));
    }

    #[test]
    fn what_is_disarmed_is_forgotten() {
        let points = Points::default();
        points.arm(HERE, 1);
        points.disarm();
        assert!(!points.arrive(HERE));
    }
}
