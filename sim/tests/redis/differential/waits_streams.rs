//! Waiting for streams, by oneself and as a consumer of a group.

use proptest::prelude::*;

use super::streams::{consumer, group, groups};
use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let stream = || one(one_of(&["stream", "stream2"]));
    let id = || one(prop_oneof![6 => one_of(&["*"]), 1 => one_of(&["5-*", "7-1", "9-9"])]);
    let fields = || Just(vec!["f".to_owned(), "v".to_owned()]);
    let count = || option(&["COUNT", "1"]);
    let block = || {
        one(one_of(&["0", "1", "100", "2000", "-1", "x"]))
            .prop_map(|wait| [vec!["BLOCK".to_owned()], wait].concat())
    };
    let streams = |ids: &'static [&'static str]| {
        prop::collection::vec((stream(), one_of(ids)), 1..3).prop_map(|pairs| {
            let (keys, ids): (Vec<Line>, Vec<String>) = pairs.into_iter().unzip();
            [vec!["STREAMS".to_owned()], keys.concat(), ids].concat()
        })
    };
    let as_consumer = || {
        (group(), consumer())
            .prop_map(|(group, consumer)| [vec!["GROUP".to_owned()], group, consumer].concat())
    };
    prop_oneof![
        6 => command!("XADD", stream(), id(), fields()),
        1 => command!("XADD", stream(), Just(vec!["MAXLEN".into(), "0".into()]), id(), fields()),
        5 => groups(),
        1 => command!("XTRIM", stream(), Just(vec!["MAXLEN".into(), "0".into()])),
        1 => command!("XDEL", stream(), id()),
        1 => command!("DEL", stream()),
        1 => command!("SET", stream(), one(value())),
        1 => command!("RENAME", stream(), stream()),
        1 => command!("PEXPIRE", stream(), one(span())),
        1 => command!("FLUSHALL"),
        1 => command!("SELECT", one(one_of(&["0", "0", "1"]))),
        5 => command!("XREAD", count(), block(), streams(&["$", "$", "0", "5-1"])),
        8 => command!("XREADGROUP", as_consumer(), count(), block(), streams(&[">", ">", ">", "0"])),
        3 => command!("XREADGROUP", as_consumer(), option(&["NOACK"]), block(), streams(&[">"])),
        2 => command!("XPENDING", stream(), group()),
        2 => command!("XINFO", one(one_of(&["GROUPS"])), stream()),
        2 => command!("XINFO", one(one_of(&["CONSUMERS"])), stream(), group()),
        1 => command!("XINFO", one(one_of(&["STREAM"])), stream(), one(one_of(&["FULL"]))),
        3 => command!("MULTI"),
        4 => command!("EXEC"),
        1 => command!("HELLO", one(one_of(&["2", "3"]))),
    ]
    .boxed()
}
