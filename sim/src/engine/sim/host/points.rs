//! Fault points: who waits for which host's program where, and which programs stand still there.
//!
//! Nothing is looked up unless something is armed: until then a program that comes to a point pays
//! for one test of a thread-local flag.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use im::points::Point;

use crate::engine::HostId;
use crate::engine::sim::executor;
use crate::engine::sim::world;

thread_local! {
    /// Something is armed.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// Somebody waits for a host's program.
struct Armed {
    host: HostId,
    point: Point,
    /// How often the program comes to the point until it counts.
    left: u64,
}

/// A program that goes no further.
struct Standing {
    number: u64,
    host: HostId,
    waker: Waker,
}

/// What is armed, and what stands still.
#[derive(Default)]
pub struct Points {
    armed: Vec<Armed>,
    standing: Vec<Standing>,
    stopped: u64,
}

impl Points {
    /// The host's program shall go no further than to its `nth` arrival at `point` from now on.
    pub fn arm(&mut self, host: HostId, point: Point, nth: u64) {
        assert!(nth > 0, "arrivals count from 1");
        self.armed.push(Armed { host, point, left: nth });
        ARMED.set(true);
    }

    /// Forgets what was armed on the host; the wakers of what stands still there.
    pub fn disarm(&mut self, host: HostId) -> Vec<Waker> {
        self.armed.retain(|armed| armed.host != host);
        ARMED.set(!self.armed.is_empty());
        let here = self.standing.extract_if(.., |standing| standing.host == host);
        here.map(|standing| standing.waker).collect()
    }

    /// The host's program comes to a point: whether it must stand still there.
    fn arrive(&mut self, host: HostId, point: Point) -> bool {
        let mut stops = false;
        self.armed.retain_mut(|armed| {
            if (armed.host, armed.point) == (host, point) {
                armed.left -= 1;
                stops |= armed.left == 0;
            }
            armed.left > 0
        });
        ARMED.set(!self.armed.is_empty());
        stops
    }

    fn stand(&mut self, host: HostId, waker: Waker) -> u64 {
        self.stopped += 1;
        self.standing.push(Standing { number: self.stopped, host, waker });
        self.stopped
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.standing.iter().position(|standing| standing.number == number)
    }
}

/// A program at a point; completes at once unless it was waited for.
pub struct AtPoint {
    host: HostId,
    point: Point,
    /// Its number among those that stand still.
    standing: Option<u64>,
}

impl AtPoint {
    pub fn new(host: HostId, point: Point) -> Self {
        Self { host, point, standing: None }
    }
}

impl Future for AtPoint {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (host, point) = (self.host, self.point);
        match self.standing {
            None if !ARMED.get() => Poll::Ready(()),
            None => world::with(|world| {
                if !world.points.arrive(host, point) {
                    return Poll::Ready(());
                }
                self.standing = Some(world.points.stand(host, cx.waker().clone()));
                executor::halt(host);
                Poll::Pending
            }),
            Some(number) => match world::with(|world| world.points.place(number)) {
                Some(_) => Poll::Pending,
                None => Poll::Ready(()),
            },
        }
    }
}

impl Drop for AtPoint {
    /// The process has died here: nothing is left to be woken.
    fn drop(&mut self) {
        let Some(number) = self.standing else { return };
        drop(world::with_if_alive(|world| {
            let place = world.points.place(number)?;
            Some(world.points.standing.swap_remove(place))
        }));
    }
}

/// Forgets that anything is armed on this thread: its world is gone.
pub fn reset() {
    ARMED.set(false);
}
