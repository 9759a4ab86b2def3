//! Commands on sorted sets.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    let member = || one_of(&["m", "n", "o", "p", ""]);
    let flags = option(&["NX", "xx", "GT", "lt", "CH", "INCR"]);
    prop_oneof![
        8 => command!("ZADD", one(key(&["zset"])), flags, pairs(score(), member())),
        1 => command!("ZADD", one(key(&["zset"])), many(score(), 0..4)),
        5 => command!("ZRANGEBYSCORE", one(key(&["zset"])), one(bound()), one(bound()),
            option(&["WITHSCORES", "withscores", "REV"]), limit()),
        2 => command!("ZRANGEBYSCORE", one(key(&["zset"])), Just(vec!["-inf".into(), "+inf".into()]),
            one(Just("WITHSCORES".to_owned()))),
        2 => command!("ZREMRANGEBYRANK", one(key(&["zset"])), one(number()), one(number())),
        2 => command!("ZREMRANGEBYSCORE", one(key(&["zset"])), one(bound()), one(bound())),
        1 => command!("ZCARD", one(key(&["zset"]))),
    ]
    .boxed()
}

fn score() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => (-4..4_i32).prop_map(|score| score.to_string()),
        3 => (-4..4_i32).prop_map(|score| (f64::from(score) / 10.0).to_string()),
        2 => any::<f64>().prop_map(|score| score.to_string()),
        2 => any::<f64>().prop_map(|score| format!("{score:e}")),
        1 => one_of(&["inf", "-inf", "+inf", "Infinity", "nan", "", " 1", "1 ", "x", "1e999",
            "1e-999", ".5", "5.", "+3", "1e17", "123456789012345678", "0.1e-4", "-1e300", "e5"]),
    ]
}

fn bound() -> impl Strategy<Value = String> + Clone {
    prop_oneof![4 => score(), 2 => score().prop_map(|score| format!("({score}"))]
}

fn limit() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        2 => Just(vec![]),
        2 => (number(), number()).prop_map(|(offset, count)| vec!["LIMIT".into(), offset, count]),
        1 => number().prop_map(|offset| vec!["limit".into(), offset]),
    ]
}
