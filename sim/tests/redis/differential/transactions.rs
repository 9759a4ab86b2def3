//! Transactions of several clients: what is queued, what fails when it is queued or when it runs, and
//! keys that are watched while others change them or their time ends.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    prop_oneof![10 => transactions(), 12 => changes(), 3 => waits(), 3 => refused()].boxed()
}

fn key() -> impl Strategy<Value = Line> {
    one(one_of(&["str", "str2", "list", "zset"]))
}

fn transactions() -> BoxedStrategy<Line> {
    let keys = || many(one_of(&["str", "str2", "list", "zset"]), 1..3);
    prop_oneof![
        8 => command!("MULTI"),
        9 => command!("EXEC"),
        1 => command!("discard"),
        8 => command!("WATCH", keys()),
        1 => command!("UNWATCH"),
        1 => command!("RESET"),
    ]
    .boxed()
}

fn changes() -> BoxedStrategy<Line> {
    let short = || one(one_of(&["1", "2", "5", "100", "0", "-1"]));
    prop_oneof![
        4 => command!("SET", key(), one(number())),
        3 => command!("SET", key(), one(value()), Just(vec!["PX".into()]), short()),
        2 => command!("GET", key()),
        3 => command!("INCR", key()),
        3 => command!("LPUSH", key(), many(value(), 1..3)),
        1 => command!("LPOP", key()),
        2 => command!("ZADD", key(), pairs(number(), value())),
        3 => command!("DEL", key()),
        3 => command!("PEXPIRE", key(), short()),
        1 => command!("PERSIST", key()),
        1 => command!("RENAME", key(), key()),
        1 => command!("COPY", key(), key(), option(&["REPLACE"])),
        1 => command!("EXISTS", key()),
        1 => command!("TTL", key()),
        1 => command!("SELECT", one(one_of(&["0", "0", "1"]))),
        1 => command!("MOVE", key(), one(one_of(&["0", "1"]))),
        1 => command!("FLUSHDB"),
        1 => command!("FLUSHALL"),
        1 => command!("HELLO", one(one_of(&["2", "3", "4"]))),
        1 => command!("EVAL", Just(vec!["return redis.call('incr', KEYS[1])".into(), "1".into()]), key()),
        1 => command!("EVAL", Just(vec!["return redis.pcall('lpush', KEYS[1], 'e')".into(), "1".into()]), key()),
        1 => command!("PUBLISH", one(one_of(&["news"])), one(value())),
    ]
    .boxed()
}

/// They wait for ever outside a transaction, and within it not at all.
fn waits() -> BoxedStrategy<Line> {
    let for_ever = || Just(vec!["0".to_owned()]);
    prop_oneof![
        3 => command!("BLPOP", key(), for_ever()),
        1 => command!("BRPOPLPUSH", key(), key(), for_ever()),
        2 => command!("BZPOPMIN", key(), key(), for_ever()),
        1 => command!("XREAD", Just(vec!["BLOCK".into(), "0".into(), "STREAMS".into()]), key(), one(one_of(&["0", "$"]))),
        1 => command!("WAIT", Just(vec!["0".to_owned()]), for_ever()),
    ]
    .boxed()
}

/// What cannot be queued.
fn refused() -> BoxedStrategy<Line> {
    prop_oneof![
        2 => command!("GET"),
        2 => command!("NOSUCH", many(value(), 0..3)),
        1 => command!("EXEC", one(value())),
        1 => command!("MULTI", one(value())),
        1 => command!("CLIENT", one(one_of(&["NO", "ID"]))),
        1 => command!("SUBSCRIBE"),
        1 => command!("PSYNC"),
    ]
    .boxed()
}
