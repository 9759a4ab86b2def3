//! How figures are written for people: grouped digits, durations, rates, percentiles.
//!
//! Must not know what a figure is about; machine-readable output never passes through here.

/// A count with its thousands separated: `1,234,567`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration with three significant digits in the unit that suits it: `812 µs`, `76.3 ms`, `1.24 s`.
pub fn duration(ns: u64) -> String {
    const UNITS: [(&str, f64); 3] = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6)];
    let value = ns as f64;
    for (unit, size) in UNITS {
        // 999.5 and above would round to 1,000: the next unit says it better.
        if value / size < 999.5 {
            return format!("{} {unit}", significant(value / size));
        }
    }
    format!("{} s", significant(value / 1e9))
}

/// A point on the scenario's clock: `20 s`, `20.25 s`.
pub fn clock(ns: u64) -> String {
    format!("{} s", seconds(ns))
}

/// A stretch of the scenario's clock: `20–30 s`; one point when it has no length.
pub fn window(from_ns: u64, until_ns: u64) -> String {
    if from_ns == until_ns {
        return clock(from_ns);
    }
    format!("{}–{} s", seconds(from_ns), seconds(until_ns))
}

/// A point on the scenario's clock to the microsecond, so that events can be told apart.
pub fn instant(ns: u64) -> String {
    format!("{}.{:06} s", ns / 1_000_000_000, ns % 1_000_000_000 / 1_000)
}

/// A rate or a ratio: three significant digits below 1,000, grouped digits above.
pub fn rate(value: f64) -> String {
    significant(value)
}

/// A figure and how far it may be off: `3.15 ± 0.05`; the margin has a digit at least, unless it is
/// tiny.
pub fn with_margin(value: f64, margin: f64) -> String {
    if value == 0.0 && margin == 0.0 {
        return "0".to_owned();
    }
    let of_value = decimals(value.abs());
    let of_margin = if margin > 0.0 { (-margin.log10()).ceil().max(0.0) as usize } else { 0 };
    let decimals = of_value.max(of_margin.min(of_value + 1));
    let digits = |value: f64| match decimals {
        0 => count(value.round() as u64),
        _ => format!("{value:.decimals$}"),
    };
    format!("{} ± {}", digits(value), digits(margin))
}

/// A share of a whole: `0.5 %`; `–` of nothing.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{} %", significant(part as f64 * 100.0 / whole as f64))
}

/// A share from 0 to 1, in percent with one decimal: `41.8 %`.
pub fn percentage(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The name of a percentile: `p50`, `p99.9`.
pub fn percentile(percentile: f64) -> String {
    format!("p{percentile}")
}

/// Seconds with at most three decimals and no trailing zeros.
fn seconds(ns: u64) -> String {
    let ms = (ns + 500_000) / 1_000_000;
    let text = format!("{}.{:03}", count(ms / 1_000), ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value < 0.0 {
        return format!("−{}", significant(-value));
    }
    let decimals = decimals(value);
    if decimals == 0 {
        return count(value.round() as u64);
    }
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Decimals with which a figure above zero has about three digits.
fn decimals(value: f64) -> usize {
    match value {
        v if v < 0.0995 => 3,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_keeps_a_digit() {
        assert_eq!(with_margin(3.1492, 0.0512), "3.15 ± 0.05");
        assert_eq!(with_margin(3.1492, 0.0041), "3.149 ± 0.004");
        assert_eq!(with_margin(3.1492, 0.0), "3.15 ± 0.00");
        assert_eq!(with_margin(12_345.6, 17.2), "12,346 ± 17");
        assert_eq!(with_margin(512.3, 0.4), "512.3 ± 0.4");
        assert_eq!(with_margin(0.0, 0.0), "0");
    }

    #[test]
    fn counts_are_grouped() {
        for (value, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (12_345, "12,345")]
        {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn durations_change_unit_before_they_round_up() {
        for (ns, text) in [
            (0, "0 ns"),
            (812_000, "812 µs"),
            (76_340_000, "76.3 ms"),
            (1_240_000_000, "1.24 s"),
            (999_499, "999 µs"),
            (999_500, "1 ms"),
            (1_500, "1.5 µs"),
            (145_200_000_000, "145 s"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn clocks_drop_what_is_zero() {
        assert_eq!(window(20_000_000_000, 30_250_000_000), "20–30.25 s");
        assert_eq!(window(5_000_000_000, 5_000_000_000), "5 s");
        assert_eq!(instant(12_345_678_900), "12.345678 s");
    }

    #[test]
    fn rates_never_print_noise() {
        assert_eq!(rate(f64::NAN), "–");
        assert_eq!(rate(0.0), "0");
        assert_eq!(rate(199.96), "200");
        assert_eq!(rate(4_512.3), "4,512");
        assert_eq!(rate(1.0234), "1.02");
        assert_eq!(share(1, 0), "–");
        assert_eq!(share(5, 1_000), "0.5 %");
    }
}
