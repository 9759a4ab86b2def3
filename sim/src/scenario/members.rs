//! `members` of a group workload: how large its groups are.
//!
//! Knows nothing of who the members are.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// How many members the groups of a workload have.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Members {
    /// The same number in each group.
    Exactly(u32),
    /// Many small groups and a few large ones.
    Zipf(Zipf),
}

/// Group sizes of which size `k` is as frequent as `k` to the power of `-zipf`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zipf {
    /// The exponent; the greater it is, the rarer are large groups.
    pub zipf: f64,
    /// Members of the smallest group.
    pub min: u32,
    /// Members of the largest group.
    pub max: u32,
}

impl Members {
    /// Members of each of `groups` groups, in ascending order. They are spread evenly over the
    /// distribution, its ends included, instead of drawn: every seed has the same sizes, and the
    /// differences between seeds are none of theirs.
    pub fn sizes(&self, groups: u32) -> Vec<u32> {
        let Zipf { zipf, min, max } = match self {
            Self::Exactly(size) => return vec![*size; groups as usize],
            Self::Zipf(shape) => shape,
        };
        let mut cumulated = 0.0;
        let ladder: Vec<(u32, f64)> = (*min..=*max)
            .map(|size| {
                cumulated += f64::from(size).powf(-zipf);
                (size, cumulated)
            })
            .collect();
        let steps = f64::from(groups.saturating_sub(1));
        (0..groups)
            .map(|group| {
                let share = if steps > 0.0 { f64::from(group) / steps } else { 0.5 };
                let rung = ladder.partition_point(|(_, below)| *below < share * cumulated);
                ladder[rung.min(ladder.len() - 1)].0
            })
            .collect()
    }

    /// Members of a group on average, nearly: sizes as if they were continuous.
    pub fn mean(&self) -> f64 {
        let Zipf { zipf, min, max } = match self {
            Self::Exactly(size) => return f64::from(*size),
            Self::Zipf(shape) => shape,
        };
        let (min, max) = (f64::from(*min), f64::from(*max));
        // The integral of a power of the size.
        let sum = |power: f64| match power + 1.0 {
            0.0 => (max / min).ln(),
            above => (max.powf(above) - min.powf(above)) / above,
        };
        if min == max { min } else { sum(1.0 - zipf) / sum(-zipf) }
    }

    /// Members of the largest group.
    pub fn max(&self) -> u32 {
        match self {
            Self::Exactly(size) => *size,
            Self::Zipf(shape) => shape.max,
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrZipf;

        impl<'de> Visitor<'de> for NumberOrZipf {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or { zipf = 1.2, min = 3, max = 100 }")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Members, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Signed(number), &"u32");
                u32::try_from(number).map(Members::Exactly).map_err(|_| wrong())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Members, A::Error> {
                Zipf::deserialize(MapAccessDeserializer::new(map)).map(Members::Zipf)
            }
        }

        deserializer.deserialize_any(NumberOrZipf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_spread_over_the_distribution_with_its_ends() {
        let members = Members::Zipf(Zipf { zipf: 1.2, min: 3, max: 100 });
        let sizes = members.sizes(31);
        assert_eq!((sizes.len(), sizes[0], sizes[30]), (31, 3, 100));
        assert!(sizes.is_sorted());
        let below_ten = sizes.iter().filter(|size| **size < 10).count();
        assert!((12..20).contains(&below_ten), "{sizes:?}");
        assert_eq!(members.sizes(0), Vec::<u32>::new());
        assert!((3..=100).contains(&members.sizes(1)[0]));
        assert_eq!(Members::Exactly(7).sizes(3), [7, 7, 7]);
    }
}
