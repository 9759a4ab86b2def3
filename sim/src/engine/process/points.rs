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
