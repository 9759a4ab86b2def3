//! Pieces that commands are made of.

use proptest::prelude::*;

/// The words of a command that is generated.
pub type Line = Vec<String>;

/// A command with arguments from these parts, each a list of words.
macro_rules! command {
    ($name:expr $(, $part:expr)* $(,)?) => {{
        let all = proptest::prelude::Just(vec![$name.to_owned()]).boxed();
        $(
            let all = (all, $part).prop_map(|(mut all, part): (Vec<String>, Vec<String>)| {
                all.extend(part);
                all
            }).boxed();
        )*
        all
    }};
}
pub(crate) use command;

/// One of these commands, at the same odds each.
pub fn any_of(commands: Vec<BoxedStrategy<Line>>) -> BoxedStrategy<Line> {
    proptest::strategy::Union::new(commands).boxed()
}

/// One of these words.
pub fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(words).prop_map(str::to_owned)
}

/// Mostly a key that holds this kind of value, now and then any.
pub fn key(own: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop_oneof![12 => one_of(own), 1 => any_key()]
}

/// Any key.
pub fn any_key() -> impl Strategy<Value = String> + Clone {
    one_of(&["str", "num", "hash", "list", "list2", "set", "set2", "ints", "zset", "other", ""])
}

/// A value.
pub fn value() -> impl Strategy<Value = String> + Clone {
    one_of(&["x", "", "12", "two words", "line\r\nend", "naïve", "zero\0byte", "%s"])
}

/// Mostly a small whole number.
pub fn number() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        12 => (-9..9_i64).prop_map(|number| number.to_string()),
        1 => one_of(&["", "+1", " 1", "01", "-0", "1.0", "x", "9223372036854775807",
            "-9223372036854775808", "9223372036854775808", "2147483648"]),
    ]
}

/// A number of milliseconds or seconds that may pass while a sequence runs.
pub fn span() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        8 => one_of(&["1", "2", "5", "100", "499", "500", "1500", "10000"]),
        1 => one_of(&["0", "-5", "x", "", "9223372036854775807", "9223372036854775", "-9223372036854775808"]),
    ]
}

/// A time of day around that of a sequence, in units of which there are so many in a second.
pub fn moment(per_second: i64) -> impl Strategy<Value = String> + Clone {
    let start = super::real::start_ms() / 1000 * per_second;
    prop_oneof![
        8 => (-2..12_i64).prop_map(move |after| (start + after * per_second).to_string()),
        1 => one_of(&["0", "-1", "x", "9223372036854775807", "1"]),
    ]
}

/// A cursor that means the start of a scan, or nothing. Any other would go on at a place of its own
/// in each server, where not everything is told at once.
pub fn start() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => one_of(&["0"]),
        1 => one_of(&["", "-0", "+0", "00", "-", "+", " 0", "0 ", "x", "0x0", "0\0x", "--0",
            "18446744073709551616", "-18446744073709551616"]),
    ]
}

/// None, one or two of these words.
pub fn option(words: &'static [&'static str]) -> impl Strategy<Value = Line> + Clone {
    prop_oneof![
        3 => Just(vec![]),
        3 => one_of(words).prop_map(|word| vec![word]),
        1 => prop::collection::vec(one_of(words), 2..3),
    ]
}

/// The word as an argument.
pub fn one(word: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Line> {
    word.prop_map(|word| vec![word])
}

/// So many words.
pub fn many(
    word: impl Strategy<Value = String> + Clone,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Line> {
    prop::collection::vec(word, count)
}

/// One to three times both.
pub fn pairs(
    one: impl Strategy<Value = String> + Clone,
    other: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = Line> {
    prop::collection::vec((one, other), 1..4)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(one, other)| [one, other]).collect())
}
