//! Ranges of scores, and of members by their bytes.

/// A range of scores.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ScoreRange {
    /// The lower end.
    pub min: f64,
    /// Whether the lower end itself lies outside.
    pub min_excluded: bool,
    /// The upper end.
    pub max: f64,
    /// Whether the upper end itself lies outside.
    pub max_excluded: bool,
}

impl ScoreRange {
    pub(super) fn above_min(&self, score: f64) -> bool {
        if self.min_excluded { score > self.min } else { score >= self.min }
    }

    pub(super) fn below_max(&self, score: f64) -> bool {
        if self.max_excluded { score < self.max } else { score <= self.max }
    }
}

/// An end of a range of members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LexEnd {
    /// Before every member.
    Lowest,
    /// At this text, and whether it lies outside itself.
    At(Vec<u8>, bool),
    /// Behind every member.
    Highest,
}

/// A range of members by their bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LexRange {
    /// The lower end.
    pub min: LexEnd,
    /// The upper end.
    pub max: LexEnd,
}

impl LexRange {
    pub(super) fn above_min(&self, member: &[u8]) -> bool {
        match &self.min {
            LexEnd::Lowest => true,
            LexEnd::At(text, true) => member > text.as_slice(),
            LexEnd::At(text, false) => member >= text.as_slice(),
            LexEnd::Highest => false,
        }
    }

    pub(super) fn below_max(&self, member: &[u8]) -> bool {
        match &self.max {
            LexEnd::Lowest => false,
            LexEnd::At(text, true) => member < text.as_slice(),
            LexEnd::At(text, false) => member <= text.as_slice(),
            LexEnd::Highest => true,
        }
    }

    /// Whether no text at all lies within.
    pub(super) fn is_empty(&self) -> bool {
        match (&self.min, &self.max) {
            (LexEnd::At(min, min_excluded), LexEnd::At(max, max_excluded)) => {
                min > max || min == max && (*min_excluded || *max_excluded)
            }
            (LexEnd::Highest, _) | (_, LexEnd::Lowest) => true,
            _ => false,
        }
    }
}
