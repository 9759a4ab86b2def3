//! Commands on the connection, and requests that are hardly commands.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let connection = prop_oneof![
        command!("PING", many(value(), 0..3)),
        command!("ECHO", one(value())),
        command!("SELECT", one(prop_oneof![3 => one_of(&["0", "1"]), 1 => number()])),
        command!("CLIENT", one(one_of(&["SETNAME", "setname"])), one(one_of(&["", "me", "a b"]))),
        command!("CLIENT", one(one_of(&["GETNAME", "ID"]))),
        command!("CLIENT", Just(vec!["SETINFO".into(), "LIB-NAME".into(), "redis-rs".into()])),
        command!("HELLO", many(prop_oneof![one_of(&["2", "3", "4"]), number()], 0..2)),
        command!("HELLO", one(one_of(&["3"])), one_or_two_options()),
        command!("FLUSHALL", option(&["ASYNC", "sync", "now"])),
    ];
    // Anything at all, with any number of words; but no long values into hashes, whose order is
    // then any.
    let names = one_of(&[
        "GET",
        "SET",
        "DEL",
        "HGET",
        "HGETALL",
        "ZADD",
        "ZCARD",
        "TTL",
        "SELECT",
        "ECHO",
        "CLIENT",
        "Foo",
        "two words",
        "",
        "FLUSHALL",
        "ZREMRANGEBYRANK",
        "DBSIZE",
        "EXPIRE",
    ]);
    let long = Just("long ".repeat(40));
    let any_word =
        prop_oneof![4 => value(), 2 => one_of(&["string", "hash", "set", "other", ""]), 1 => long];
    let anything = (names, many(any_word, 0..5)).prop_map(|(name, mut words)| {
        words.insert(0, name);
        words
    });
    prop_oneof![2 => connection, 2 => anything].boxed()
}

fn one_or_two_options() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(vec!["SETNAME".into(), "you".into()]),
        Just(vec!["SETNAME".into()]),
        Just(vec!["AUTH".into(), "default".into(), "any".into()]),
        Just(vec!["AUTH".into(), "me".into(), "any".into()]),
        Just(vec!["FOO".into()]),
    ]
}
