//! Commands on strings.

use proptest::prelude::*;

use super::words::*;

const OWN: &[&str] = &["str", "num", "num"];

fn expiry() -> impl Strategy<Value = Line> {
    let pair = |unit: &str, word: String| vec![unit.to_owned(), word];
    prop_oneof![
        4 => Just(vec![]),
        2 => span().prop_map(move |word| pair("EX", word)),
        2 => span().prop_map(move |word| pair("px", word)),
        1 => moment(1).prop_map(move |word| pair("EXAT", word)),
        1 => moment(1000).prop_map(move |word| pair("PXAT", word)),
        1 => one_of(&["KEEPTTL", "PERSIST", "ex", "PX", "FOO"]).prop_map(|word| vec![word]),
    ]
}

fn amount() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => one_of(&["0.1", "-0.25", "3", "1e3", "1.5e-5", "0.30000000000000004", "12345678.9"]),
        1 => one_of(&["inf", "nan", "x", "", " 1", "1e5000", "0x10", "-0"]),
    ]
}

pub fn command() -> BoxedStrategy<Line> {
    let key = || one(key(OWN));
    let settable = || prop_oneof![3 => value(), 2 => number(), 1 => amount()];
    let offset = || {
        one(
            prop_oneof![6 => one_of(&["0", "1", "7", "8", "20", "100"]), 1 => one_of(&["-1", "x", "", "01", "4294967296"])],
        )
    };
    let unit = || prop_oneof![2 => Just(vec![]), 2 => one(one_of(&["BIT", "byte", "foo"]))];
    any_of(vec![
        command!("SETBIT", key(), offset(), one(one_of(&["0", "1", "1", "2", "x"]))),
        command!("GETBIT", key(), offset()),
        command!("BITCOUNT", key(), many(number(), 0..3)),
        command!("BITCOUNT", key(), many(number(), 2..3), unit()),
        command!("BITPOS", key(), one(one_of(&["0", "1", "1", "2", "x"])), many(number(), 0..3)),
        command!("BITPOS", key(), one(one_of(&["0", "1"])), many(number(), 2..3), unit()),
        command!(
            "BITOP",
            one(one_of(&["AND", "or", "XOR", "NOT", "foo"])),
            key(),
            many(any_key(), 1..4)
        ),
        command!("SET", key(), one(settable()), option(&["NX", "xx", "GET"]), expiry()),
        command!("SET", key(), one(settable()), expiry()),
        command!("get", key()),
        command!("GETEX", key(), expiry()),
        command!("GETDEL", key()),
        command!("GETSET", key(), one(value())),
        command!("SETNX", key(), one(value())),
        command!("SETEX", key(), one(span()), one(value())),
        command!("PSETEX", key(), one(span()), one(value())),
        command!("MGET", many(any_key(), 1..4)),
        command!("MSET", pairs(one_of(OWN), value())),
        command!("MSETNX", pairs(one_of(&["num", "other", "new"]), value())),
        command!("APPEND", key(), one(value())),
        command!("STRLEN", key()),
        command!("GETRANGE", key(), one(number()), one(number())),
        command!("SUBSTR", key(), one(number()), one(number())),
        command!("SETRANGE", key(), one(number()), one(value())),
        command!("INCR", key()),
        command!("DECR", key()),
        command!("INCRBY", key(), one(number())),
        command!("DECRBY", key(), one(number())),
        command!("INCRBYFLOAT", key(), one(amount())),
        command!(
            "LCS",
            one(one_of(OWN)),
            one(one_of(OWN)),
            option(&["LEN", "IDX", "WITHMATCHLEN", "MINMATCHLEN"])
        ),
    ])
}
