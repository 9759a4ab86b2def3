//! What the faults of a run, and of many runs, touched: by fault, and by family.
//!
//! It sees of a fault only its report.

use std::collections::BTreeMap;

use im_reports::campaign::FaultKind;
use im_reports::record::FaultReport;
use serde::Serialize;

/// How often the faults of one family were drawn, and how often they touched anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Effects {
    /// Runs in which a fault of the family was drawn.
    pub seeds_drawn: u64,
    /// Runs in which one of them touched something.
    pub seeds_effective: u64,
    /// Faults.
    pub faults_drawn: u64,
    /// Faults that touched something.
    pub faults_effective: u64,
}

/// The effects of a run's faults, by family.
pub fn by_family(faults: &[FaultReport]) -> BTreeMap<String, Effects> {
    let mut families: BTreeMap<String, Effects> = BTreeMap::new();
    for parts in by_origin(faults).values() {
        let effects = families.entry(parts[0].kind.clone()).or_default();
        let effective = parts.iter().any(|part| part.effective());
        effects.seeds_drawn = 1;
        effects.faults_drawn += 1;
        effects.seeds_effective |= u64::from(effective);
        effects.faults_effective += u64::from(effective);
    }
    families
}

impl From<&FaultKind> for Effects {
    fn from(kind: &FaultKind) -> Self {
        Effects {
            seeds_drawn: kind.seeds_drawn,
            seeds_effective: kind.seeds_effective,
            faults_drawn: kind.faults_drawn,
            faults_effective: kind.faults_effective,
        }
    }
}

/// The faults that should have touched something and did not, a sentence each.
pub fn missing(faults: &[FaultReport]) -> Vec<String> {
    let mut idle: Vec<Vec<&FaultReport>> = by_origin(faults).into_values().collect();
    idle.retain(|parts| parts[0].require_effect && parts.iter().all(|part| part.idle()));
    idle.sort_by_key(|parts| parts[0].number);
    idle.iter().map(|parts| sentence(parts)).collect()
}

fn sentence(parts: &[&FaultReport]) -> String {
    let FaultReport { number, kind, target, .. } = parts[0];
    match parts.len() {
        1 => format!("fault {number} ({kind} of {target}) touched nothing"),
        more => {
            let others = more - 1;
            format!("fault {number} ({kind} of {target}, with {others} more parts) touched nothing")
        }
    }
}

/// The parts of each fault.
fn by_origin(faults: &[FaultReport]) -> BTreeMap<&str, Vec<&FaultReport>> {
    let mut origins: BTreeMap<&str, Vec<&FaultReport>> = BTreeMap::new();
    for fault in faults {
        origins.entry(&fault.origin).or_default().push(fault);
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(number: u32, kind: &str, origin: &str, touched: u64) -> FaultReport {
        FaultReport {
            number,
            kind: kind.to_owned(),
            target: "gateway-0".to_owned(),
            effect: [("packets_delayed".to_owned(), touched)].into(),
            origin: origin.to_owned(),
            require_effect: true,
            ..FaultReport::default()
        }
    }

    #[test]
    fn parts_of_one_fault_count_as_one() {
        let run = [
            fault(1, "swizzle", "faults.0", 0),
            fault(2, "swizzle", "faults.0", 7),
            fault(3, "swizzle", "swarm.swizzle.0", 0),
            fault(4, "clog", "swarm.clog.0", 0),
        ];
        let sum = by_family(&run);
        let swizzles =
            Effects { seeds_drawn: 1, seeds_effective: 1, faults_drawn: 2, faults_effective: 1 };
        assert_eq!(sum["swizzle"], swizzles);
        assert_eq!(sum["clog"].seeds_effective, 0);
    }

    #[test]
    fn what_should_have_touched_something_and_did_not_is_named() {
        let mut calm = fault(5, "pause", "faults.2", 0);
        calm.require_effect = false;
        let run = [
            fault(1, "swizzle", "faults.0", 0),
            fault(2, "swizzle", "faults.0", 0),
            fault(3, "clog", "faults.1", 0),
            fault(4, "clog", "faults.3", 1),
            calm,
        ];
        assert_eq!(
            missing(&run),
            [
                "fault 1 (swizzle of gateway-0, with 1 more parts) touched nothing",
                "fault 3 (clog of gateway-0) touched nothing",
            ]
        );
    }
}
