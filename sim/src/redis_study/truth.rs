//! The experiments that were measured on the real Redis 7.0.15 with three Sentinels, and what came
//! out: minimum, median and maximum of the repetitions.

use super::experiment::{Experiment, Figures, MS, SECOND, Strike, Use};
use super::program::Wait;

/// What is compared of an experiment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Measure {
    /// Seconds until the first write on the new master.
    FirstWrite,
    /// Acknowledged writes that are gone.
    Lost,
    /// The same, in percent of all acknowledged.
    LostPercent,
    /// Values of the counter that were given out again.
    Repeated,
    /// Seconds in which the lock had two holders.
    HeldTwice,
    /// Seconds until it first had.
    HeldTwiceFrom,
}

/// What was measured, as far as it is known.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Range {
    /// Of what.
    pub measure: Measure,
    /// The smallest and the largest.
    pub bounds: Option<(f64, f64)>,
    /// The median.
    pub median: Option<f64>,
}

/// An experiment that was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Its name, for the command line too.
    pub name: &'static str,
    /// What is done.
    pub experiment: Experiment,
    /// What came out.
    pub ranges: Vec<Range>,
}

impl Measure {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::FirstWrite => "first write on the new master, s",
            Self::Lost => "writes lost",
            Self::LostPercent => "writes lost, %",
            Self::Repeated => "INCR values repeated",
            Self::HeldTwice => "lock held twice, s",
            Self::HeldTwiceFrom => "held twice from, s",
        }
    }

    /// Its value; `None` if it did not happen.
    pub fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::FirstWrite => figures.first_write_s,
            Self::Lost => Some(figures.lost as f64),
            Self::LostPercent => {
                (figures.acked > 0).then(|| 100.0 * figures.lost as f64 / figures.acked as f64)
            }
            Self::Repeated => Some(figures.repeated as f64),
            Self::HeldTwice => Some(figures.overlaps.total as f64 / SECOND as f64),
            Self::HeldTwiceFrom => figures.held_twice_s,
        }
    }
}

impl Range {
    fn new(measure: Measure, min: f64, median: f64, max: f64) -> Self {
        Self { measure, bounds: Some((min, max)), median: Some(median) }
    }

    fn between(measure: Measure, min: f64, max: f64) -> Self {
        Self { measure, bounds: Some((min, max)), median: None }
    }

    fn about(measure: Measure, median: f64) -> Self {
        Self { measure, bounds: None, median: Some(median) }
    }

    fn never(measure: Measure) -> Self {
        Self::new(measure, 0.0, 0.0, 0.0)
    }

    /// Whether a median of ours lies inside, as far as that is known.
    pub fn holds(&self, median: f64) -> bool {
        self.bounds.is_none_or(|(min, max)| (min..=max).contains(&median))
    }
}

/// 1,500 operations a second over five clients.
const FAST: Use = Use::Writes { pace: 3_333_333, wait: None };

/// Every row of the measurements that is an experiment of this kind; Redlock is another.
///
/// How long clients wrote before the strike and after it was not published. It was chosen such that
/// what was published comes out of it: that the master had counted to about 930 when it restarted
/// (at 375 increments a second), and that 1,911 lost writes were 36.5 to 39.2 % of all. A lock of 10 s
/// that was first held twice 9.6 s after a cut was about 0.4 s old when the cut began, and overlaps
/// that ended with the old master were of holders that let go again and again: after 0.8 s.
pub fn rows() -> Vec<Row> {
    use Measure::{FirstWrite, HeldTwice, HeldTwiceFrom, Lost, LostPercent, Repeated};
    let kill = |down_after| Experiment { down_after, does: FAST, ..Experiment::default() };
    let restart = |options| Experiment {
        strike: Strike::Restart { after: 300 * MS },
        lead: 2_500 * MS,
        after: 5 * SECOND,
        does: FAST,
        options,
        ..Experiment::default()
    };
    let aof =
        |policy: &str| vec![("appendonly", "yes".to_owned()), ("appendfsync", policy.to_owned())];
    let cut = Experiment {
        strike: Strike::Cut { lasts: 15 * SECOND },
        cut_off: 2,
        lead: SECOND,
        after: 27_500 * MS,
        settle: 5 * SECOND,
        ..Experiment::default()
    };
    let min_replicas =
        vec![("min-replicas-to-write", "1".to_owned()), ("min-replicas-max-lag", "2".to_owned())];
    let waits = Use::Writes { pace: 20 * MS, wait: Some(Wait { replicas: 1, timeout_ms: 100 }) };
    let lock = Use::Lock { ttl_ms: 10_000, hold: 800 * MS, fences: false };
    let row = |name, experiment, ranges| Row { name, experiment, ranges };
    vec![
        row(
            "kill-1s",
            kill(SECOND),
            vec![
                Range::new(FirstWrite, 2.11, 2.25, 2.46),
                Range::never(Lost),
                Range::never(Repeated),
            ],
        ),
        row(
            "kill-1s-always",
            Experiment { options: aof("always"), ..kill(SECOND) },
            vec![Range::new(FirstWrite, 2.11, 2.25, 2.46), Range::never(Lost)],
        ),
        row(
            "kill-5s",
            kill(5 * SECOND),
            vec![Range::new(FirstWrite, 5.49, 6.1, 6.72), Range::never(Lost)],
        ),
        row(
            "restart",
            restart(Vec::new()),
            vec![
                Range::between(LostPercent, 0.0, 100.0),
                Range::new(Repeated, 734.0, 932.0, 1174.0),
            ],
        ),
        row(
            "restart-everysec",
            restart(aof("everysec")),
            vec![Range::never(Lost), Range::never(Repeated)],
        ),
        row(
            "restart-always",
            restart(aof("always")),
            vec![Range::never(Lost), Range::never(Repeated)],
        ),
        row(
            "cut",
            cut.clone(),
            vec![
                Range::new(Lost, 1868.0, 1911.0, 2060.0),
                Range::between(LostPercent, 36.5, 39.2),
                Range::between(Repeated, 622.0, 687.0),
            ],
        ),
        row(
            "cut-min-replicas",
            Experiment { options: min_replicas, ..cut.clone() },
            vec![
                Range::about(Lost, 174.0),
                Range::about(LostPercent, 5.1),
                Range::between(Repeated, 31.0, 76.0),
            ],
        ),
        row(
            "cut-wait",
            Experiment { does: waits, ..cut.clone() },
            vec![Range::never(Lost), Range::never(Repeated)],
        ),
        row(
            "lock-kill",
            Experiment { does: lock.clone(), ..Experiment::default() },
            vec![Range::never(HeldTwice)],
        ),
        row(
            "lock-cut",
            Experiment { does: lock, lead: 3 * SECOND, after: 30 * SECOND, ..cut },
            vec![Range::between(HeldTwice, 15.0, 18.0), Range::new(HeldTwiceFrom, 9.0, 9.6, 10.2)],
        ),
    ]
}
