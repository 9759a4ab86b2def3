//! The `long double` in which Redis adds floats on x86: 64 bits of mantissa, written with 17
//! decimals.
//!
//! It knows nothing of commands.

use std::fmt;
use std::ops::Add;

use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round, Status};

/// Decimals that are written: `%.17Lf`.
const DECIMALS: u32 = 17;

/// The longest text that is read as a number: `MAX_LONG_DOUBLE_CHARS`.
const TEXT_BYTES_MAX: usize = 5 * 1024;

/// A float of the x87.
#[derive(Clone, Copy, Debug)]
pub struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Nothing.
    pub const ZERO: Self = Self(X87DoubleExtended::ZERO);

    /// Reads a number as C does; `None` for what is none, does not fit, or is NaN.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() >= TEXT_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
        let negative = text.starts_with('-');
        let value = match bare.to_ascii_lowercase().as_str() {
            "inf" | "infinity" => X87DoubleExtended::INFINITY,
            digits if digits.starts_with("0x") => {
                // C needs no exponent in a number of base 16.
                let exponent = if digits.contains('p') { "" } else { "p0" };
                format!("{digits}{exponent}").parse().ok()?
            }
            digits if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
                let read = X87DoubleExtended::from_str_r(digits, Round::NearestTiesToEven).ok()?;
                let too_much = read.status.intersects(Status::OVERFLOW);
                let too_little = read.status.intersects(Status::UNDERFLOW) && read.value.is_zero();
                if too_much || too_little {
                    return None;
                }
                read.value
            }
            _ => return None,
        };
        Some(Self(if negative { -value } else { value }))
    }

    /// A thousand times as much, rounded up to an integer, if that fits: seconds as milliseconds.
    pub fn thousandfold(self) -> Option<i64> {
        let product = (self.0 * X87DoubleExtended::from_u128(1000).value).value;
        let rounded = product.to_i128_r(64, Round::TowardPositive, &mut false);
        (!rounded.status.intersects(Status::INVALID_OP)).then_some(rounded.value as i64)
    }

    /// Whether it is a number that can be written.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }
}

impl Add for LongDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).value)
    }
}

impl fmt::Display for LongDouble {
    /// As Redis writes it for people: without zeros at the end of the decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_finite() {
            return f.write_str(if self.0.is_negative() { "-inf" } else { "inf" });
        }
        // Sign and exponent in 16 bits, then the mantissa with its leading one.
        let bits = self.0.to_bits();
        let mantissa = bits & u128::from(u64::MAX);
        let exponent = i32::try_from((bits >> 64) & 0x7fff).expect("15 bits") - 16383 - 63;
        let (whole, decimals) = split(mantissa, exponent);
        let text = format!("{whole}.{decimals:017}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let zero = text == "0";
        write!(f, "{}{text}", if self.0.is_negative() && !zero { "-" } else { "" })
    }
}

/// The digits before the point of `mantissa` × 2^`exponent`, and the decimals as a number.
fn split(mantissa: u128, exponent: i32) -> (String, u128) {
    let Ok(right) = u32::try_from(-exponent) else {
        return (doubled(mantissa, u32::try_from(exponent).expect("it is positive")), 0);
    };
    if right == 0 {
        return (mantissa.to_string(), 0);
    }
    let scale = 10_u128.pow(DECIMALS);
    // 64 bits of mantissa and 57 bits of scale fit; what is shifted out decides how it is rounded.
    let scaled = mantissa * scale;
    if right > 127 {
        return ("0".to_owned(), 0);
    }
    let (kept, rest) = (scaled >> right, scaled & ((1 << right) - 1));
    let half = 1 << (right - 1);
    let up = rest > half || (rest == half && kept % 2 == 1);
    let rounded = kept + u128::from(up);
    ((rounded / scale).to_string(), rounded % scale)
}

/// The digits of `number` × 2^`times`.
fn doubled(number: u128, times: u32) -> String {
    let mut digits: Vec<u8> = number.to_string().bytes().rev().map(|digit| digit - b'0').collect();
    for _ in 0..times {
        let mut carry = 0;
        for digit in &mut digits {
            let twice = *digit * 2 + carry;
            (*digit, carry) = (twice % 10, twice / 10);
        }
        digits.extend((carry > 0).then_some(carry));
    }
    digits.iter().rev().map(|digit| char::from(digit + b'0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let number = |text: &str| LongDouble::parse(text.as_bytes()).expect("a number");
        (number(a) + number(b)).to_string()
    }

    #[test]
    fn sums_are_those_of_the_x87() {
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("10.50", "0.1"), "10.6");
        assert_eq!(sum("5.0e3", "2.0e2"), "5200");
        assert_eq!(sum("1e19", "1"), "10000000000000000001");
        assert_eq!(sum("-0.5", "0.25"), "-0.25");
        assert_eq!(sum("3.0000000000000000000001", "0"), "3");
        assert_eq!(sum("1e-18", "0"), "0");
    }

    #[test]
    fn milliseconds_are_rounded_up() {
        let ms = |text: &str| LongDouble::parse(text.as_bytes()).expect("a number").thousandfold();
        assert_eq!((ms("0.001"), ms("0.0001"), ms("16.1")), (Some(1), Some(1), Some(16_100)));
        assert_eq!(
            (ms("-0.5"), ms("0"), ms("1e300"), ms("inf")),
            (Some(-500), Some(0), None, None)
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", " 1", "1 ", "x", "nan", "1e99999", "--1"] {
            assert!(LongDouble::parse(text.as_bytes()).is_none(), "{text:?}");
        }
    }
}
