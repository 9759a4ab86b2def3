//! Commands on sets. What is popped by chance would set the two apart, so that only whole sets are.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let key = || one(key(&["set", "set2", "ints"]));
    let keys = || many(super::words::key(&["set", "set2", "ints"]), 1..4);
    let member = || prop_oneof![one_of(&["a", "b", "c", ""]), number()];
    any_of(vec![
        command!("SADD", key(), many(member(), 1..5)),
        command!("SADD", one(Just("ints".to_owned())), many(number(), 1..5)),
        command!("SREM", key(), many(member(), 1..3)),
        command!("SCARD", key()),
        command!("SISMEMBER", key(), one(member())),
        command!("SMISMEMBER", key(), many(member(), 1..4)),
        command!("SMEMBERS", key()),
        command!("SMOVE", key(), key(), one(member())),
        command!("SPOP", key(), one(one_of(&["100", "0", "-1", "x"]))),
        command!("SRANDMEMBER", key(), many(number_small(), 0..2)),
        command!("SUNION", keys()),
        command!("SINTER", keys()),
        command!("SDIFF", keys()),
        command!("SUNIONSTORE", keys(), keys()),
        command!("SINTERSTORE", keys(), keys()),
        command!("SDIFFSTORE", keys(), keys()),
        command!("SINTERCARD", one(one_of(&["1", "2", "0", "x"])), keys(), option(&["LIMIT", "1"])),
        command!(
            "SSCAN",
            key(),
            one(start()),
            Just(vec!["COUNT".into(), "1000".into()]),
            option(&["MATCH", "[a-b]", "*", "1*"])
        ),
    ])
}

fn number_small() -> impl Strategy<Value = String> + Clone {
    one_of(&["0", "1", "3", "100", "-1", "-5", "x"])
}
