//! Commands on streams.

use proptest::prelude::*;

use super::words::*;

pub fn command() -> BoxedStrategy<Line> {
    prop_oneof![
        9 => adding(),
        6 => asking(),
        3 => removing(),
        4 => groups(),
        8 => reading(),
        8 => pending(),
    ]
    .boxed()
}

pub fn stream() -> impl Strategy<Value = Line> + Clone {
    let key = prop_oneof![14 => one_of(&["stream", "stream2"]), 1 => one_of(&["str", "none"])];
    key.prop_map(|key| vec![key])
}

pub fn group() -> impl Strategy<Value = Line> + Clone {
    prop_oneof![14 => one_of(&["g", "h"]), 1 => one_of(&["none", ""])].prop_map(|name| vec![name])
}

pub fn consumer() -> impl Strategy<Value = Line> + Clone {
    one_of(&["alice", "bob", ""]).prop_map(|name| vec![name])
}

/// An id that may well be there: see [`adding`].
fn id() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        12 => (1..9_u64, 0..4_u64).prop_map(|(ms, seq)| format!("{ms}-{seq}")),
        2 => (0..9_u64).prop_map(|ms| ms.to_string()),
        1 => one_of(&["0", "0-0", "x", "", "-", "+", "$", ">", "*", "5-", "-5", "1--1", " 5", "+5-1",
            "007-1", "18446744073709551615-18446744073709551615", "18446744073709551616", "1-1-1",
            "3-18446744073709551615", "5-*x", "1--01"]),
    ]
}

fn ids() -> impl Strategy<Value = Line> + Clone {
    prop::collection::vec(id(), 1..5)
}

fn adding() -> BoxedStrategy<Line> {
    let new = || {
        let given = prop_oneof![
            9 => (1..9_u64).prop_map(|ms| format!("{ms}-*")),
            3 => Just("*".to_owned()),
            3 => (1..9_u64, 0..9_u64).prop_map(|(ms, seq)| format!("{ms}-{seq}")),
            1 => id(),
        ];
        one(given)
    };
    let value = prop_oneof![
        3 => one_of(&["0", "127", "128", "-1", "-4097", "4096", "32768", "-8388609", "2147483648",
            "9223372036854775807", "9223372036854775808", "01", "", "x", "two words"]),
        2 => prop::sample::select(&[63_usize, 64, 127, 128, 900, 1300, 4090, 5000][..])
            .prop_map(|len| "v".repeat(len)),
    ];
    let fields = |most: usize| pairs_of(one_of(&["f", "g", "12"]), value.clone(), most);
    prop_oneof![
        8 => command!("XADD", stream(), new(), fields(3)),
        4 => command!("XADD", stream(), trimming(), new(), fields(2)),
        1 => command!("XADD", stream(), option(&["NOMKSTREAM", "nomkstream"]), new(), fields(2)),
        1 => command!("XADD", stream(), many(id(), 1..4)),
        1 => command!("CONFIG", one(one_of(&["SET"])), limits()),
    ]
    .boxed()
}

/// Settings of the nodes of streams.
fn limits() -> BoxedStrategy<Line> {
    prop_oneof![
        3 => command!("stream-node-max-entries", one(one_of(&["0", "1", "2", "3", "10", "100", "-1"]))),
        1 => command!("stream-node-max-entries", one(one_of(&["9223372036854775807", "x"]))),
        2 => command!("stream-node-max-bytes", one(one_of(&["0", "1", "100", "200", "4kb", "4096"]))),
    ]
    .boxed()
}

fn pairs_of(
    one: impl Strategy<Value = String> + Clone,
    other: impl Strategy<Value = String> + Clone,
    most: usize,
) -> impl Strategy<Value = Line> + Clone {
    prop::collection::vec((one, other), 1..most + 1)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(one, other)| [one, other]).collect())
}

fn trimming() -> BoxedStrategy<Line> {
    let mark =
        || prop_oneof![1 => Just(vec![]), 1 => one(one_of(&["="])), 2 => one(one_of(&["~"]))];
    let limit = || {
        let given = one_of(&["0", "1", "3", "10", "-1", "x"]);
        let given = given.prop_map(|limit| vec!["LIMIT".to_owned(), limit]);
        prop_oneof![4 => Just(vec![]), 1 => given, 1 => option(&["MAXLEN", "3", "foo"])]
    };
    let length = prop_oneof![9 => (0..12_i32).prop_map(|len| len.to_string()), 1 => number()];
    prop_oneof![
        command!("MAXLEN", mark(), one(length), limit()),
        command!("minid", mark(), one(id()), limit()),
    ]
    .boxed()
}

fn asking() -> BoxedStrategy<Line> {
    let count = || {
        let given = number().prop_map(|count| vec!["COUNT".to_owned(), count]);
        prop_oneof![2 => Just(vec![]), 2 => given, 1 => option(&["COUNT", "foo"])]
    };
    let full = prop_oneof![3 => Just(vec!["FULL".to_owned()]), 1 => option(&["full", "foo"])];
    any_of(vec![
        command!("XLEN", stream()),
        command!("XRANGE", stream(), many(end(), 2..3), count()),
        command!("XREVRANGE", stream(), many(end(), 2..3), count()),
        command!("XINFO", one(one_of(&["STREAM"])), stream()),
        command!("XINFO", one(one_of(&["stream"])), stream(), full, count()),
        command!("XINFO", one(one_of(&["GROUPS"])), stream()),
        command!("XINFO", one(one_of(&["CONSUMERS"])), stream(), group()),
        command!("XINFO", one(one_of(&["HELP", "foo", "groups"])), many(value(), 0..3)),
        command!("OBJECT", one(one_of(&["ENCODING"])), stream()),
        command!("TYPE", stream()),
    ])
}

/// An end of an interval.
fn end() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        3 => one_of(&["-", "+"]),
        4 => id(),
        2 => id().prop_map(|id| format!("({id}")),
    ]
}

fn removing() -> BoxedStrategy<Line> {
    let added = || one(one_of(&["0", "1", "5", "100", "-1", "x"]));
    prop_oneof![
        8 => command!("XDEL", stream(), ids()),
        4 => command!("XTRIM", stream(), trimming()),
        1 => command!("XSETID", stream(), one(id())),
        1 => command!("XSETID", stream(), one(id()), one(one_of(&["ENTRIESADDED"])), added()),
        1 => command!("XSETID", stream(), one(id()), one(one_of(&["MAXDELETEDID"])), one(id())),
        1 => command!("DEL", stream()),
        1 => command!("COPY", stream(), stream(), option(&["REPLACE"])),
    ]
    .boxed()
}

pub fn groups() -> BoxedStrategy<Line> {
    let id = || prop_oneof![2 => one_of(&["$", "0"]), 2 => id()];
    let read = || {
        let given = number().prop_map(|read| vec!["ENTRIESREAD".to_owned(), read]);
        prop_oneof![3 => Just(vec![]), 1 => given, 1 => option(&["MKSTREAM", "entriesread", "foo"])]
    };
    let make = || Just(vec!["MKSTREAM".to_owned()]);
    prop_oneof![
        5 => command!("XGROUP", one(one_of(&["CREATE"])), stream(), group(), one(id()), make()),
        2 => command!("XGROUP", one(one_of(&["create"])), stream(), group(), one(id()), read()),
        3 => command!("XGROUP", one(one_of(&["SETID"])), stream(), group(), one(id()), read()),
        1 => command!("XGROUP", one(one_of(&["DESTROY"])), stream(), group()),
        1 => command!("XGROUP", one(one_of(&["CREATECONSUMER"])), stream(), group(), consumer()),
        1 => command!("XGROUP", one(one_of(&["delconsumer"])), stream(), group(), consumer()),
        1 => command!("XGROUP", one(one_of(&["HELP", "foo", "create"])), many(value(), 0..4)),
    ]
    .boxed()
}

fn reading() -> BoxedStrategy<Line> {
    let count = || {
        let given = number().prop_map(|count| vec!["COUNT".to_owned(), count]);
        prop_oneof![2 => Just(vec![]), 2 => given, 1 => option(&["NOACK", "BLOCK", "foo"])]
    };
    let streams = |ids: BoxedStrategy<String>| {
        (prop::collection::vec((stream(), ids), 1..4), 0..20).prop_map(|(pairs, odd)| {
            let (keys, mut ids): (Vec<Line>, Vec<String>) = pairs.into_iter().unzip();
            ids.truncate(ids.len() - usize::from(odd == 0));
            [vec!["STREAMS".to_owned()], keys.concat(), ids].concat()
        })
    };
    let own = || streams(prop_oneof![4 => one_of(&[">"]), 2 => one_of(&["0"]), 2 => id()].boxed());
    let any = || streams(prop_oneof![1 => one_of(&["$"]), 3 => id(), 2 => one_of(&["0"])].boxed());
    let as_consumer = || {
        (group(), consumer())
            .prop_map(|(group, consumer)| [vec!["GROUP".to_owned()], group, consumer].concat())
    };
    let no_ack = || option(&["NOACK"]);
    prop_oneof![
        8 => command!("XREADGROUP", as_consumer(), count(), own()),
        2 => command!("XREADGROUP", as_consumer(), no_ack(), own()),
        1 => command!("xreadgroup", count(), as_consumer(), any()),
        1 => command!("XREADGROUP", count(), no_ack(), one(id()), one(id()), own()),
        3 => command!("XREAD", count(), any()),
        1 => command!("XREAD", as_consumer(), own()),
    ]
    .boxed()
}

fn pending() -> BoxedStrategy<Line> {
    let idle = || one(prop_oneof![6 => one_of(&["0"]), 3 => span(), 1 => number()]);
    let options = || {
        prop_oneof![
            3 => option(&["FORCE", "JUSTID", "force", "foo"]),
            1 => (one_of(&["IDLE", "TIME", "RETRYCOUNT"]), prop_oneof![number(), span(), moment(1000)])
                .prop_map(|(name, value)| vec![name, value]),
            1 => id().prop_map(|id| vec!["LASTID".to_owned(), id]),
        ]
    };
    let range =
        || (many(end(), 2..3), number()).prop_map(|(ends, count)| [ends, vec![count]].concat());
    let claim_count = || one_of(&["1", "2", "5", "0", "-1", "x"]);
    let claim_count = move || {
        prop_oneof![
            2 => Just(vec![]),
            1 => claim_count().prop_map(|count| vec!["COUNT".to_owned(), count]),
            1 => option(&["JUSTID", "foo"]),
        ]
    };
    prop_oneof![
        3 => command!("XACK", stream(), group(), ids()),
        2 => command!("XPENDING", stream(), group()),
        3 => command!("XPENDING", stream(), group(), range()),
        1 => command!("XPENDING", stream(), group(), range(), consumer()),
        2 => command!("XPENDING", stream(), group(), one(one_of(&["IDLE"])), idle(), range()),
        1 => command!("XPENDING", stream(), group(), many(number(), 1..6)),
        6 => command!("XCLAIM", stream(), group(), consumer(), idle(), ids(), options(), options()),
        5 => command!("XAUTOCLAIM", stream(), group(), consumer(), idle(), one(end()), claim_count()),
    ]
    .boxed()
}
