//! The simulated Redis against the real one: the same commands must get the same bytes.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`) and `cc`, with which a clock is built
//! that the test moves, so that both see the same millisecond. To add a kind of commands, write its
//! file, which exports a strategy `command()`, and enter it in [`kinds`] when one client is enough,
//! or in [`kinds_of_several_clients`]. What is not compared byte by byte stands in `compare.rs`.
//!
//! 200,000 commands are compared, from a fixed seed; the environment variable
//! `IMSIM_REDIS_COMMANDS` asks for another number, such as 10000000.

mod administration;
mod compare;
mod connection;
mod hashes;
mod keys;
mod lists;
mod protocol;
mod real;
mod sets;
mod several;
mod single;
mod sorted_sets;
mod strings;
mod waits;
mod words;

use imsim::redis::VERSION;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use real::Real;
use words::Line;

/// The words of a command as they are sent.
type Words = Vec<Vec<u8>>;

/// How many commands are compared unless the environment says otherwise.
const COMMANDS: u64 = 200_000;

/// One command of so many is compared with several clients, which takes longer.
const ONE_WITH_SEVERAL_CLIENTS_IN: u64 = 10;

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
        (2, connection::command()),
    ]
}

/// Kinds of commands that several clients send.
fn kinds_of_several_clients() -> Vec<(u32, BoxedStrategy<Line>)> {
    vec![(1, waits::command())]
}

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
    prop::collection::vec(step, 1..STEPS_MAX)
}

/// Tries sequences until so many commands were compared. `compare` tells how many a sequence had,
/// or what differed.
fn search(
    commands: u64,
    sequences: &impl Strategy<Value = Vec<Step>>,
    compare: impl Fn(&[Step]) -> Result<u64, String>,
) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let compared = std::cell::Cell::new(0);
    for batch in 0_u64.. {
        if compared.get() >= commands {
            return;
        }
        // A runner that has run its cases would run no more.
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&batch.to_le_bytes());
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

/// How many commands are to be compared.
fn commands() -> u64 {
    std::env::var("IMSIM_REDIS_COMMANDS").map_or(COMMANDS, |text| {
        text.parse().expect("IMSIM_REDIS_COMMANDS is the number of commands to compare")
    })
}

#[test]
fn commands_of_one_client_get_the_same_bytes() {
    let pair = std::cell::RefCell::new(single::Pair::start());
    let several = commands() / ONE_WITH_SEVERAL_CLIENTS_IN;
    search(commands() - several, &sequences(kinds(), 1), |steps| pair.borrow_mut().compare(steps));
}

#[test]
fn commands_of_several_clients_get_the_same_bytes() {
    let pair = std::cell::RefCell::new(several::Pair::start());
    let count = commands() / ONE_WITH_SEVERAL_CLIENTS_IN;
    let sequences = sequences(kinds_of_several_clients(), several::CLIENTS);
    search(count, &sequences, |steps| pair.borrow_mut().compare(steps));
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
