//! A few rows of the measurements of the real Redis, over a few seeds each; the example
//! `redis_failover` has all of them.

use im_reports::record::Verdict;
use imsim::redis_study::accounting::{Guard, Hop, Window};
use imsim::redis_study::checkers::{locks, lost, overlaps};
use imsim::redis_study::experiment::{Experiment, MS, SECOND, Strike, Use};
use imsim::redis_study::lab::{self, Mishap};
use imsim::redis_study::truth::rows;

#[test]
fn a_master_without_persistence_that_restarts_loses_everything_before() {
    let row = rows().into_iter().find(|row| row.name == "restart").expect("measured");
    assert_eq!(lab::missing(&row.experiment), None);
    for seed in 0..3 {
        let study = lab::run(&row.experiment, seed);
        let figures = study.figures();
        for range in &row.ranges {
            let value = range.measure.of(&figures).expect("it happened");
            assert!(range.holds(value), "seed {seed}, {}: {value}", range.measure.words());
        }
        assert_eq!(lost(&study.history).verdict, Verdict::Invalid);
        let before = study.history.acked().filter(|write| write.invoked < study.struck).count();
        assert_eq!(figures.lost, before as u64, "all of them and no others");
        let cause = (Hop::Restart, Window::BeforeFault, Guard::AofAlways);
        assert_eq!(figures.account.lost.keys().collect::<Vec<_>>(), [&cause]);
        assert_eq!(figures.account.repeated.values().sum::<u64>(), figures.repeated);
    }
}

#[test]
fn a_pause_loses_nothing() {
    let experiment = Experiment {
        replicas: 0,
        sentinels: 0,
        strike: Strike::Pause { lasts: 2 * SECOND },
        ..Experiment::default()
    };
    let study = lab::run(&experiment, 1);
    assert_eq!(lost(&study.history).verdict, Verdict::Valid);
    assert!(study.figures().acked > 1_000);
}

#[test]
fn redlock_is_held_twice_when_a_master_forgets_or_its_clock_jumps() {
    for seed in 0..5 {
        let pairs = |mishap| overlaps(&lab::redlock(seed, 10_000, mishap).holds).pairs;
        assert_eq!(pairs(Mishap::Restarts { after: 100 * MS }), 1);
        assert_eq!(pairs(Mishap::ClockJumps { by_ms: 11_000 }), 1);
        assert_eq!(pairs(Mishap::Restarts { after: 11 * SECOND }), 0);
        let calm = lab::redlock(seed, 10_000, Mishap::None);
        assert_eq!((calm.holds.len(), locks(&calm).verdict), (1, Verdict::Valid));
    }
}

#[test]
fn a_lock_on_one_master_changes_hands_and_the_same_seed_gives_the_same_history() {
    let does = Use::Lock { ttl_ms: 1_000, hold: 300 * MS, fences: true };
    let experiment = Experiment {
        replicas: 0,
        sentinels: 0,
        does,
        strike: Strike::Pause { lasts: MS },
        ..Experiment::default()
    };
    let [one, other] = [1, 1].map(|seed| lab::run(&experiment, seed).history);
    assert_eq!(one, other);
    assert_eq!(locks(&one).verdict, Verdict::Valid);
    assert!(one.holds.len() > 10, "{} holds", one.holds.len());
}
