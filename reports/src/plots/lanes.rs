//! Fault windows as lanes: bars with a number and a name, stacked so that nothing overlaps.
//!
//! Must not know axes or backends; it works in pixels.

use super::canvas::LABEL_EM;
use super::fonts::{self, Weight};
use crate::record::FaultReport;

/// Lanes drawn at most; what does not fit is in the table of faults.
const LANES_MAX: usize = 20;
/// Lanes that labels may always take for their words.
const LANES_COMFORTABLE: usize = 8;
/// Lanes that labels may take for their words beyond those that numbers alone would need.
const LANES_FOR_WORDS: usize = 3;
const GAP: i32 = 6;
/// Shortest bar, so that a fault of a moment can be seen.
const BAR_MIN: i32 = 3;

/// A fault's bar and label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bar {
    /// Left end of the bar, from the left end of the axis.
    pub from: i32,
    /// Right end.
    pub to: i32,
    /// Number of the lane, from the top.
    pub lane: usize,
    /// The fault in words.
    pub label: String,
    /// Whether the fault was left out.
    pub hollow: bool,
    /// Where the label starts: on the bar if it fits there, else beside it.
    pub label_at: i32,
}

/// The bars of all faults, and what had to be left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lanes {
    /// The bars, in the order of the faults.
    pub bars: Vec<Bar>,
    /// Number of lanes.
    pub count: usize,
    /// Faults for which no lane was left.
    pub left_out: usize,
    /// Labels that found no room beside their bar.
    squeezed: usize,
}

/// Lays out the faults on an axis of so many pixels; `place` gives the share of the axis, 0 to 1.
///
/// Labels say as much as there is room for: if words need many more lanes than numbers alone, first
/// the target goes, then the kind.
pub fn lay_out(faults: &[FaultReport], width: i32, place: impl Fn(u64) -> f64) -> Lanes {
    let words: [fn(&FaultReport) -> String; 2] = [
        |fault| {
            let end = if fault.left_out.is_some() { " (left out)" } else { "" };
            format!("{} {} {}{end}", fault.number, fault.kind, fault.target)
        },
        |fault| format!("{} {}", fault.number, fault.kind),
    ];
    let numbered = pack(faults, width, &place, |fault| fault.number.to_string());
    let count_max = LANES_COMFORTABLE.max(numbered.count + LANES_FOR_WORDS);
    let fits = |lanes: &Lanes| lanes.count <= count_max && lanes.left_out + lanes.squeezed == 0;
    let worded = words.into_iter().map(|label| pack(faults, width, &place, label)).find(fits);
    worded.unwrap_or(numbered)
}

fn pack(
    faults: &[FaultReport],
    width: i32,
    place: impl Fn(u64) -> f64,
    label: fn(&FaultReport) -> String,
) -> Lanes {
    let mut ends: Vec<i32> = Vec::new();
    let mut lanes = Lanes::default();
    for fault in faults {
        let at = |ns| (f64::from(width) * place(ns)).round() as i32;
        let from = at(fault.from_ns).min(width - BAR_MIN);
        let to = at(fault.until_ns).max(from + BAR_MIN);
        let bar = labelled(from, to, width, label(fault));
        let (left, right) = extent(&bar);
        lanes.squeezed += usize::from(left < 0);
        let free = ends.iter().position(|end| *end + GAP <= left);
        let lane = free.unwrap_or(ends.len());
        if lane == LANES_MAX {
            lanes.left_out += 1;
            continue;
        }
        if lane == ends.len() {
            ends.push(right);
        }
        ends[lane] = right;
        lanes.bars.push(Bar { lane, hollow: fault.left_out.is_some(), ..bar });
    }
    lanes.count = ends.len();
    lanes
}

/// A label stands on its bar if it fits, else right of it, else left of it.
fn labelled(from: i32, to: i32, width: i32, label: String) -> Bar {
    let long = fonts::width(&label, LABEL_EM, Weight::Regular).ceil() as i32;
    let inside = long + 8 <= to - from;
    let label_at = match (inside, to + GAP + long <= width) {
        (true, _) => from + 4,
        (false, true) => to + GAP,
        (false, false) => from - GAP - long,
    };
    Bar { from, to, lane: 0, label, hollow: false, label_at }
}

/// What a bar and its label cover together.
fn extent(bar: &Bar) -> (i32, i32) {
    let long = fonts::width(&bar.label, LABEL_EM, Weight::Regular).ceil() as i32;
    (bar.from.min(bar.label_at), bar.to.max(bar.label_at + long))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(number: u32, from_ns: u64, until_ns: u64) -> FaultReport {
        FaultReport {
            number,
            kind: "crash".to_owned(),
            target: "gateway-0".to_owned(),
            from_ns,
            until_ns,
            ..FaultReport::default()
        }
    }

    fn lay(faults: &[FaultReport]) -> Lanes {
        lay_out(faults, 800, |ns| (ns as f64 / 1_000.0).min(1.0))
    }

    #[test]
    fn faults_apart_share_a_lane() {
        let lanes = lay(&[fault(1, 0, 100), fault(2, 500, 600)]);
        assert_eq!((lanes.count, lanes.left_out), (1, 0));
        assert_eq!(lanes.bars[0].label, "1 crash gateway-0");
    }

    #[test]
    fn faults_at_once_get_a_lane_each() {
        let lanes = lay(&[fault(1, 0, 600), fault(2, 100, 700)]);
        assert_eq!(lanes.count, 2);
        assert!(lanes.bars.iter().all(|bar| bar.from < bar.label_at && bar.label_at < bar.to));
    }

    #[test]
    fn labels_never_overlap() {
        let faults: Vec<FaultReport> =
            (0..60).map(|n| fault(n + 1, u64::from(n) * 15, u64::from(n) * 15 + 10)).collect();
        let lanes = lay(&faults);
        for (index, bar) in lanes.bars.iter().enumerate() {
            for other in lanes.bars[..index].iter().filter(|other| other.lane == bar.lane) {
                assert!(extent(other).1 < extent(bar).0, "{bar:?} {other:?}");
            }
        }
    }

    #[test]
    fn too_many_at_once_are_counted_not_drawn() {
        let faults: Vec<FaultReport> = (0..40).map(|n| fault(n + 1, 0, 1_000)).collect();
        let lanes = lay(&faults);
        assert_eq!((lanes.count, lanes.left_out), (LANES_MAX, 40 - LANES_MAX));
    }

    #[test]
    fn a_label_without_room_gets_shorter() {
        let lanes = lay_out(&[fault(1, 300, 700)], 120, |ns| ns as f64 / 1_000.0);
        assert_eq!(lanes.bars[0].label, "1");
    }

    #[test]
    fn a_label_at_the_end_turns_left() {
        let lanes = lay(&[fault(1, 990, 2_000)]);
        assert!(lanes.bars[0].label_at < lanes.bars[0].from);
    }
}
