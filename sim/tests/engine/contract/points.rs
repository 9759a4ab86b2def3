//! Fault points at which programs are waited for.

use im::env::Env;
use im::points::Point;
use imsim::engine::{HostId, Kind};

use super::world::{Log, MS, WHILE, World, server};

const HERE: Point = Point::StoreAppended;
const ELSEWHERE: Point = Point::StoreSynced;

/// A host whose program says `before` and `after` around a fault point, again and again.
fn passing_by<W: World>(world: &mut W, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            loop {
                env.point(ELSEWHERE).await;
                log.say("before");
                env.point(HERE).await;
                log.say("after");
                env.sleep(2 * MS).await;
            }
        }
    })
}

/// Lets the world live until a host's program stands at a point.
#[track_caller]
fn stop<W: World>(world: &mut W) -> HostId {
    world.live_on(30_000 * MS).expect("the point is reached")
}

/// Lets the world live for a while, in which nothing is reached and nothing said.
#[track_caller]
fn nothing_goes_on<W: World>(world: &mut W, log: &Log) {
    let before = log.len();
    assert_eq!(world.live_on(WHILE), None);
    assert_eq!(log.all()[before..], [""; 0]);
}

pub fn the_nth_arrival_stops_the_program<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = passing_by(&mut world, &log);
    world.arm(host, HERE, 3);
    world.start(host);
    assert_eq!(stop(&mut world), host);
    assert_eq!((log.count("before"), log.count("after")), (3, 2));
    nothing_goes_on(&mut world, &log);
    world.disarm(host);
    world.wait_until("it goes on", || log.count("after") >= 5);
    world.arm(host, ELSEWHERE, 1);
    assert_eq!(stop(&mut world), host);
    nothing_goes_on(&mut world, &log);
}

pub fn what_stands_at_a_point_may_crash<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = passing_by(&mut world, &log);
    world.start(host);
    world.arm(host, HERE, 1);
    assert_eq!(stop(&mut world), host);
    assert_eq!(world.crash(host).tasks, 1);
    world.disarm(host);
    nothing_goes_on(&mut world, &log);
    let befores = log.count("before");
    world.start(host);
    world.wait_until("a new run", || log.count("before") >= befores + 3);
}

/// On engines with threads the program may arrive before it hears of a change of mind.
pub fn what_is_disarmed_is_not_told_of<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = passing_by(&mut world, &log);
    world.start(host);
    world.wait_until("it runs", || log.has("after"));
    for crash in [false, true] {
        for _ in 0..20 {
            world.arm(host, HERE, 1);
            let before = log.len();
            // Time passes on threads only, and the engine is not asked whether anybody arrived.
            for _ in 0..10_000 {
                if W::KIND != Kind::Live || log.len() > before {
                    break;
                }
                std::thread::yield_now();
            }
            if crash {
                world.crash(host);
                world.start(host);
            }
            world.disarm(host);
            assert_eq!(world.live_on(5 * MS), None);
        }
        let before = log.len();
        world.wait_until("it goes on", || log.len() > before + 3);
    }
}

pub fn pauses_and_points_do_not_end_each_other<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = passing_by(&mut world, &log);
    world.start(host);
    world.arm(host, HERE, 2);
    assert_eq!(stop(&mut world), host);
    world.pause(host);
    world.resume(host);
    nothing_goes_on(&mut world, &log);
    world.pause(host);
    world.disarm(host);
    nothing_goes_on(&mut world, &log);
    world.resume(host);
    let before = log.len();
    world.wait_until("it goes on", || log.len() > before + 3);
}
