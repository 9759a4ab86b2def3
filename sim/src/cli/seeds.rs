//! `--seeds`: `A..B` without B, `A..=B` with it, or one number.

use std::fmt;
use std::str::FromStr;

/// The most seeds of one campaign, which keeps a few figures of each.
const COUNT_MAX: u64 = 1_000_000;

/// A range of seeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

impl Seeds {
    /// Every seed, in order.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |step| self.first + step)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no range of seeds; write 1..200, 1..=200 or 7");
        let number = |part: &str| part.trim().parse::<u64>().map_err(|_| refuse());
        let Some((first, last)) = text.split_once("..") else {
            return Ok(Self { first: number(text)?, count: 1 });
        };
        let first = number(first)?;
        let count = match last.strip_prefix('=') {
            // The range of all seeds has one more than there are numbers.
            Some(last) => match number(last)?.checked_sub(first) {
                Some(more) => more.saturating_add(1),
                None => 0,
            },
            None => number(last)?.saturating_sub(first),
        };
        if count > COUNT_MAX {
            return Err(format!(
                "`{text}` are {count} seeds; at most {COUNT_MAX} make one campaign: write several"
            ));
        }
        Ok(Self { first, count })
    }
}

/// As the command line takes it; a range that ends with the last seed of all names it.
impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first.checked_add(self.count) {
            Some(end) => write!(f, "{}..{end}", self.first),
            None => write!(f, "{}..={}", self.first, u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_left_out_unless_asked_for() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| (seeds.first, seeds.count));
        assert_eq!(seeds("1..200"), Ok((1, 199)));
        assert_eq!(seeds("1..=200"), Ok((1, 200)));
        assert_eq!(seeds("7"), Ok((7, 1)));
        assert_eq!(seeds("9..3"), Ok((9, 0)));
        assert_eq!(seeds("9..=8"), Ok((9, 0)));
        let last = u64::MAX;
        assert_eq!(seeds(&format!("{last}")), Ok((last, 1)));
        assert_eq!(seeds(&format!("{}..={last}", last - 1)), Ok((last - 1, 2)));
        for many in [format!("0..{last}"), format!("0..={last}"), "0..1000001".to_owned()] {
            assert!(seeds(&many).unwrap_err().contains("write several"), "{many}");
        }
        for text in ["1..200", "18446744073709551615..=18446744073709551615", "3..3"] {
            assert_eq!(text.parse::<Seeds>().unwrap().to_string(), text);
        }
        for wrong in ["", "a..b", "1..=", "-1..3", "1...3"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
