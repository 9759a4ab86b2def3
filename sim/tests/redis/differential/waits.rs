//! Commands of several clients: transactions, watched keys, and waiting for lists.
//!
//! Only such whose replies are compared byte by byte: what a client was sent is not taken apart.

use proptest::prelude::*;

use super::words::*;

/// How long to wait, in seconds.
pub fn timeout() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => one_of(&["0", "0.1", "0.5", "1", "2.25", "0.001", "0.002"]),
        1 => one_of(&["-1", "x", "", "inf", "1e300", "nan", "0.0001"]),
    ]
}

pub fn command() -> BoxedStrategy<Line> {
    let key = || one_of(&["list", "list2", "list3", "str"]);
    let list = || one(key());
    let side = || one(one_of(&["LEFT", "RIGHT"]));
    prop_oneof![
        5 => command!("RPUSH", list(), many(one_of(&["a", "b", "c"]), 1..4)),
        3 => command!("LPUSH", list(), many(one_of(&["a", "b", "c"]), 1..4)),
        2 => command!("DEL", many(key(), 1..3)),
        2 => command!("SET", list(), one(value()), option(&["GET"])),
        1 => command!("SET", one(Just("str".to_owned())), one(value()), one(Just("PX".into())), one(span())),
        1 => command!("PEXPIRE", list(), one(span())),
        2 => command!("RENAME", list(), list()),
        2 => command!("LRANGE", list(), Just(vec!["0".into(), "-1".into()])),
        1 => command!("LLEN", list()),
        1 => command!("DBSIZE"),
        1 => command!("MOVE", list(), one(Just("1".to_owned()))),
        1 => command!("SELECT", one(one_of(&["0", "0", "1"]))),
        4 => command!("BLPOP", many(key(), 1..4), one(timeout())),
        3 => command!("BRPOP", many(key(), 1..4), one(timeout())),
        2 => command!("BLMOVE", list(), list(), side(), side(), one(timeout())),
        2 => command!("BRPOPLPUSH", list(), list(), one(timeout())),
        2 => command!("BLMPOP", one(timeout()), one(Just("2".to_owned())), list(), list(), side(),
            option(&["COUNT", "2"])),
        2 => command!("BLMPOP", one(timeout()), one(Just("2".to_owned())), list(), list(), side(),
            one(Just("COUNT".to_owned())), one(one_of(&["1", "2", "9"]))),
        2 => command!("LMOVE", list(), list(), side(), side()),
        1 => command!("CLIENT", one(Just("REPLY".to_owned())), one(one_of(&["SKIP", "ON"]))),
        3 => command!("MULTI"),
        5 => command!("EXEC"),
        1 => command!("DISCARD"),
        4 => command!("WATCH", many(key(), 1..3)),
        1 => command!("UNWATCH"),
        1 => command!("HELLO", one(one_of(&["2", "3"]))),
        1 => command!("NOSUCH", many(key(), 0..2)),
        1 => command!("FLUSHALL"),
    ]
    .boxed()
}
