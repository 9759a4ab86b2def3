//! Waiting for sorted sets.

use proptest::prelude::*;

use super::waits::timeout;
use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let key = || one_of(&["zset", "zset2", "str"]);
    let zset = || one(one_of(&["zset", "zset2"]));
    let pairs = || pairs(one_of(&["1", "2", "-0.5"]), one_of(&["a", "b", "c"]));
    let pops = || {
        (many(key(), 1..3), one_of(&["MIN", "MAX"]))
            .prop_map(|(keys, end)| [vec![keys.len().to_string()], keys, vec![end]].concat())
    };
    prop_oneof![
        6 => command!("ZADD", zset(), pairs()),
        2 => command!("ZINCRBY", zset(), Just(vec!["1".into(), "a".into()])),
        2 => command!("ZRANGESTORE", zset(), zset(), Just(vec!["0".into(), "-1".into()])),
        2 => command!("ZUNIONSTORE", zset(), Just(vec!["2".into()]), zset(), zset()),
        2 => command!("DEL", many(key(), 1..3)),
        1 => command!("SET", zset(), one(value())),
        1 => command!("RENAME", zset(), zset()),
        2 => command!("ZRANGE", zset(), Just(vec!["0".into(), "-1".into(), "WITHSCORES".into()])),
        1 => command!("ZPOPMIN", zset()),
        1 => command!("SELECT", one(one_of(&["0", "0", "1"]))),
        4 => command!("BZPOPMIN", many(key(), 1..4), one(timeout())),
        4 => command!("BZPOPMAX", many(key(), 1..4), one(timeout())),
        3 => command!("BZMPOP", one(timeout()), pops()),
        2 => command!("BZMPOP", one(timeout()), pops(), one(Just("COUNT".into())), one(number())),
        3 => command!("MULTI"),
        4 => command!("EXEC"),
        1 => command!("HELLO", one(one_of(&["2", "3"]))),
    ]
    .boxed()
}
