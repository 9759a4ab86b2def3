//! `DUMP` and `RESTORE`: what one server tells of a value the other must understand.
//!
//! The bytes differ, since the simulated Redis packs nothing; what is read from a value does not.

use imsim::redis::Instance;

use super::real::{Connection, Real, start_ms};
use super::several::{Expired, Pair};
use super::{Step, Words, compare, told};

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn ask(instance: &mut Instance, client: i64, words: &Words) -> Vec<u8> {
    instance.execute(client, start_ms(), words);
    let mut out = Vec::new();
    instance.take_output(client, &mut out);
    out
}

/// The bytes of a reply that is nothing else.
fn bulk(reply: &[u8]) -> Vec<u8> {
    let head = reply.windows(2).position(|two| two == b"\r\n").expect("a header") + 2;
    reply[head..reply.len() - 2].to_vec()
}

/// Commands that make values of every kind, small and large.
fn making() -> Vec<Words> {
    let mut lines: Vec<String> = [
        "SET number 12",
        "SET negative -40000",
        "SET large-number 5000000000",
        "SET text abc",
        "RPUSH list a 1 -1 300 70000 5000000000",
        "SADD ints 1 -2 300",
        "SADD wide 1 70000 5000000000",
        "SADD set a b 1",
        "HSET hash f v g 12",
        "ZADD zset 1 a -0.5 b inf c 1.7976931348623157e308 d 0.1 e",
        "XADD stream 1-1 f v",
        "XADD stream 1-2 g w",
        "XADD stream 5-0 f v2 g 12",
        "XDEL stream 1-2",
        "XGROUP CREATE stream gr 0",
        "XREADGROUP GROUP gr alice COUNT 1 STREAMS stream >",
        "XGROUP CREATECONSUMER stream gr bob",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.push(format!("SET repeated {}", "abcabd".repeat(2000)));
    lines.push(format!("SET long {}", "x".repeat(70_000)));
    lines.push(format!("RPUSH list {} {}", "y".repeat(10_000), "z".repeat(100)));
    lines.push(format!("HSET large-hash f {}", "v".repeat(100)));
    for number in 0..600 {
        lines.push(format!("RPUSH long-list element-{number} {number}"));
        lines.push(format!("SADD large-set member-{number}"));
        lines.push(format!("SADD large-ints {number}"));
        lines.push(format!("HSET large-fields f{number} {number}"));
        lines.push(format!("ZADD large-zset {number}.25 m{number}"));
        lines.push(format!("XADD long-stream {}-0 f {number}", number + 1));
    }
    lines.iter().map(|line| words(line)).collect()
}

const KEYS: &[&str] = &[
    "number",
    "negative",
    "large-number",
    "text",
    "repeated",
    "long",
    "list",
    "long-list",
    "ints",
    "wide",
    "set",
    "large-set",
    "large-ints",
    "hash",
    "large-hash",
    "large-fields",
    "zset",
    "large-zset",
    "stream",
    "long-stream",
];

/// Commands that read a value of any kind; most of them are of the wrong one.
const READING: &[&str] = &[
    "TYPE KEY",
    "GET KEY",
    "LRANGE KEY 0 -1",
    "SMEMBERS KEY",
    "HGETALL KEY",
    "ZRANGE KEY 0 -1 WITHSCORES",
    "XRANGE KEY - +",
    "XINFO STREAM KEY FULL COUNT 0",
];

/// Both must tell the same of the copies of all values.
fn hold_copies_against_each_other(theirs: &mut Connection, ours: &mut (Instance, i64)) {
    for key in KEYS {
        for line in READING {
            let words = words(&line.replace("KEY", &format!("large-copy-of-{key}")));
            let mine = ask(&mut ours.0, ours.1, &words);
            let reply = theirs.ask_all(std::slice::from_ref(&words)).remove(0);
            let (one, other) = (told(&mine), told(&reply));
            assert!(
                compare::same(&words, &mine, &reply),
                "{key}: {line}\n{one:.300}\n{other:.300}"
            );
        }
    }
}

#[test]
fn each_restores_what_the_other_has_dumped() {
    let real = Real::start();
    let mut theirs = real.connect();
    let mut instance = Instance::default();
    let client = instance.connect();
    let mut ours = (instance, client);
    for words in making() {
        let reply = theirs.ask_all(std::slice::from_ref(&words)).remove(0);
        assert_eq!(told(&ask(&mut ours.0, ours.1, &words)), told(&reply));
    }
    for key in KEYS {
        let dumped = [
            bulk(&ask(&mut ours.0, ours.1, &words(&format!("DUMP {key}")))),
            bulk(&theirs.ask(&["DUMP", key])),
        ];
        for payload in dumped {
            let mut restore = words(&format!("RESTORE large-copy-of-{key} 0"));
            restore.extend([payload, b"REPLACE".to_vec()]);
            let reply = theirs.ask_all(std::slice::from_ref(&restore)).remove(0);
            assert_eq!(told(&reply), "+OK\\r\\n", "{key}");
            assert_eq!(told(&ask(&mut ours.0, ours.1, &restore)), "+OK\\r\\n", "{key}");
            hold_copies_against_each_other(&mut theirs, &mut ours);
        }
    }
}

#[test]
fn values_are_restored_alike() {
    let mut pair = Pair::start(Expired::Stay);
    let real = Real::start();
    let mut connection = real.connect();
    connection.ask(&["RPUSH", "list", "a", "b"]);
    let payload = bulk(&connection.ask(&["DUMP", "list"]));
    let mut damaged = payload.clone();
    damaged[3] ^= 1;
    let start_ms = start_ms();
    let lines = [
        "DUMP none".to_owned(),
        "RESTORE k 0 PAYLOAD".to_owned(),
        "RESTORE k 0 PAYLOAD".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE".to_owned(),
        "LRANGE k 0 -1".to_owned(),
        "RESTORE k 100 PAYLOAD REPLACE".to_owned(),
        "PTTL k".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE IDLETIME 10".to_owned(),
        "OBJECT IDLETIME k".to_owned(),
        "RESTORE k 0 PAYLOAD replace idletime -1".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE FREQ 256".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE FREQ 5".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE FREQ 5 IDLETIME 5".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE IDLETIME 5 FREQ 5".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE IDLETIME".to_owned(),
        "RESTORE k 0 PAYLOAD REPLACE IDLETIME x".to_owned(),
        "RESTORE k -1 PAYLOAD REPLACE".to_owned(),
        "RESTORE k x PAYLOAD REPLACE".to_owned(),
        "RESTORE k 0 PAYLOAD foo".to_owned(),
        "RESTORE k 0 DAMAGED REPLACE".to_owned(),
        "RESTORE k 0 short REPLACE".to_owned(),
        "RESTORE k 0 long-enough-but-wrong REPLACE".to_owned(),
        "RESTORE k".to_owned(),
        format!("RESTORE k {} PAYLOAD REPLACE ABSTTL", start_ms + 700),
        "PEXPIRETIME k".to_owned(),
        format!("RESTORE k {} PAYLOAD REPLACE ABSTTL", start_ms - 700),
        "EXISTS k".to_owned(),
        format!("RESTORE k {} PAYLOAD ABSTTL", start_ms - 700),
        "RESTORE k 9223372036854775807 PAYLOAD REPLACE".to_owned(),
        "EXISTS k".to_owned(),
    ];
    let steps: Vec<Step> = lines
        .iter()
        .map(|line| {
            let word = |word: Vec<u8>| match word.as_slice() {
                b"PAYLOAD" => payload.clone(),
                b"DAMAGED" => damaged.clone(),
                _ => word,
            };
            Step::Command(0, words(line).into_iter().map(word).collect())
        })
        .collect();
    match pair.compare(&steps) {
        Ok(count) => assert_eq!(count, steps.len() as u64),
        Err(difference) => panic!("{difference}"),
    }
}
