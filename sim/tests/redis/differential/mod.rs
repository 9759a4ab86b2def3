//! The simulated Redis against the real one: the same commands must get the same bytes.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`) and `cc`, with which a clock is built
//! that the test moves, so that both see the same millisecond. To add a kind of commands, write its
//! file, which exports a strategy `command()`, and enter it in [`kinds`] when one client is enough,
//! or give it a test of its own. What is not compared byte by byte stands in `compare.rs`.
//!
//! 200,000 commands are compared, from a fixed seed; the environment variable
//! `IMSIM_REDIS_COMMANDS` asks for another number, such as 10000000, and `IMSIM_REDIS_SEED` for
//! another seed than 0.

mod administration;
mod compare;
mod connection;
mod dumps;
mod fixed;
mod hashes;
mod keys;
mod listeners;
mod lists;
mod lua;
mod patterns;
mod protocol;
mod real;
mod scripts;
mod sets;
mod several;
mod single;
mod sorted_sets;
mod sorting;
mod streams;
mod strings;
mod transactions;
mod waits;
mod waits_sorted_sets;
mod waits_streams;
mod words;

use std::cell::RefCell;

use imsim::redis::VERSION;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use real::Real;
use several::Expired;
use words::Line;

/// The words of a command as they are sent.
type Words = Vec<Vec<u8>>;

/// How many commands are compared unless the environment says otherwise.
const COMMANDS: u64 = 200_000;

/// Every test compares some of so many parts of them. Those of several clients take longer.
const PARTS: u64 = 20;

/// At most so many steps are in a sequence.
const STEPS_MAX: usize = 60;

/// So many sequences are tried between two looks at how many commands that were.
const CASES: u32 = 100;

/// Kinds of commands that one client is enough for, with their odds.
fn kinds() -> Vec<(u32, BoxedStrategy<Line>)> {
    vec![
        (6, strings::command()),
        (6, keys::command()),
        (4, hashes::command()),
        (5, lists::command()),
        (5, sets::command()),
        (6, sorted_sets::command()),
        (5, streams::command()),
        (2, connection::command()),
    ]
}

/// So many shorter sequences are tried when one has differed.
const SHRINK_STEPS_MAX: u32 = 5000;

/// What happens in a sequence.
#[derive(Clone, Debug)]
enum Step {
    /// One of the clients sends a command.
    Command(usize, Words),
    /// So many milliseconds pass.
    Pass(i64),
}

/// Sequences of such commands, by so many clients.
fn sequences(
    kinds: Vec<(u32, BoxedStrategy<Line>)>,
    clients: usize,
) -> impl Strategy<Value = Vec<Step>> {
    let command = proptest::strategy::Union::new_weighted(kinds);
    let command = (0..clients, command).prop_map(|(client, words)| {
        Step::Command(client, words.into_iter().map(String::into_bytes).collect())
    });
    let pass = prop::sample::select(&[1_i64, 2, 5, 99, 100, 499, 500, 1000, 5000][..]);
    let step = prop_oneof![16 => command, 1 => pass.prop_map(Step::Pass)];
    let steps = prop::collection::vec(step, 1..STEPS_MAX);
    // Some clients begin with the new protocol.
    (prop::collection::vec(prop::bool::ANY, clients), steps).prop_map(|(new, steps)| {
        let new = new.into_iter().enumerate().filter(|(_, new)| *new);
        let hello =
            new.map(|(client, _)| Step::Command(client, vec![b"HELLO".into(), b"3".into()]));
        hello.chain(steps).collect()
    })
}

/// Tries sequences until so many commands were compared. `compare` tells how many a sequence had,
/// or what differed.
fn search(
    commands: u64,
    sequences: &impl Strategy<Value = Vec<Step>>,
    compare: impl Fn(&[Step]) -> Result<u64, String>,
) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: SHRINK_STEPS_MAX,
        ..Config::default()
    };
    let compared = std::cell::Cell::new(0);
    for batch in 0_u64.. {
        if compared.get() >= commands {
            return;
        }
        // A runner that has run its cases would run no more.
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&batch.to_le_bytes());
        seed[8..16].copy_from_slice(&asked("IMSIM_REDIS_SEED", 0).to_le_bytes());
        let seeded = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(config.clone(), seeded);
        let outcome = runner.run(sequences, |steps| {
            let count = compare(&steps).map_err(TestCaseError::fail)?;
            compared.set(compared.get() + count);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(difference, steps)) => {
                let script: Vec<String> = steps.iter().map(Step::told).collect();
                panic!("{difference}\n{}", script.join("\n"));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Step {
    fn told(&self) -> String {
        match self {
            Self::Command(client, words) => format!("{client}> {}", told(&words.join(&b' '))),
            Self::Pass(ms) => format!("{ms} ms pass"),
        }
    }
}

/// Bytes as a person can read them.
fn told(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// A number that the environment may ask for.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} must be a number and is {text}"))
    })
}

/// How many commands so many parts of all are.
fn commands(parts: u64) -> u64 {
    asked("IMSIM_REDIS_COMMANDS", COMMANDS) * parts / PARTS
}

/// Compares so many parts of all commands, sent by one client.
fn compare_one(parts: u64, kinds: Vec<(u32, BoxedStrategy<Line>)>) {
    let pair = RefCell::new(single::Pair::start());
    let sequences = sequences(kinds, 1);
    search(commands(parts), &sequences, |steps| pair.borrow_mut().compare(steps));
}

/// Compares so many parts of all commands, sent by several clients.
fn compare_several(parts: u64, expired: Expired, kinds: Vec<(u32, BoxedStrategy<Line>)>) {
    let pair = RefCell::new(several::Pair::start(expired));
    let sequences = sequences(kinds, several::CLIENTS);
    search(commands(parts), &sequences, |steps| pair.borrow_mut().compare(steps));
}

#[test]
fn commands_get_the_same_bytes() {
    compare_one(5, kinds());
}

#[test]
fn commands_on_sorted_sets_get_the_same_bytes() {
    compare_one(2, vec![(1, sorted_sets::command())]);
}

#[test]
fn commands_on_streams_get_the_same_bytes() {
    compare_one(2, vec![(1, streams::command())]);
}

#[test]
fn what_is_sorted_gets_the_same_bytes() {
    compare_one(2, vec![(1, sorting::command())]);
}

#[test]
fn what_is_sorted_is_told_to_replicas_in_the_same_bytes() {
    compare_several(1, Expired::Go, vec![(1, sorting::command())]);
}

#[test]
fn patterns_get_the_same_bytes() {
    compare_one(2, vec![(1, patterns::command())]);
}

#[test]
fn scripts_get_the_same_bytes() {
    compare_one(5, vec![(1, scripts::command())]);
}

#[test]
fn clients_that_wait_for_lists_get_the_same_bytes() {
    compare_several(1, Expired::Go, vec![(1, waits::command())]);
}

#[test]
fn clients_that_wait_for_sorted_sets_get_the_same_bytes() {
    compare_several(1, Expired::Go, vec![(1, waits_sorted_sets::command())]);
}

#[test]
fn clients_that_wait_for_streams_get_the_same_bytes() {
    compare_several(1, Expired::Go, vec![(1, waits_streams::command())]);
}

#[test]
fn transactions_get_the_same_bytes() {
    compare_several(1, Expired::Stay, vec![(1, transactions::command())]);
}

#[test]
fn listeners_get_the_same_bytes() {
    compare_several(1, Expired::Go, vec![(1, listeners::command())]);
}

#[test]
fn replicas_get_the_same_bytes() {
    let scripts = (6, scripts::command());
    compare_several(1, Expired::Go, kinds().into_iter().chain([scripts]).collect());
}

/// Ten million commands found it: Redis removes the old value without asking whether its time is over, and tells
/// replicas the command itself, not `DEL`.
#[test]
fn replicas_are_told_alike_of_an_expired_key_that_gets_an_empty_result() {
    let mut pair = several::Pair::start(Expired::Stay);
    for command in [
        "ZINTERSTORE to 1 none",
        "ZUNIONSTORE to 1 none",
        "ZDIFFSTORE to 1 none",
        "ZRANGESTORE to none 0 -1",
        "SINTERSTORE to none",
        "SUNIONSTORE to none",
        "SDIFFSTORE to none",
        "BITOP AND to none",
        "BITOP NOT to none",
        "COPY none to REPLACE",
        "SET to y PXAT 1",
        "GETEX to PXAT 1",
        "PEXPIREAT to 1",
        "UNLINK to",
    ] {
        let of = |line: &str| {
            Step::Command(0, line.split(' ').map(|word| word.as_bytes().to_vec()).collect())
        };
        let steps = [of("SET to x PX 5"), Step::Pass(10), of(command), of("EXISTS to")];
        match pair.compare(&steps) {
            Ok(commands) => assert_eq!(commands, 3, "{command}"),
            Err(difference) => panic!("{command}: {difference}"),
        }
    }
}

#[test]
fn the_real_server_is_of_the_version_that_is_simulated() {
    let real = Real::start();
    let reply = real.connect().ask(&["INFO", "server"]);
    let info = String::from_utf8_lossy(&reply).into_owned();
    let series = VERSION.rsplit_once('.').map_or(VERSION, |(series, _)| series);
    let expected = format!("redis_version:{series}.");
    assert!(info.contains(&expected), "the tests compare with Redis {series}:\n{info}");
}
