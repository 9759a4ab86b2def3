//! A few rows of the measurements of the real Redis, over a few seeds each; the example
//! `redis_failover` has all of them.

use im_reports::record::Verdict;
use imsim::redis_study::accounting::{Change, Guard, Hop, Window};
use imsim::redis_study::checkers::{locks, lost, overlaps};
use imsim::redis_study::experiment::{Experiment, Figures, MS, SECOND, Strike, Study, Use};
use imsim::redis_study::history::Outcome;
use imsim::redis_study::lab::{self, Mishap};
use imsim::redis_study::program::Wait;
use imsim::redis_study::truth::rows;

/// Seeds of each row here; the example has more.
const SEEDS: u64 = 5;

fn studies(name: &str, seeds: std::ops::Range<u64>) -> Vec<Study> {
    let row = rows().into_iter().find(|row| row.name == name).expect("measured");
    seeds.map(|seed| lab::run(&row.experiment, seed)).collect()
}

#[test]
fn the_median_of_every_row_lies_where_the_real_one_was_measured() {
    for row in rows() {
        let figures: Vec<Figures> =
            (0..SEEDS).map(|seed| lab::run(&row.experiment, seed).figures()).collect();
        for range in &row.ranges {
            let values = figures.iter().filter_map(|one| range.measure.of(one));
            let mut values: Vec<f64> = values.collect();
            values.sort_unstable_by(f64::total_cmp);
            let median = values[values.len() / 2];
            assert!(range.holds(median), "{}: {}: {median}", row.name, range.measure.words());
        }
    }
}

#[test]
fn a_master_without_persistence_that_restarts_loses_everything_before() {
    for study in studies("restart", 0..3) {
        let figures = study.figures();
        assert_eq!(lost(&study.history).verdict, Verdict::Invalid);
        let before = study.history.acked().filter(|write| write.invoked < study.struck).count();
        assert_eq!(figures.lost, before as u64, "all of them and no others");
        let cause = (Hop::Restart, Window::BeforeFault, Guard::AofAlways);
        assert_eq!(figures.account.lost.keys().collect::<Vec<_>>(), [&cause]);
        assert_eq!(figures.account.repeated.values().sum::<u64>(), figures.repeated);
        assert_eq!(figures.promotions, 0, "nobody notices");
    }
}

/// The first finding: rarely, the Sentinels take the healthy new master for dead, a second after
/// they switched to it.
#[test]
fn a_second_failover_is_rare_and_costs_most_writes() {
    let studies = studies("kill-1s", 0..20);
    let second: Vec<&Study> =
        studies.iter().filter(|study| study.figures().promotions > 1).collect();
    assert!((1..=6).contains(&second.len()), "{} of 20 seeds", second.len());
    for study in second {
        let figures = study.figures();
        assert!(figures.lost > figures.acked / 3, "{} of {}", figures.lost, figures.acked);
        let causes: Vec<_> = figures.account.lost.keys().collect();
        assert_eq!(causes, [&(Hop::DivergedMaster, Window::TwoMasters, Guard::Wait)]);
    }
}

/// The second finding: what changes while a replica has its snapshot but has not acked yet is held
/// back, although the master calls it online.
#[test]
fn a_master_that_dies_before_its_replicas_stream_takes_writes_with_it() {
    let experiment = |before_ms: u64, wait| Experiment {
        resync: Some(before_ms * MS),
        does: Use::Writes { pace: 20 * MS, wait },
        ..Experiment::default()
    };
    // Not what a second failover takes, which some seeds have.
    let unsent = (Hop::MasterToReplica, Window::BeforeFault, Guard::Wait);
    let lost = |before_ms, wait, seed| {
        let figures = lab::run(&experiment(before_ms, wait), seed).figures();
        figures.account.lost.get(&unsent).copied().unwrap_or(0)
    };
    let wait = Some(Wait { replicas: 1, timeout_ms: 100 });
    for seed in 0..SEEDS {
        let early = [200, 400, 600, 800].map(|before| lost(before, None, seed));
        assert!(early.iter().any(|count| *count > 20), "seed {seed}: {early:?}");
        assert_eq!(lost(2_500, None, seed), 0, "they stream by then");
        for before in [200, 400, 600, 800] {
            assert_eq!(lost(before, wait, seed), 0, "WAIT tells of no replica meanwhile");
        }
    }
}

/// The third finding.
#[test]
fn a_healed_master_goes_on_until_a_sentinel_converts_it() {
    for study in studies("cut", 0..5) {
        let figures = study.figures();
        let after = figures.demoted_s.expect("it is converted");
        assert!((10.0..=13.0).contains(&after), "{after} s after the cut");
        assert!(figures.acked_until_demotion > 500, "{}", figures.acked_until_demotion);
        let until = (Hop::DivergedMaster, Window::UntilDemotion, Guard::MinReplicas);
        assert!(figures.account.lost.contains_key(&until));
    }
}

/// The sixth finding.
#[test]
fn the_leader_logs_a_failover_in_the_measured_order() {
    let study = studies("kill-1s", 0..1).remove(0);
    let steps = [
        "+sdown",
        "+odown",
        "+new-epoch",
        "+try-failover",
        "+vote-for-leader",
        "+elected-leader",
        "+switch-master",
        "+slave",
    ];
    let leads = |events: &&Vec<(u64, String)>| {
        events.iter().any(|(_, text)| text.starts_with("+elected-leader"))
    };
    let leader = study.sentinel_events.iter().find(leads).expect("one is elected");
    let after = leader.iter().filter(|(at, _)| *at > study.struck);
    let mut steps_left = steps.iter().peekable();
    for (_, text) in after {
        steps_left.next_if(|step| text.split(' ').next() == Some(**step));
    }
    assert_eq!(steps_left.next(), None, "{leader:?}");
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

/// The fourth finding: after a cut, the gate that `min-replicas-to-write` shut may open for a moment. The closed
/// socket of one replica sends an ack from before the cut again; when the master counts its good replicas before
/// the end of that socket comes, it takes writes for 40 ms.
#[test]
fn the_gate_of_a_healed_master_opens_rarely_and_for_a_moment() {
    let row = rows().into_iter().find(|row| row.name == "cut-min-replicas").expect("measured");
    let studies = (0..500).map(|seed| lab::run(&row.experiment, seed));
    let (shut, open): (Vec<Study>, Vec<Study>) =
        take_until(studies, |study| study.figures().acked_until_demotion > 0);
    assert!(shut.len() >= 5, "it is rare, and came after {} seeds", shut.len());
    let [open] = &open[..] else { panic!("it stayed shut in {} seeds", shut.len()) };
    let (healed, demoted) = (time_of(open, Change::Healed), time_of(open, Change::Demoted));
    let taken: Vec<u64> = open
        .history
        .operations
        .iter()
        .filter(|one| one.node == 0 && matches!(one.outcome, Outcome::Done(_)))
        .map(|one| one.ended)
        .filter(|at| (healed..demoted).contains(at))
        .collect();
    let (first, last) = (taken[0], taken[taken.len() - 1]);
    assert!(first > healed + 8 * SECOND, "at the seventh doubling of a timeout of 0.2 s");
    assert!(last - first < 100 * MS, "{} ms", (last - first) / MS);
}

/// Those before the first that `ends` it, and that one.
fn take_until<T>(items: impl Iterator<Item = T>, ends: impl Fn(&T) -> bool) -> (Vec<T>, Vec<T>) {
    let mut before = Vec::new();
    for item in items {
        if ends(&item) {
            return (before, vec![item]);
        }
        before.push(item);
    }
    (before, Vec::new())
}

fn time_of(study: &Study, what: Change) -> u64 {
    study.events.iter().find(|event| event.what == what).expect("it happened").at
}
