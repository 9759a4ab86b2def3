//! Commands on keys of any kind.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let key = || one(any_key());
    let when = || option(&["NX", "XX", "gt", "LT", "foo"]);
    any_of(vec![
        command!("DEL", many(any_key(), 1..4)),
        command!("UNLINK", many(any_key(), 1..3)),
        command!("EXISTS", many(any_key(), 1..4)),
        command!("TOUCH", many(any_key(), 1..4)),
        command!("TYPE", key()),
        command!("EXPIRE", key(), one(span()), when()),
        command!("PEXPIRE", key(), one(span()), when()),
        command!("PEXPIRE", key(), one(span())),
        command!("EXPIREAT", key(), one(moment(1)), when()),
        command!("PEXPIREAT", key(), one(moment(1000)), when()),
        command!("EXPIRETIME", key()),
        command!("PEXPIRETIME", key()),
        command!("TTL", key()),
        command!("PTTL", key()),
        command!("PERSIST", key()),
        command!("RENAME", key(), key()),
        command!("RENAMENX", key(), key()),
        command!("COPY", key(), key(), option(&["REPLACE", "DB", "1", "foo"])),
        command!("COPY", key(), key(), one(one_of(&["DB"])), one(one_of(&["0", "1", "16", "x"]))),
        command!("MOVE", key(), one(one_of(&["0", "1", "1", "16", "x"]))),
        command!("KEYS", one(one_of(&["*", "s*", "?et", "[a-l]*", "nothing", "*t*", "\\*"]))),
        command!(
            "SCAN",
            one(start()),
            one(Just("COUNT".to_owned())),
            one(Just("1000".to_owned())),
            option(&["MATCH", "s*", "TYPE", "hash", "zset", "foo", "COUNT"])
        ),
        command!("RANDOMKEY"),
        command!("DBSIZE"),
        command!(
            "OBJECT",
            one(one_of(&["ENCODING", "REFCOUNT"])),
            one(one_of(&["list", "ints", "hash", "none"]))
        ),
        command!("SWAPDB", one(one_of(&["0", "1", "x"])), one(one_of(&["0", "1", "16"]))),
        command!("FLUSHDB", option(&["ASYNC", "sync", "now"])),
    ])
}
