//! Commands on sorted sets.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    prop_oneof![9 => adding(), 8 => asking(), 8 => ranges(), 4 => removing(), 5 => several()]
        .boxed()
}

/// Mostly a key that holds a sorted set. Those named `many` are large: see [`adding`]. In `equal` and
/// `many2` all members have one score, so that ranges of bytes have a meaning; `little` is so small
/// that Redis finds something without it.
fn zset() -> impl Strategy<Value = Line> + Clone {
    one_key().prop_map(|key| vec![key])
}

fn one_key() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        12 => one_of(&["zset", "zset2", "zset3", "many", "many2", "equal", "little"]),
        1 => one_of(&["set", "str", "none"]),
    ]
}

/// Keys whose members may get any score.
fn mixed() -> impl Strategy<Value = Line> {
    one(prop_oneof![
        12 => one_of(&["zset", "zset", "zset2", "zset3", "many"]),
        1 => one_of(&["set", "str", "none"]),
    ])
}

/// Keys in which ranges of bytes are found.
fn by_bytes() -> impl Strategy<Value = Line> {
    one(one_of(&["equal", "many2", "little"]))
}

fn short_member() -> impl Strategy<Value = String> + Clone {
    one_of(&["a", "b", "c", "d", "aa", "ab", "b1", "10", "2", "-3", "", "naïve"])
}

fn member() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => short_member(),
        1 => (0..140).prop_map(|number| format!("m{number}")),
        1 => Just("x".repeat(65)),
    ]
}

fn adding() -> BoxedStrategy<Line> {
    let flags = || option(&["NX", "xx", "GT", "lt", "CH", "INCR"]);
    // So many that Redis does not keep them in its compact form; all with one score, so that
    // ranges of bytes have a meaning.
    let large = |name: &'static str, same: bool| {
        (1..40_i32, 127..140).prop_map(move |(spread, count)| {
            let score = |at| if same { 5 } else { at % spread };
            let pairs = (0..count).flat_map(|at| [score(at).to_string(), format!("m{at}")]);
            ["ZADD", name].map(str::to_owned).into_iter().chain(pairs).collect::<Line>()
        })
    };
    // Members with one score: in the order of bytes.
    let equal = prop::collection::vec(member(), 1..8).prop_map(|members| {
        members.into_iter().flat_map(|member| ["0".to_owned(), member]).collect::<Line>()
    });
    prop_oneof![
        10 => command!("ZADD", mixed(), flags(), pairs(score(), member())),
        3 => command!("ZADD", one(one_of(&["equal", "zset2"])), equal),
        2 => command!("ZADD", one(one_of(&["little"])), pairs(score(), short_member())),
        1 => command!("ZADD", mixed(), flags(), many(score(), 0..4)),
        1 => large("many", false),
        1 => large("many2", true),
        4 => command!("ZINCRBY", mixed(), one(score()), one(member())),
        1 => command!("ZINCRBY", mixed(), one(one_of(&["NX", "incr"])), one(member())),
        1 => command!("SADD", one(Just("set".to_owned())), many(member(), 1..4)),
    ]
    .boxed()
}

fn asking() -> BoxedStrategy<Line> {
    any_of(vec![
        command!("ZSCORE", zset(), one(member())),
        command!("ZMSCORE", zset(), many(member(), 1..4)),
        command!("ZCARD", zset()),
        command!("ZRANK", zset(), one(member())),
        command!("ZREVRANK", zset(), one(member())),
        command!("ZCOUNT", zset(), many(bound(), 2..3)),
        command!("ZLEXCOUNT", by_bytes(), many(lex(), 2..3)),
        command!(
            "ZSCAN",
            zset(),
            Just(vec!["0".into(), "COUNT".into(), "1000".into()]),
            option(&["MATCH", "m1*", "*", "[ab]*"])
        ),
        command!("ZSCAN", one(one_of(&["little"])), many(number(), 1..4)),
        command!("ZSCAN", zset(), one(start()), Just(vec!["count".into(), "1000".into()])),
        command!("ZRANDMEMBER", zset()),
        command!(
            "ZRANDMEMBER",
            zset(),
            one(one_of(&["0", "2", "-3", "1000", "x"])),
            option(&["WITHSCORES", "x"])
        ),
        command!("OBJECT", one(Just("ENCODING".to_owned())), zset()),
    ])
}

fn ranges() -> BoxedStrategy<Line> {
    let to = || one(one_of(&["zset", "zset2", "zset3", "str"]));
    let scores = || many(bound(), 2..3);
    let lexes = || many(lex(), 2..3);
    let ranks = || many(number(), 2..3);
    let some = || option(&["WITHSCORES", "withscores", "REV", "foo"]);
    let by = |by: &'static str| {
        let other = prop_oneof![9 => Just(vec![]), 1 => one(one_of(&["BYLEX", "BYSCORE", "foo"]))];
        (other, option(&["REV", "WITHSCORES"]), limit()).prop_map(move |(other, some, limit)| {
            [vec![by.to_owned()], some, other, limit].concat()
        })
    };
    any_of(vec![
        command!("ZRANGE", zset(), ranks(), some(), limit()),
        command!("ZRANGE", zset(), ranks(), some()),
        command!("ZRANGE", zset(), scores(), by("BYSCORE")),
        command!("ZRANGE", by_bytes(), lexes(), by("bylex")),
        command!("ZREVRANGE", zset(), ranks(), some()),
        command!("ZRANGEBYSCORE", zset(), scores(), some(), limit()),
        command!("ZREVRANGEBYSCORE", zset(), scores(), some(), limit()),
        command!("ZRANGEBYLEX", by_bytes(), lexes(), limit()),
        command!("ZREVRANGEBYLEX", by_bytes(), lexes(), limit()),
        command!("ZRANGESTORE", to(), zset(), ranks(), option(&["REV", "WITHSCORES"])),
        command!("ZRANGESTORE", to(), zset(), scores(), by("byscore")),
        command!("ZRANGESTORE", to(), by_bytes(), lexes(), by("BYLEX")),
    ])
}

fn removing() -> BoxedStrategy<Line> {
    let count = || prop_oneof![3 => Just(vec![]), 2 => many(number(), 1..3)];
    let end = || one_of(&["MIN", "max", "MID"]);
    any_of(vec![
        command!("ZREM", zset(), many(member(), 1..4)),
        command!("ZREMRANGEBYRANK", zset(), many(number(), 2..3)),
        command!("ZREMRANGEBYSCORE", zset(), many(bound(), 2..3)),
        command!("ZREMRANGEBYLEX", by_bytes(), many(lex(), 2..3)),
        command!("ZPOPMIN", zset(), count()),
        command!("ZPOPMAX", zset(), count()),
        command!("ZMPOP", keys(), one(end()), option(&["COUNT", "2", "0"])),
        command!("DEL", zset()),
    ])
}

fn several() -> BoxedStrategy<Line> {
    let to = || one(one_of(&["zset", "zset2", "zset3", "str"]));
    let weights =
        many(score(), 1..4).prop_map(|weights| [vec!["WEIGHTS".into()], weights].concat());
    let aggregate = one(one_of(&["SUM", "MIN", "max", "x"]));
    let aggregate = aggregate.prop_map(|how| [vec!["AGGREGATE".to_owned()], how].concat());
    let none = || Just(Line::new());
    let options = (prop_oneof![none(), weights], prop_oneof![none(), aggregate]);
    let options = options.prop_map(|(weights, aggregate)| [weights, aggregate].concat()).boxed();
    let with_scores = || option(&["WITHSCORES", "withscores", "foo"]);
    let limit = option(&["LIMIT", "2", "0", "-1", "x"]);
    any_of(vec![
        command!("ZUNION", keys(), options.clone(), with_scores()),
        command!("ZINTER", keys(), options.clone(), with_scores()),
        command!("ZDIFF", keys(), with_scores()),
        command!("ZUNIONSTORE", to(), keys(), options.clone()),
        command!("ZINTERSTORE", to(), keys(), options),
        command!("ZDIFFSTORE", to(), keys()),
        command!("ZINTERCARD", keys(), limit),
    ])
}

/// Keys behind their number, which is mostly right.
fn keys() -> impl Strategy<Value = Line> {
    let number = prop_oneof![9 => Just(None), 1 => one_of(&["0", "-1", "x", "9"]).prop_map(Some)];
    (number, many(one_key(), 1..4))
        .prop_map(|(number, keys)| [vec![number.unwrap_or(keys.len().to_string())], keys].concat())
}

fn score() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => (-4..4_i32).prop_map(|score| score.to_string()),
        3 => (-4..4_i32).prop_map(|score| (f64::from(score) / 10.0).to_string()),
        1 => any::<f64>().prop_map(|score| score.to_string()),
        1 => any::<f64>().prop_map(|score| format!("{score:e}")),
        1 => one_of(&["inf", "-inf", "+inf", "Infinity", "nan", "", " 1", "1 ", "x", "1e999",
            "1e-999", ".5", "5.", "+3", "1e17", "123456789012345678", "0.1e-4", "-1e300", "e5",
            "-0", "0x10", "-0x1.8p1", "0x", "4.7e18", "1e308"]),
    ]
}

fn bound() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        3 => score(),
        2 => score().prop_map(|score| format!("({score}")),
        1 => one_of(&["-inf", "+inf"]),
    ]
}

fn lex() -> impl Strategy<Value = String> + Clone {
    let end = (one_of(&["[", "("]), member()).prop_map(|(mark, member)| mark + &member);
    prop_oneof![4 => end, 3 => one_of(&["-", "+"]), 1 => one_of(&["", "a", "++", "[", "("])]
}

fn limit() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        4 => Just(vec![]),
        3 => (number(), number()).prop_map(|(offset, count)| vec!["LIMIT".into(), offset, count]),
        1 => number().prop_map(|offset| vec!["limit".into(), offset]),
    ]
}
