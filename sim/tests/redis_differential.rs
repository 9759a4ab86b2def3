//! The simulated Redis against the real one: the same commands must get the same bytes.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`). Nothing waits for a time to live to
//! pass, so that only replies that tell a time left may differ, by as long as the test takes.
//! `PROPTEST_CASES` widens the search; the seed is fixed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use imsim::redis::instance::ClientId;
use imsim::redis::reply::Reply;
use imsim::redis::request::{ProtocolError, Reader};
use imsim::redis::{Instance, VERSION};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tempfile::TempDir;

/// How far a time left may differ, in milliseconds.
const TIME_LEFT_SLACK_MS: i64 = 10_000;

/// How many sequences of commands are tried at least.
const CASES_MIN: u32 = 4000;

type Words = Vec<Vec<u8>>;

/// A real server of our own, without a port and without persistence.
struct Real {
    process: Child,
    folder: TempDir,
}

impl Real {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(folder.path().join("redis"))
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs `redis-server`: install Debian's package `redis-server`");
        let log = BufReader::new(process.stdout.take().expect("its log is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("ready to accept connections at")),
            "redis-server must start"
        );
        // Its log must go on being read, or the server would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, folder }
    }

    fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.folder.path().join("redis")).expect("it listens");
        Connection { replies: BufReader::new(stream.try_clone().expect("a handle")), stream }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.process.kill().expect("it still runs");
        self.process.wait().expect("it can be waited for");
    }
}

struct Connection {
    stream: UnixStream,
    replies: BufReader<UnixStream>,
}

impl Connection {
    /// Sends all commands at once and reads the reply to each.
    fn ask_all(&mut self, commands: &[Words]) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        commands.iter().for_each(|words| bytes.extend(array(words)));
        self.stream.write_all(&bytes).expect("the server reads");
        commands.iter().map(|_| self.reply()).collect()
    }

    fn reply(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut replies = 1;
        while replies > 0 {
            let start = bytes.len();
            self.replies.read_until(b'\n', &mut bytes).expect("the server answers");
            let line = String::from_utf8_lossy(&bytes[start..]).trim_end().to_owned();
            let number = || line[1..].parse::<i64>().expect("a length");
            replies -= 1;
            match line.as_bytes()[0] {
                b'$' | b'=' if number() >= 0 => {
                    let from = bytes.len();
                    bytes.resize(from + number() as usize + 2, 0);
                    self.replies.read_exact(&mut bytes[from..]).expect("the rest of a bulk");
                }
                b'*' => replies += number().max(0),
                b'%' => replies += 2 * number(),
                _ => {}
            }
        }
        bytes
    }
}

fn array(words: &Words) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend([word, &b"\r\n"[..]].concat());
    }
    bytes
}

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn ask(instance: &mut Instance, client: ClientId, words: &Words) -> Vec<u8> {
    let mut out = Vec::new();
    instance.execute(client, 0, words);
    instance.take_output(client, &mut out);
    out
}

/// Whether two replies say the same. A time left is shorter the later it was asked for.
fn same(words: &Words, ours: &[u8], theirs: &[u8]) -> bool {
    let unit_ms = match words[0].to_ascii_lowercase().as_slice() {
        b"ttl" => 1000,
        b"pttl" => 1,
        _ => return ours == theirs,
    };
    let left = |reply: &[u8]| -> Option<i64> {
        std::str::from_utf8(reply).ok()?.strip_prefix(':')?.trim_end().parse().ok()
    };
    match (left(ours), left(theirs)) {
        (Some(ours), Some(theirs)) if ours > 0 && theirs > 0 => {
            (0..=TIME_LEFT_SLACK_MS).contains(&((ours - theirs) * unit_ms))
        }
        _ => ours == theirs,
    }
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(words).prop_map(str::to_owned)
}

/// Mostly the key that holds this kind of value, now and then any.
fn key(own: &'static str) -> impl Strategy<Value = String> + Clone {
    prop_oneof![6 => Just(own.to_owned()), 1 => one_of(&["string", "hash", "set", "other", ""])]
}

fn value() -> impl Strategy<Value = String> + Clone {
    one_of(&["x", "", "12", "two words", "line\r\nend", "naïve", "zero\0byte", "%s"])
}

fn number() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        8 => (-9..9_i64).prop_map(|number| number.to_string()),
        1 => one_of(&["", "+1", " 1", "01", "-0", "1.0", "x", "9223372036854775807",
            "-9223372036854775808", "9223372036854775808", "2147483648"]),
    ]
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

fn option(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> + Clone {
    prop_oneof![
        3 => Just(vec![]),
        3 => one_of(words).prop_map(|word| vec![word]),
        1 => prop::collection::vec(one_of(words), 2..3),
    ]
}

/// Times to live of commands differ by more than the slack, so that comparing them comes out the
/// same on both sides. A marker stands for one until the commands are numbered.
const SPAN: &str = "<span>";

fn span() -> impl Strategy<Value = String> + Clone {
    prop_oneof![6 => Just(SPAN.to_owned()), 1 => one_of(&["0", "-5", "x", "", "99999999999999999"])]
}

/// A command with arguments from these parts, each a list of words.
macro_rules! command {
    ($name:expr $(, $part:expr)*) => {{
        let all = Just(vec![$name.to_owned()]).boxed();
        $(
            let all = (all, $part).prop_map(|(mut all, part): (Vec<String>, Vec<String>)| {
                all.extend(part);
                all
            }).boxed();
        )*
        all
    }};
}

fn one(word: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Vec<String>> {
    word.prop_map(|word| vec![word])
}

fn many(
    word: impl Strategy<Value = String> + Clone,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word, count)
}

fn pairs(
    one: impl Strategy<Value = String> + Clone,
    other: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec((one, other), 1..4)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(one, other)| [one, other]).collect())
}

fn expiry() -> impl Strategy<Value = Vec<String>> {
    let timed = (one_of(&["EX", "px"]), span());
    prop_oneof![
        3 => Just(vec![]),
        2 => timed.prop_map(|(unit, span)| vec![unit, span]),
        1 => one_of(&["KEEPTTL", "ex", "PX", "FOO"]).prop_map(|word| vec![word]),
    ]
}

fn limit() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        2 => Just(vec![]),
        2 => (number(), number()).prop_map(|(offset, count)| vec!["LIMIT".into(), offset, count]),
        1 => number().prop_map(|offset| vec!["limit".into(), offset]),
    ]
}

fn command() -> impl Strategy<Value = Vec<String>> {
    let set = option(&["NX", "xx", "GET"]);
    let field = || one_of(&["f", "g", "h", ""]);
    let member = || one_of(&["m", "n", "o", "p", ""]);
    let keeping = prop_oneof![
        6 => command!("SET", one(key("string")), one(value()), set, expiry()),
        4 => command!("get", one(key("string"))),
        2 => command!("DEL", many(key("string"), 1..4)),
        2 => command!("EXISTS", many(key("string"), 1..4)),
        3 => command!("EXPIRE", one(key("string")), one(span()), option(&["NX", "XX", "gt", "LT", "foo"])),
        2 => command!("PEXPIRE", one(key("string")), one(span()), option(&["NX", "XX", "gt", "LT"])),
        2 => command!("TTL", one(key("string"))),
        2 => command!("PTTL", one(key("string"))),
        1 => command!("DBSIZE"),
    ];
    let hashes = prop_oneof![
        4 => command!("HSET", one(key("hash")), pairs(field(), value())),
        1 => command!("HSET", one(key("hash")), many(field(), 0..4)),
        2 => command!("HGET", one(key("hash")), one(field())),
        2 => command!("HDEL", one(key("hash")), many(field(), 1..4)),
        3 => command!("HGETALL", one(key("hash"))),
        1 => command!("HLEN", one(key("hash"))),
    ];
    let flags = option(&["NX", "xx", "GT", "lt", "CH", "INCR"]);
    let sorted_sets = prop_oneof![
        8 => command!("ZADD", one(key("set")), flags, pairs(score(), member())),
        1 => command!("ZADD", one(key("set")), many(score(), 0..4)),
        5 => command!("ZRANGEBYSCORE", one(key("set")), one(bound()), one(bound()),
            option(&["WITHSCORES", "withscores", "REV"]), limit()),
        2 => command!("ZRANGEBYSCORE", one(key("set")), Just(vec!["-inf".into(), "+inf".into()]),
            one(Just("WITHSCORES".to_owned()))),
        2 => command!("ZREMRANGEBYRANK", one(key("set")), one(number()), one(number())),
        2 => command!("ZREMRANGEBYSCORE", one(key("set")), one(bound()), one(bound())),
        1 => command!("ZCARD", one(key("set"))),
    ];
    let connection = prop_oneof![
        command!("PING", many(value(), 0..3)),
        command!("ECHO", one(value())),
        command!("SELECT", one(prop_oneof![3 => one_of(&["0", "1"]), 1 => number()])),
        command!("CLIENT", one(one_of(&["SETNAME", "setname"])), one(one_of(&["", "me", "a b"]))),
        command!("CLIENT", one(one_of(&["GETNAME", "ID"]))),
        command!("CLIENT", Just(vec!["SETINFO".into(), "LIB-NAME".into(), "redis-rs".into()])),
        command!("HELLO", many(prop_oneof![one_of(&["2", "3", "4"]), number()], 0..2)),
        command!("HELLO", one(one_of(&["3"])), one_or_two_options()),
        command!("FLUSHALL", option(&["ASYNC", "sync", "now"])),
    ];
    // Anything at all, with any number of words; but no long values into hashes, whose order is
    // then any.
    let names = one_of(&[
        "GET",
        "SET",
        "DEL",
        "HGET",
        "HGETALL",
        "ZADD",
        "ZCARD",
        "TTL",
        "SELECT",
        "ECHO",
        "CLIENT",
        "Foo",
        "two words",
        "",
        "FLUSHALL",
        "ZREMRANGEBYRANK",
        "DBSIZE",
        "EXPIRE",
    ]);
    let long = Just("long ".repeat(40));
    let any_word = prop_oneof![4 => value(), 2 => key("other"), 1 => long];
    let anything = (names, many(any_word, 0..5)).prop_map(|(name, mut words)| {
        words.insert(0, name);
        words
    });
    prop_oneof![6 => keeping, 5 => hashes, 7 => sorted_sets, 2 => connection, 2 => anything]
}

fn one_or_two_options() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(vec!["SETNAME".into(), "you".into()]),
        Just(vec!["SETNAME".into()]),
        Just(vec!["AUTH".into(), "default".into(), "any".into()]),
        Just(vec!["AUTH".into(), "me".into(), "any".into()]),
        Just(vec!["FOO".into()]),
    ]
}

/// Numbers the times to live, each of its own size.
fn numbered(commands: Vec<Vec<String>>) -> Vec<Words> {
    let span = |at: usize, word: String| match word == SPAN {
        true => (100_000_000 * (1 + at * 7 % 5) + 100_000 * at).to_string(),
        false => word,
    };
    let bytes = |at, words: Vec<String>| {
        words.into_iter().map(|word| span(at, word).into_bytes()).collect()
    };
    commands.into_iter().enumerate().map(|(at, words)| bytes(at, words)).collect()
}

fn told(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn the_same_commands_get_the_same_bytes() {
    let real = Real::start();
    let mut connection = real.connect();
    let id = String::from_utf8(connection.ask_all(&[words("CLIENT ID")]).remove(0));
    let id: i64 = id.expect("a number")[1..].trim_end().parse().expect("a number");
    let connection = std::cell::RefCell::new(connection);
    let cases = Config::default().cases.max(CASES_MIN);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seeded = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seeded);
    let sequences = prop::collection::vec(command(), 1..60).prop_map(numbered);
    let outcome = runner.run(&sequences, |commands| {
        let mut instance = Instance::default();
        instance.number_clients_from(id);
        let client = instance.connect();
        let mut all: Vec<Words> = ["HELLO 2", "FLUSHALL", "SELECT 0"].map(words).to_vec();
        all.push(vec![b"CLIENT".to_vec(), b"SETNAME".to_vec(), Vec::new()]);
        all.extend(commands);
        let theirs = connection.borrow_mut().ask_all(&all);
        for (words, theirs) in all.iter().zip(theirs) {
            let ours = ask(&mut instance, client, words);
            let asked = told(&words.join(&b' '));
            let (mine, real) = (told(&ours), told(&theirs));
            prop_assert!(same(words, &ours, &theirs), "{asked}\n ours   {mine}\n theirs {real}");
        }
        Ok(())
    });
    if let Err(TestError::Fail(difference, commands)) = outcome {
        let script: Vec<String> = commands.iter().map(|words| told(&words.join(&b' '))).collect();
        panic!("{difference}\n{}", script.join("\n"));
    }
}

/// Everything a connection would answer to these bytes, until it ends.
fn answers(bytes: &[u8]) -> Vec<u8> {
    let mut instance = Instance::default();
    let client = instance.connect();
    let mut reader = Reader::default();
    reader.feed(bytes);
    while !instance.is_closing(client) {
        match reader.next_request() {
            Ok(Some(words)) => instance.execute(client, 0, &words),
            Ok(None) => break,
            Err(ProtocolError(text)) => instance.hang_up(client, &Reply::Error(text)),
        }
    }
    let mut out = Vec::new();
    instance.take_output(client, &mut out);
    out
}

#[test]
fn streams_that_are_hardly_the_protocol_get_the_same_bytes() {
    let real = Real::start();
    let too_long = [b"*1\r\n$", [b'1'; 70_000].as_slice()].concat();
    let many = [b"*", [b'1'; 70_000].as_slice()].concat();
    let streams: &[&[u8]] = &[
        b"PING\r\n",
        b"PING\n\r\n  \r\nECHO \"a\\x41\\n\\q\"\r\n",
        b"ECHO 'it\\'s' \r\nECHO 'a\\nb'\r\nECHO x\"y z\"\r\nPING",
        b"ECHO \"open\r\nPING\r\n",
        b"ECHO \"a\"b\r\n",
        b"PING\r\n*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\nPING\r\n",
        b"*x\r\nPING\r\n",
        b"*\r\n",
        b"*2147483648\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n\r\n",
        b"*1\r\n:4\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$536870913\r\n",
        b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        b"*1\r\n$0\r\n\r\n",
        b"\xff\xfe\r\nGET\r\n",
        &too_long,
        &many,
        &[b'a'; 70_000],
    ];
    for stream in streams {
        let mut connection = real.connect();
        connection.stream.write_all(stream).expect("the server reads");
        connection.stream.shutdown(Shutdown::Write).expect("an open stream");
        let mut theirs = Vec::new();
        // The server may reset the stream after an error that it did not read to the end.
        drop(connection.replies.read_to_end(&mut theirs));
        let start = told(&stream[..stream.len().min(80)]);
        assert_eq!(told(&answers(stream)), told(&theirs), "{start}");
    }
}

#[test]
fn the_real_server_is_of_the_version_that_is_simulated() {
    let real = Real::start();
    let reply = real.connect().ask_all(&[words("INFO server")]).remove(0);
    let info = String::from_utf8_lossy(&reply).into_owned();
    let series = VERSION.rsplit_once('.').map_or(VERSION, |(series, _)| series);
    let expected = format!("redis_version:{series}.");
    assert!(info.contains(&expected), "the tests compare with Redis {series}:\n{info}");
}
