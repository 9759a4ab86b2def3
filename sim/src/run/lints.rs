//! Figures of a record that cannot be true together. A record with such a pair is a bug of ours, not of the
//! cluster, and is never printed: published figures have been found that do not balance (goim's 26 bytes ×
//! 35.9 million a second make 7.5 Gbit/s, where 4.39 were reported).
//!
//! What a planted bug may bring about is no lint: the checkers find that.

use im_reports::record::{Latency, Record};

use crate::scenario::Scenario;

/// Shares are quotients of nanoseconds, and a processor may finish a step that it began in time.
const BUSY_SHARE_MAX: f64 = 1.01;
/// A link may have let through so many bytes more than its rate allows: what stood in its queue and in streams'
/// windows at both ends of the time.
const LINK_SLACK_BYTES: f64 = 1_000_000.0;
/// Of what was written into a connection, so much may never have left before it was given up.
const BUFFERED_BYTES: f64 = 256.0 * 1_024.0;

/// Panics if figures contradict each other, and says which.
pub fn hold(scenario: &Scenario, record: &Record) {
    let found = contradictions(scenario, record);
    assert!(found.is_empty(), "figures that cannot be true together: {}", found.join("; "));
}

fn contradictions(scenario: &Scenario, record: &Record) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, what: &dyn Fn() -> String| {
        if !holds {
            found.push(what());
        }
    };
    let (ledger, totals) = (&record.ledger, &record.totals);
    let dropped: u64 = ledger.dropped.values().sum();
    let filed = ledger.shown + ledger.pending + ledger.too_late + dropped;
    demand(filed == ledger.owed, &|| {
        format!(
            "{} pairs are owed, and {} shown, {} pending, {} too late, {dropped} dropped",
            ledger.owed, ledger.shown, ledger.pending, ledger.too_late
        )
    });
    let pairs = u128::from(ledger.sequenced) * u128::from(totals.devices);
    demand(u128::from(ledger.owed) <= pairs, &|| {
        format!(
            "{} pairs are owed of {} rows on {} devices",
            ledger.owed, ledger.sequenced, totals.devices
        )
    });
    demand(totals.accepted <= totals.offered, &|| {
        format!("{} sends were accepted of {}", totals.accepted, totals.offered)
    });
    for (what, of_timeline, total) in [
        ("offered", sum(record, |bucket| bucket.offered), totals.offered),
        ("accepted", sum(record, |bucket| bucket.accepted), totals.accepted),
        ("shown", sum(record, |bucket| bucket.shown), totals.shown),
    ] {
        demand(of_timeline == total, &|| {
            format!("{of_timeline} {what} by the second are {total} in all")
        });
    }
    for latency in &record.latencies {
        demand(rises(latency), &|| format!("percentiles of {} fall", latency.name));
    }
    for load in record.processors.iter().flat_map(|processors| &processors.roles) {
        let possible = load.busy_share_mean <= load.busy_share_max * 1.000_001
            && (record.engine != "sim" || load.busy_share_max <= BUSY_SHARE_MAX);
        demand(possible, &|| {
            format!(
                "processors of role {} were busy {} of the time, the busiest {}",
                load.role, load.busy_share_mean, load.busy_share_max
            )
        });
    }
    if let Some(per_s) = scenario.network.clients.bandwidth.bytes_per_s() {
        let seconds = (record.phases.duration_ns + record.phases.settle_ns) as f64 / 1e9;
        let logins = record.counters.get("gateway").and_then(|of| of.get("logins"));
        let given_up = logins.copied().unwrap_or(0) as f64 * BUFFERED_BYTES;
        let possible =
            (per_s as f64 * seconds + LINK_SLACK_BYTES) * totals.devices as f64 + given_up;
        for hop in record.hops.iter().filter(|hop| (hop.from == "device") != (hop.to == "device")) {
            demand(hop.bytes as f64 <= possible, &|| {
                format!(
                    "{} bytes went from {} to {} over {} links of {per_s} B/s in {seconds} s",
                    hop.bytes, hop.from, hop.to, totals.devices
                )
            });
        }
    }
    found
}

fn sum(record: &Record, of: impl Fn(&im_reports::record::Bucket) -> u64) -> u64 {
    record.timeline.iter().map(of).sum()
}

fn rises(latency: &Latency) -> bool {
    let in_order = |pair: &[(f64, u64)]| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1;
    latency.curve.windows(2).all(in_order) && latency.min_ns <= latency.max_ns
}

#[cfg(test)]
mod tests {
    use im_reports::record::HopTraffic;

    use super::*;
    use crate::engine::Kind;
    use crate::run::{self, Progress};

    /// A real record of a small run, on links with a rate.
    fn record() -> (Scenario, Record) {
        let text = r#"
            duration = "2s"
            network = { clients = "4g-good" }
            population = { users = 4 }
            workload = [{ kind = "one-to-one", name = "w", pairs = 2, rate = "5/s" }]
        "#;
        let scenario = Scenario::from_str("small.toml", text, &[]).expect("it is sound");
        let progress = Progress::default();
        let observed = run::live_through(&scenario, 1, Kind::Sim, &progress).expect("it starts");
        let record = run::judge(&scenario, 1, &observed);
        (scenario, record)
    }

    /// What spoils a record.
    type Change = dyn Fn(&mut Record);

    #[test]
    fn a_real_record_holds_and_every_contradiction_is_found() {
        let (mut scenario, record) = record();
        scenario.network.clients.bandwidth = "1Mbit/s".parse().expect("a bandwidth");
        assert_eq!(contradictions(&scenario, &record), Vec::<String>::new());
        let found = |change: &Change| {
            let mut changed = record.clone();
            change(&mut changed);
            contradictions(&scenario, &changed).join("; ")
        };
        let cases: [(&str, &Change); 7] = [
            ("pairs are owed, and", &|record| record.ledger.shown += 1),
            ("rows on", &|record| record.ledger.sequenced = 0),
            ("sends were accepted of", &|record| {
                record.totals.accepted = record.totals.offered + 1
            }),
            ("shown by the second", &|record| record.timeline[0].shown += 1),
            ("percentiles of send→show fall", &|record| {
                record.latencies[1].curve.insert(0, (0.0, u64::MAX));
            }),
            ("processors of role", &|record| {
                let processors = record.processors.as_mut().expect("it reckons");
                processors.roles[0].busy_share_max = 1.5;
            }),
            ("bytes went from gateway to device", &|record| {
                let (from, to) = ("gateway".to_owned(), "device".to_owned());
                record.hops.push(HopTraffic { from, to, writes: 1, bytes: 1 << 40 });
            }),
        ];
        for (said, change) in cases {
            assert!(found(change).contains(said), "{said}: {}", found(change));
        }
    }
}
