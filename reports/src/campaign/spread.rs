//! How far a figure spreads over seeds.
//!
//! Must not know what the figure is.

/// The spread of a figure over seeds. All five are values that were measured: nothing is
/// interpolated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spread {
    /// The least.
    pub least: u64,
    /// The lower quartile.
    pub low: u64,
    /// The median; the lower one of two.
    pub mid: u64,
    /// The upper quartile.
    pub high: u64,
    /// The greatest.
    pub greatest: u64,
}

impl Spread {
    /// The spread of these values; absent without any.
    pub fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let (least, greatest) = (*values.first()?, *values.last()?);
        // The nearest rank: the smallest value with at least that share at or below it.
        let rank = |quarters: usize| values[(values.len() * quarters).div_ceil(4) - 1];
        Some(Spread { least, low: rank(1), mid: rank(2), high: rank(3), greatest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(Spread::of(Vec::new()), None);
        let spread = |values: &[u64]| {
            let Spread { least, low, mid, high, greatest } = Spread::of(values.to_vec()).unwrap();
            [least, low, mid, high, greatest]
        };
        assert_eq!(spread(&[7]), [7; 5]);
        assert_eq!(spread(&[4, 1, 3, 2]), [1, 1, 2, 3, 4]);
        assert_eq!(spread(&(1..=100).collect::<Vec<_>>()), [1, 25, 50, 75, 100]);
    }
}
