//! Numbers as Redis reads and writes them.

/// Reads an integer: decimal, no spaces, no `+`, no leading zeros, no `-0`.
pub fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = digits.first().is_some_and(u8::is_ascii_digit);
    let canonical = digits.first() != Some(&b'0') || text == b"0";
    if !plain || !canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a score as `ZADD` does: finite numbers that fit, and infinities by name.
pub fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value = double(text)?;
    let named = text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'n'));
    let mantissa = match text.contains(['x', 'X']) {
        true => text.split(['p', 'P']).next(),
        false => text.split(['e', 'E']).next(),
    };
    let nonzero = mantissa
        .unwrap_or("")
        .bytes()
        .any(|byte| matches!(byte, b'1'..=b'9' | b'a'..=b'f' | b'A'..=b'F'));
    let underflow = value == 0.0 && nonzero;
    let overflow = value.is_infinite() && !named;
    (!value.is_nan() && !underflow && !overflow).then_some(value)
}

/// Reads the end of a range of scores: like [`float`], but nothing at all is zero and what does
/// not fit is rounded.
pub fn bound(text: &[u8]) -> Option<f64> {
    if text.is_empty() {
        return Some(0.0);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value = double(text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']))?;
    (!value.is_nan()).then_some(value)
}

/// Reads a number as C's `strtod` does, in decimal or hexadecimal digits. What does not fit is
/// rounded to zero or to infinity.
pub fn double(text: &str) -> Option<f64> {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(digits) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) else {
        return text.parse().ok();
    };
    let (digits, exponent) = match digits.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(part.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let places = i32::try_from(part.len()).ok()?;
    let value = value * 2_f64.powi(exponent.saturating_sub(4 * places));
    Some(if text.starts_with('-') { -value } else { value })
}

/// Reads a number from the start of a text, as C's `strtod` does; it, and how long it is.
pub fn leading_double(text: &[u8]) -> Option<(f64, usize)> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let end = text.iter().position(|byte| !belongs(byte)).unwrap_or(text.len());
    let text = std::str::from_utf8(&text[..end]).expect("these are all ASCII");
    (1..=end).rev().find_map(|len| Some((double(&text[..len])?, len)))
}

/// Writes a double as C's `%.17g` does.
pub fn write_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a decimal exponent");
    if (-4..17).contains(&exponent) {
        let decimals = usize::try_from(16 - exponent).expect("the exponent is below 17");
        return trim_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_strictly() {
        for (text, value) in [("0", 0), ("-7", -7), ("9223372036854775807", i64::MAX)] {
            assert_eq!(integer(text.as_bytes()), Some(value));
        }
        for text in ["", "-", "+1", " 1", "1 ", "01", "-0", "00", "1.0", "9223372036854775808"] {
            assert_eq!(integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn floats_that_do_not_fit_are_refused() {
        assert_eq!(float(b"-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(float(b"0e5"), Some(0.0));
        assert_eq!((float(b"-0x1.8P1"), float(b"0x10")), (Some(-3.0), Some(16.0)));
        for text in ["", "nan", " 1", "1x", "1e999", "1e-999", "0x", "0x1p", "0x.p1"] {
            assert_eq!(float(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!((bound(b""), bound(b"1e999")), (Some(0.0), Some(f64::INFINITY)));
    }

    #[test]
    fn floats_are_written_with_seventeen_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1e-4, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (1e300, "1.0000000000000001e+300"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(write_float(value), text);
        }
    }
}
