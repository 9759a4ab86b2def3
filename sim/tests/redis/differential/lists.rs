//! Commands on lists that do not wait. Those that do are in `waits.rs`.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let key = || one(key(&["list", "list", "list2"]));
    let element = || one_of(&["a", "b", "c", ""]);
    let side = || one(one_of(&["LEFT", "right", "LEFT", "up"]));
    any_of(vec![
        command!("LPUSH", key(), many(element(), 1..4)),
        command!("RPUSH", key(), many(element(), 1..4)),
        command!("LPUSHX", key(), many(element(), 1..3)),
        command!("RPUSHX", key(), many(element(), 1..3)),
        command!("LPOP", key(), many(number(), 0..2)),
        command!("RPOP", key(), many(number(), 0..2)),
        command!("LRANGE", key(), one(number()), one(number())),
        command!("LRANGE", key(), Just(vec!["0".into(), "-1".into()])),
        command!("LINDEX", key(), one(number())),
        command!("LSET", key(), one(number()), one(element())),
        command!(
            "LINSERT",
            key(),
            one(one_of(&["BEFORE", "after", "at"])),
            one(element()),
            one(element())
        ),
        command!("LREM", key(), one(number()), one(element())),
        command!("LTRIM", key(), one(number()), one(number())),
        command!("LPOS", key(), one(element()), option(&["RANK", "COUNT", "MAXLEN"])),
        command!(
            "LPOS",
            key(),
            one(element()),
            one(one_of(&["RANK", "COUNT", "maxlen"])),
            one(number())
        ),
        command!("LLEN", key()),
        command!("RPOPLPUSH", key(), key()),
        command!("LMOVE", key(), key(), side(), side()),
        command!(
            "LMPOP",
            one(one_of(&["1", "2", "0", "x"])),
            key(),
            key(),
            side(),
            option(&["COUNT", "2"])
        ),
        command!("LMPOP", one(Just("2".to_owned())), key(), key(), side()),
    ])
}
