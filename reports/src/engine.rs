//! The engine of a run, in words: what it is, how far to trust its figures, what it left out.
//!
//! Must not know how the words are laid out.

use crate::record::{FaultReport, LeftOut, Record};

/// What page, terminal and plots say of an engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words {
    /// What it is and how far to trust its latencies, in one sentence.
    pub about: &'static str,
    /// What a reader of figures must know beside the engine's name, in a few words.
    pub beside_name: Option<&'static str>,
    /// What its clock shows: `Virtual time`.
    pub time: &'static str,
    /// A second of it: `virtual second`.
    pub second: &'static str,
    /// Whether the same command gives the same bytes again.
    pub repeats: bool,
}

/// The words for the engine of a record; a name that nobody knows is taken for virtual time.
pub fn words(record: &Record) -> Words {
    let virtually = Words {
        about: "An engine that this version of the reports does not know.",
        beside_name: None,
        time: "Virtual time",
        second: "virtual second",
        repeats: true,
    };
    match (record.engine.as_str(), &record.processors) {
        ("sim", Some(_)) => Words {
            about: "imsim's own simulator: latencies are modelled, and as good as its models of \
                    links, disks and processors.",
            ..virtually
        },
        ("sim", None) => Words {
            about: "imsim's own simulator: latencies are modelled, and as good as its models of \
                    links and disks; nodes compute in no time.",
            ..virtually
        },
        ("turmoil", _) => Words {
            about: "A second opinion on the verdicts. Its clock moves in whole milliseconds and \
                    nodes compute in no time, so latencies are rough.",
            beside_name: Some("virtual time, 1 ms ticks"),
            ..virtually
        },
        ("live", _) => Words {
            about: "Real sockets and files of the machine named in manifest.json: latencies are \
                    measured, and hold for that machine as busy as it was.",
            beside_name: Some("real time; another run gives other bytes"),
            time: "Real time",
            second: "second",
            repeats: false,
        },
        _ => virtually,
    }
}

/// Everything of the scenario that the engine did not do: faults first, those of one kind and with
/// one reason together.
pub fn left_out(record: &Record) -> Vec<LeftOut> {
    let mut groups: Vec<(&str, Vec<&FaultReport>)> = Vec::new();
    for fault in &record.faults {
        let Some(why) = &fault.left_out else { continue };
        let same = |group: &&mut (&str, Vec<&FaultReport>)| {
            group.0 == why && group.1[0].kind == fault.kind
        };
        match groups.iter_mut().find(same) {
            Some((_, faults)) => faults.push(fault),
            None => groups.push((why, vec![fault])),
        }
    }
    let faults = groups
        .into_iter()
        .map(|(why, faults)| LeftOut { what: faults_in_words(&faults), why: why.to_owned() });
    faults.chain(record.left_out.iter().cloned()).collect()
}

/// `fault 3 (loss of backend links, 2%)`, or `faults 3, 4 and 9 (loss)`.
fn faults_in_words(faults: &[&FaultReport]) -> String {
    let [rest @ .., last] = faults else { return String::new() };
    let kind = &last.kind;
    if rest.is_empty() {
        return format!("fault {} ({kind} on {})", last.number, last.target);
    }
    let numbers: Vec<String> = rest.iter().map(|fault| fault.number.to_string()).collect();
    format!("faults {} and {} ({kind})", numbers.join(", "), last.number)
}

/// How many faults were done.
pub fn faults_done(record: &Record) -> usize {
    record.faults.iter().filter(|fault| fault.left_out.is_none()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn faults_with_one_reason_stand_together() {
        let mut record = sample::turmoil();
        let mut again = record.faults[1].clone();
        again.number = 9;
        record.faults.push(again);
        let left_out = left_out(&record);
        assert_eq!(left_out[0].what, "faults 2 and 9 (loss)");
        assert_eq!(left_out.len(), 1 + record.left_out.len());
        assert_eq!(faults_done(&record), record.faults.len() - 2);
    }

    #[test]
    fn only_live_does_not_repeat() {
        for engine in ["sim", "turmoil", "live", "another"] {
            let record = Record { engine: engine.to_owned(), ..sample::valid() };
            assert_eq!(words(&record).repeats, engine != "live", "{engine}");
        }
    }
}
