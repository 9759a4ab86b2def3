//! Scripts and the commands on them. Every sequence that has one begins without any.

use proptest::prelude::*;

use super::lua::script;
use super::words::*;
use super::{Step, keys, strings};

/// Scripts that are run by their digests as well.
const KNOWN: [(&str, &str); 3] = [
    ("return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"),
    ("return {KEYS,ARGV}", "667538fc7bc1737be485fe688c8f39e7ddc79782"),
    ("return redis.call('incrby', KEYS[1], ARGV[1])", "65b45e1e1b8b36c8c3e885080b88ae484e64fde6"),
];

/// Whether one of the commands has to do with scripts.
pub fn are_in(steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        let Step::Command(_, words) = step else { return false };
        let name = words[0].to_ascii_lowercase();
        name.starts_with(b"eval") || name == b"script"
    })
}

pub fn command() -> BoxedStrategy<Line> {
    prop_oneof![10 => running(), 2 => keeping(), 2 => strings::command(), 1 => keys::command()]
        .boxed()
}

/// Keys behind their number, which is mostly right, and arguments.
fn arguments() -> impl Strategy<Value = Line> {
    let count = prop_oneof![20 => Just(None), 1 => number().prop_map(Some)];
    let argument = prop_oneof![3 => number(), 2 => value()];
    (count, many(any_key(), 0..3), many(argument, 0..3)).prop_map(|(count, keys, arguments)| {
        let count = count.unwrap_or(keys.len().to_string());
        [vec![count], keys, arguments].concat()
    })
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![20 => script(), 1 => known(0), 1 => one_of(&["", "--", "return"])]
}

/// A text of [`KNOWN`], or its digest.
fn known(part: usize) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(&KNOWN[..]).prop_map(move |(text, sha)| [text, sha][part].to_owned())
}

fn digest() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        8 => known(1),
        2 => known(1).prop_map(|sha| sha.to_ascii_uppercase()),
        1 => one_of(&["", "x", "ffffffffffffffffffffffffffffffffffffffff"]),
    ]
}

fn running() -> BoxedStrategy<Line> {
    prop_oneof![
        16 => command!("EVAL", one(text()), arguments()),
        2 => command!("eval_ro", one(text()), arguments()),
        2 => command!("EVALSHA", one(digest()), arguments()),
        1 => command!("EVALSHA_RO", one(digest()), arguments()),
        1 => command!("EVAL", many(value(), 0..3)),
    ]
    .boxed()
}

fn keeping() -> BoxedStrategy<Line> {
    prop_oneof![
        4 => command!("SCRIPT", Just(vec!["LOAD".to_owned()]), one(known(0))),
        1 => command!("SCRIPT", Just(vec!["load".to_owned()]), one(text())),
        2 => command!("SCRIPT", Just(vec!["EXISTS".to_owned()]), many(digest(), 0..3)),
        1 => command!("SCRIPT", Just(vec!["FLUSH".to_owned()]), option(&["ASYNC", "sync", "now"])),
        1 => command!("SCRIPT", one(one_of(&["KILL", "HELP", "foo", "load"])), option(&["x"])),
    ]
    .boxed()
}
