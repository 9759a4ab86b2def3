//! Every acknowledged write is there at the end.

use im_reports::record::Verdict;

use super::{Answer, judged};
use crate::redis_study::history::{History, Operation};

/// Acknowledged writes that are not there at the end; none if nobody could be asked.
pub fn lost_writes(history: &History) -> Vec<&Operation> {
    let Some(found) = &history.read_back else { return Vec::new() };
    history.acked().filter(|write| !found.present.contains(&write.id)).collect()
}

/// Judges whether acknowledged writes were lost.
pub fn lost(history: &History) -> Answer {
    let acked = history.acked().count();
    if history.read_back.is_none() {
        let evidence = format!("{acked} writes acknowledged, and no master to ask for them");
        return Answer { verdict: Verdict::Unknown, evidence };
    }
    let lost = lost_writes(history).len();
    judged(acked, lost, format!("{lost} of {acked} acknowledged writes are gone"))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{history, operation};
    use super::*;
    use crate::redis_study::history::{Kind, Outcome};

    #[test]
    fn only_acknowledged_writes_can_be_lost() {
        let maybe = Outcome::Maybe("no answer in time".to_owned());
        let refused = Outcome::Refused("READONLY".to_owned());
        let operations = vec![
            operation(1, Kind::Add, Outcome::Done(1)),
            operation(2, Kind::Set, maybe),
            operation(3, Kind::Score, refused),
            operation(4, Kind::Incr, Outcome::Done(1)),
        ];
        let good = lost(&history(operations.clone(), &[1]));
        assert_eq!(good.verdict, Verdict::Valid, "{}", good.evidence);
        let bad = lost(&history(operations.clone(), &[2]));
        assert_eq!(bad.verdict, Verdict::Invalid);
        assert_eq!(bad.evidence, "1 of 1 acknowledged writes are gone");
        let nobody = History { operations, ..History::default() };
        assert_eq!(lost(&nobody).verdict, Verdict::Unknown);
        assert_eq!(lost(&history(Vec::new(), &[])).verdict, Verdict::Unknown);
    }
}
