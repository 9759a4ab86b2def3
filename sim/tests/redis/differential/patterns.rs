//! Patterns, held against texts: a channel's name, and keys.

use proptest::prelude::*;

use super::several::Expired;
use super::words::*;
use super::{Step, several};

pub fn command() -> BoxedStrategy<Line> {
    let pattern = || one("[ab*?\\[\\]^\\\\é\\x01-]{0,7}");
    let text = || one(prop_oneof![3 => "[ab]{0,6}", 2 => "[ab*?\\[\\]^\\\\é\\x01-]{0,4}"]);
    prop_oneof![
        3 => command!("SET", text(), Just(vec!["v".to_owned()])),
        1 => command!("DEL", text()),
        6 => command!("KEYS", pattern()),
        3 => command!("SCAN", Just(vec!["0".into(), "COUNT".into(), "1000".into(), "MATCH".into()]), pattern()),
        2 => command!("KEYS", one(one_of(&["*", "**", "", "a**", "[", "[^", "\\", "[^]"]))),
    ]
    .boxed()
}

#[test]
fn patterns_of_many_stars_match_alike() {
    let mut pair = several::Pair::start(Expired::Stay);
    let of = |words: &[&str]| {
        Step::Command(0, words.iter().map(|word| word.as_bytes().to_vec()).collect())
    };
    let text = "a".repeat(2500);
    let mut steps = vec![of(&["SET", &text, "v"]), of(&["SET", "", "v"])];
    for stars in [1, 2, 999, 1000, 1001, 1002, 2000] {
        for (part, end) in
            [("*a", ""), ("*a", "*"), ("*a", "**"), ("a*", ""), ("**?", ""), ("a*", "b")]
        {
            let pattern = part.repeat(stars) + end;
            steps.push(of(&["KEYS", &pattern]));
            steps.push(of(&["SCAN", "0", "MATCH", &pattern]));
        }
    }
    if let Err(difference) = pair.compare(&steps) {
        panic!("{}", &difference[difference.len().saturating_sub(400)..]);
    }
}
