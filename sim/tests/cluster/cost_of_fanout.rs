//! What fan-out costs, held against arithmetic and against what is published.

use im_reports::record::Record;
use imsim::compare::push_or_pull::{Cost, Lab, Setting};
use imsim::engine::Kind;
use imsim::history::{Operation, What};
use imsim::run::{self, Observed, Progress};
use imsim::scenario::Scenario;

const MIXED: &str = r#"
duration = "10s"
settle = "60s"
population = { users = 60 }

[[workload]]
name = "pairs"
kind = "one-to-one"
pairs = 10
rate = "5/s"

[[workload]]
name = "groups"
kind = "group"
groups = 8
members = { zipf = 1.0, min = 3, max = 50 }
rate = "10/s"
"#;

fn lived(text: &str, sets: &[&str]) -> (Observed, Record) {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let scenario = Scenario::from_str("costs.toml", text, &sets).expect("it is sound");
    let observed =
        run::live_through(&scenario, 1, Kind::Sim, &Progress::default()).expect("it starts");
    let record = run::judge(&scenario, 1, &observed);
    (observed, record)
}

/// Members of the conversations of all sends, summed where there are fewer than `below`.
fn members_of_sends(observed: &Observed, below: usize) -> u64 {
    let sends = observed.history.events.iter().filter_map(|event| match &event.what {
        What::Invoked { conversation, operation: Operation::Send(_), .. } => Some(conversation),
        _ => None,
    });
    let members = sends.map(|id| {
        let known = observed.plan.conversations.iter().find(|planned| planned.id == *id);
        known.expect("a planned conversation").members.len()
    });
    members.filter(|members| *members < below).sum::<usize>() as u64
}

#[test]
fn write_amplification_is_what_arithmetic_says() {
    for (fanout, below) in [("write", usize::MAX), ("read", 0), ("hybrid", 10)] {
        let fanout = format!("im.fanout={fanout}");
        let (observed, record) = lived(MIXED, &[&fanout, "im.hybrid_threshold=10"]);
        let copies = observed.counters["store"].get("inbox_copies").copied().unwrap_or(0);
        assert_eq!(copies, members_of_sends(&observed, below), "{fanout}");
        let expected = copies as f64 / record.totals.accepted as f64;
        assert_eq!(record.amplification["inbox_copies"], expected, "{fanout}");
        assert_eq!(record.totals.accepted, record.totals.offered, "{fanout}");
    }
}

#[test]
fn a_push_pays_where_feeding_frenzy_says() {
    let text = include_str!("../../../scenarios/fanout/consume-rate.toml");
    let setting = Setting {
        name: "one small group".to_owned(),
        text: text.to_owned(),
        sets: [
            "duration=40s",
            "population.users=12",
            "workload.groups.groups=1",
            "workload.groups.members=12",
            "workload.groups.rate=2/s",
        ]
        .map(str::to_owned)
        .into(),
        produce_per_s: 2.0,
    };
    let seeds: Vec<u64> = (1..=6).collect();
    let finding = Lab::new(&setting, &seeds, 2).examine(Cost::Cpu).expect("it runs");
    assert!(finding.agrees(), "{:?} against {:?}", finding.prices, finding.crossover.at);
    // To tell how often conversations are opened costs something that the other strategies do not pay.
    let telling = 1.01;
    for (multiple, ratio) in &finding.hybrid {
        assert!(ratio.low <= telling, "hybrid is dearer at {multiple} times the rate: {ratio:?}");
    }
}
