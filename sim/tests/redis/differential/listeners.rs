//! Publishing and subscribing among several clients, in both protocols.
//!
//! No two patterns match one channel, and no pattern two channels: Redis would tell of them in the
//! order of a hash table.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let channel = || one_of(&["news", "late", "other", "two words", ""]);
    let pattern = || one_of(&["new*", "o?her", "[t]wo*", "\\*", ""]);
    let shard = || one_of(&["news", "shard"]);
    prop_oneof![
        6 => command!("SUBSCRIBE", many(channel(), 0..4)),
        4 => command!("PSUBSCRIBE", many(pattern(), 0..3)),
        3 => command!("ssubscribe", many(shard(), 0..3)),
        4 => command!("UNSUBSCRIBE", many(channel(), 0..3)),
        4 => command!("PUNSUBSCRIBE", many(pattern(), 0..3)),
        3 => command!("SUNSUBSCRIBE", many(shard(), 0..3)),
        14 => command!("PUBLISH", one(channel()), one(value())),
        4 => command!("SPUBLISH", one(shard()), one(value())),
        4 => command!("PING", many(value(), 0..3)),
        2 => command!("PUBSUB", one(one_of(&["CHANNELS", "shardchannels"])), many(pattern(), 1..3)),
        2 => command!("PUBSUB", one(one_of(&["NUMSUB", "SHARDNUMSUB"])), many(channel(), 0..4)),
        1 => command!("PUBSUB", one(one_of(&["NUMPAT", "numpat", "HELP", "foo"])), option(&["x"])),
        2 => command!("CLIENT", one(Just("REPLY".to_owned())), one(one_of(&["ON", "OFF", "SKIP"]))),
        3 => command!("HELLO", one(one_of(&["2", "3"]))),
        2 => command!("SET", one(one_of(&["str"])), one(value())),
        1 => command!("GET", one(one_of(&["str"]))),
        1 => command!("NOSUCH"),
        2 => command!("MULTI"),
        3 => command!("EXEC"),
        1 => command!("DISCARD"),
        1 => command!("RESET"),
        1 => command!("BLPOP", Just(vec!["list".into(), "0".into()])),
        1 => command!("RPUSH", Just(vec!["list".into()]), one(value())),
        1 => command!("EVAL", Just(vec!["return redis.call('publish', ARGV[1], 'said')".into(), "0".into()]), one(channel())),
    ]
    .boxed()
}
