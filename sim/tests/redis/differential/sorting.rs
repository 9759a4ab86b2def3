//! `SORT`, and what it sorts by.
//!
//! Elements of equal weight come in their own order where Redis sorts them all, and in none where it
//! sorts by texts and looks at a part only, or takes them from a hash table: neither is asked for.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    prop_oneof![5 => values(), 8 => sorting()].boxed()
}

fn element() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        8 => one_of(&["1", "2", "3", "10", "-1", "0", "-0", "01", "0.5"]),
        3 => one_of(&["1.5e1", " 7", "+4", "0x10", "inf", "-inf", ".5", "5."]),
        2 => one_of(&["a", "b", "ab", "B", "naïve", "two words", "*", "#"]),
        1 => one_of(&["", "nan", "1 ", "1x", "1\0x", "zero\0byte", "-", "--1"]),
    ]
}

fn list() -> impl Strategy<Value = Line> + Clone {
    one_of(&["list", "list2", "stored"]).prop_map(|key| vec![key])
}

fn values() -> BoxedStrategy<Line> {
    let weight = || {
        (one_of(&["w_", "v_", ""]), element(), one_of(&["", "_w"]))
            .prop_map(|(before, element, behind)| vec![format!("{before}{element}{behind}")])
    };
    let few = || one_of(&["1", "2", "3", "10", "a", "b"]);
    let scores = || pairs(one_of(&["1", "2", "-0.5"]), element());
    prop_oneof![
        3 => command!("RPUSH", list(), many(element(), 1..4)),
        3 => command!("RPUSH", list(), many(few(), 1..4)),
        1 => command!("SADD", one(one_of(&["set"])), many(element(), 1..4)),
        2 => command!("SADD", one(one_of(&["ints"])), many(one_of(&["1", "2", "3", "10", "-4"]), 1..4)),
        2 => command!("ZADD", one(one_of(&["zset"])), scores()),
        4 => command!("SET", weight(), one(element())),
        3 => command!("HSET", weight(), pairs(one_of(&["f", "g"]), element())),
        1 => command!("PEXPIRE", weight(), one(one_of(&["1", "100"]))),
        1 => command!("PEXPIRE", list(), one(one_of(&["1", "100"]))),
        2 => command!("LTRIM", list(), Just(vec!["0".into(), "5".into()])),
        1 => command!("DEL", many(one_of(&["list", "list2", "stored", "set", "zset"]), 1..3)),
        1 => command!("OBJECT", Just(vec!["ENCODING".into(), "zset".into()])),
        2 => command!("LRANGE", list(), Just(vec!["0".into(), "-1".into()])),
        1 => command!("TTL", list()),
    ]
    .boxed()
}

fn sorting() -> BoxedStrategy<Line> {
    let any = || {
        one(prop_oneof![
            8 => one_of(&["list", "list2", "stored"]),
            2 => one_of(&["set", "ints", "zset"]),
            1 => one_of(&["none", "w_1", "w_2"]),
        ])
    };
    let ordered = || one(one_of(&["list", "list2", "zset", "ints", "stored"]));
    let by = || {
        let pattern = one_of(&["w_*", "v_*", "*_w", "*", "w_*->f", "v_*->g", "*->f", "w_*->"]);
        pattern.prop_map(|pattern| vec!["BY".to_owned(), pattern])
    };
    let as_it_is = || one_of(&["nosort", "", "#"]).prop_map(|by| vec!["by".to_owned(), by]);
    let gets = || {
        let pattern = one_of(&["#", "w_*", "*", "w_*->f", "v_*->g", "none", "", "#x", "w_*->"]);
        prop_oneof![
            2 => Just(vec![]),
            3 => prop::collection::vec(pattern, 1..3).prop_map(|patterns| {
                patterns.into_iter().flat_map(|one| ["GET".to_owned(), one]).collect()
            }),
        ]
    };
    let limit = || {
        let given = (number(), number()).prop_map(|(a, b)| vec!["LIMIT".to_owned(), a, b]);
        prop_oneof![3 => Just(vec![]), 2 => given]
    };
    let order = || option(&["DESC", "asc", "DESC"]);
    let store = || {
        let to = one_of(&["stored", "list", "w_1"]).prop_map(|to| vec!["STORE".to_owned(), to]);
        prop_oneof![1 => Just(vec![]), 1 => to]
    };
    let alpha = || Just(vec!["ALPHA".to_owned()]);
    let garbage = || option(&["foo", "LIMIT", "GET", "BY", "STORE", "1"]);
    prop_oneof![
        4 => command!("SORT", any(), limit(), order(), gets(), store()),
        4 => command!("SORT", any(), alpha(), limit(), order(), gets(), store()),
        4 => command!("SORT", any(), by(), limit(), order(), gets(), store()),
        4 => command!("sort", list(), by(), alpha(), order(), gets(), store()),
        3 => command!("SORT", ordered(), as_it_is(), limit(), order(), gets(), store()),
        1 => command!("SORT", ordered(), by(), as_it_is(), order()),
        2 => command!("SORT_RO", any(), limit(), order(), gets()),
        1 => command!("SORT_RO", any(), store()),
        1 => command!("SORT", list(), garbage(), garbage()),
        1 => command!("EVAL", Just(vec!["return redis.call('sort',KEYS[1],'by','x')".into(), "1".into()]), any()),
    ]
    .boxed()
}
