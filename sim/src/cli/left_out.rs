//! What an engine leaves out of a run, said on stderr before it begins.
//!
//! Must not know why an engine cannot do something.

use imsim::engine::Kind;
use imsim::faults;
use imsim::run::left_out;
use imsim::scenario::Scenario;

/// What an engine leaves out of one run, a line each.
pub struct Lines {
    /// Faults of that seed.
    pub faults: Vec<String>,
    /// Everything else.
    pub others: Vec<String>,
}

/// What the engine leaves out of the scenario with that seed; faults are numbered as in the record.
pub fn lines(engine: Kind, scenario: &Scenario, seed: u64) -> Lines {
    let drawn = faults::draw(scenario, seed);
    let fault = |(place, drawn): (usize, &faults::Drawn)| {
        let why = left_out::fault(engine, &drawn.act)?;
        let (number, kind) = (place + 1, drawn.family.name());
        Some(line(engine, &format!("fault {number} ({kind} on {})", drawn.target()), why))
    };
    let others = left_out::of_scenario(engine, scenario);
    Lines {
        faults: drawn.iter().enumerate().filter_map(fault).collect(),
        others: others.iter().map(|one| line(engine, &one.what, &one.why)).collect(),
    }
}

fn line(engine: Kind, what: &str, why: &str) -> String {
    format!("left out by {engine}: {what}: {why}")
}

impl Lines {
    /// Says all of it.
    pub fn tell(&self) {
        for line in self.faults.iter().chain(&self.others) {
            eprintln!("{line}");
        }
    }

    /// Why `--strict` refuses the run, if it does.
    pub fn refusal(&self) -> Option<String> {
        let what = match self.faults.len() {
            0 => return None,
            1 => "a fault".to_owned(),
            more => format!("{more} faults"),
        };
        let faults = self.faults.join("\n  ");
        Some(format!("--strict, and {what} would be left out, so nothing was run:\n  {faults}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_are_refused() {
        let lines = |faults: &[&str]| Lines {
            faults: faults.iter().map(|&fault| fault.to_owned()).collect(),
            others: vec!["jitter".to_owned()],
        };
        assert_eq!(lines(&[]).refusal(), None);
        let refusal = lines(&["one", "another"]).refusal().expect("it leaves out two");
        assert!(refusal.contains("2 faults") && refusal.ends_with("one\n  another"), "{refusal}");
    }
}
