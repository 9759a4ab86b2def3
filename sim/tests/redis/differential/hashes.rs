//! Commands on hashes. They stay so small that Redis keeps them in the order of insertion.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let key = || one(key(&["hash"]));
    let field = || one_of(&["f", "g", "h", "n", ""]);
    // Small hashes are told at once, whatever the cursor.
    let cursor = prop_oneof![start(), number(), one_of(&["18446744073709551615", "-1", "+5"])];
    let amount = || one_of(&["0.1", "-0.25", "3", "1e3", "inf", "x", "12345678.9"]);
    any_of(vec![
        command!("HSET", key(), pairs(field(), value())),
        command!("HSET", key(), pairs(field(), number())),
        command!("HSET", key(), many(field(), 0..4)),
        command!("HMSET", key(), pairs(field(), value())),
        command!("HSETNX", key(), one(field()), one(value())),
        command!("HGET", key(), one(field())),
        command!("HMGET", key(), many(field(), 1..4)),
        command!("HDEL", key(), many(field(), 1..4)),
        command!("HGETALL", key()),
        command!("HKEYS", key()),
        command!("HVALS", key()),
        command!("HLEN", key()),
        command!("HEXISTS", key(), one(field())),
        command!("HSTRLEN", key(), one(field())),
        command!("HINCRBY", key(), one(field()), one(number())),
        command!("HINCRBYFLOAT", key(), one(field()), one(amount())),
        command!("HSCAN", key(), one(cursor), option(&["MATCH", "f*", "COUNT", "10"])),
        command!("HSCAN", key(), one(start()), option(&["match", "?", "NOVALUES", "0"])),
        command!("HRANDFIELD", key(), many(number(), 0..2)),
    ])
}
