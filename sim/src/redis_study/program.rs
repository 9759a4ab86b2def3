//! The client of a study: one operation after the other, each noted with its outcome. On an I/O
//! error, a late answer or READONLY it looks for the master again.
//!
//! It knows [`Env`] only and must not know whether the Redis behind it is simulated.

use im::env::{Addr, Env, Nanos};

use super::experiment::Use;
use super::finder::Finder;
use super::history::{Kind, Operation, Outcome, Recorder, WriteId};
use super::locks::{self, Contest};
use super::resp::{Connection, Value};

/// How long a client waits before it looks for the master again.
pub const REDIAL: Nanos = 100_000_000;
/// The set that `SADD` fills.
pub const SET: &str = "study:set";
/// The sorted set that `ZADD` fills.
pub const SORTED: &str = "study:sorted";
/// The counter.
pub const COUNTER: &str = "study:counter";

/// The key of a `SET`.
pub fn key_of(id: WriteId) -> String {
    format!("study:key:{id}")
}

/// A write counts once so many replicas have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// Replicas.
    pub replicas: u32,
    /// How long the master waits for them, in milliseconds.
    pub timeout_ms: u64,
}

/// What every client of a study does.
#[derive(Clone, Debug)]
pub struct Load {
    /// How the master is found.
    pub finder: Finder,
    /// Which operations, in turn.
    pub kinds: Vec<Kind>,
    /// From the beginning of one operation to that of the next, unless the first takes longer.
    pub pace: Nanos,
    /// How long an operation may take; the answer to `WAIT` comes on top.
    pub timeout: Nanos,
    /// What is asked for after each write.
    pub wait: Option<Wait>,
    /// When the client stops.
    pub until: Nanos,
}

/// How long an operation may take, as in the measurements.
const TIMEOUT: Nanos = 500_000_000;
/// Those who did not get the lock ask again so soon.
const LOCK_RETRY: Nanos = 100_000_000;
/// A holder does something to the resource so often.
const EFFECT_EVERY: Nanos = 100_000_000;

/// What a client does, wherever it runs.
pub async fn client<E: Env>(
    env: E,
    number: u32,
    does: Use,
    finder: Finder,
    until: Nanos,
    recorder: Recorder,
) {
    match does {
        Use::Writes { pace, wait } => {
            let kinds = Kind::ALL.to_vec();
            let load = Load { finder, kinds, pace, timeout: TIMEOUT, wait, until };
            run(env, number, load, recorder).await;
        }
        Use::Lock { ttl_ms, hold, fences } => {
            let (retry, timeout, effect_every) = (LOCK_RETRY, TIMEOUT, EFFECT_EVERY);
            let contest =
                Contest { finder, ttl_ms, hold, retry, timeout, effect_every, fences, until };
            locks::contend(env, number, contest, recorder).await;
        }
    }
}

/// Writes until the load's end.
pub async fn run<E: Env>(env: E, client: u32, load: Load, recorder: Recorder) {
    assert!(!load.kinds.is_empty() && load.pace > 0, "a load that asks for something");
    let mut number: u64 = 0;
    // Clients do not march in step.
    env.sleep(env.rand_below(load.pace)).await;
    while env.now() < load.until {
        let Some((node, mut connection)) = load.finder.connect(&env, load.timeout).await else {
            env.sleep(REDIAL).await;
            continue;
        };
        while env.now() < load.until {
            let kind = load.kinds[(number % load.kinds.len() as u64) as usize];
            let id = (u64::from(client) << 32) | number;
            number += 1;
            let invoked = env.now();
            let outcome = write(&env, &load, &mut connection, kind, id).await;
            let lost_master =
                !matches!(&outcome, Outcome::Done(_)) && !is_doubt_of_replicas(&outcome);
            let ended = env.now();
            let Addr { node, .. } = node;
            let operation = Operation { id, client, kind, node, invoked, ended, outcome };
            recorder.history().operations.push(operation);
            if lost_master {
                break;
            }
            env.sleep_until(invoked + load.pace).await;
        }
    }
}

/// What is said of a write that too few replicas have.
const UNREPLICATED: &str = "too few replicas";
/// How the refusal of a master without enough replicas begins; it stays the master.
const NOREPLICAS: &str = "NOREPLICAS";

/// Whether the master is still the one to ask.
fn is_doubt_of_replicas(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Maybe(why) => why == UNREPLICATED,
        Outcome::Refused(why) => why.starts_with(NOREPLICAS),
        Outcome::Done(_) => false,
    }
}

async fn write<E: Env>(
    env: &E,
    load: &Load,
    connection: &mut Connection<E::Stream>,
    kind: Kind,
    id: WriteId,
) -> Outcome {
    let (member, key) = (id.to_string(), key_of(id));
    let words: Vec<&str> = match kind {
        Kind::Add => vec!["SADD", SET, &member],
        Kind::Score => vec!["ZADD", SORTED, &member, &member],
        Kind::Set => vec!["SET", &key, &member],
        Kind::Incr => vec!["INCR", COUNTER],
    };
    let answer = match env.timeout(load.timeout, connection.call(&words)).await {
        None => return Outcome::Maybe("no answer in time".to_owned()),
        Some(Err(error)) => return Outcome::Maybe(error.kind().to_string()),
        Some(Ok(Value::Error(text))) => return Outcome::Refused(text),
        Some(Ok(Value::Integer(number))) => number,
        Some(Ok(_)) => 0,
    };
    let Some(Wait { replicas, timeout_ms }) = load.wait else { return Outcome::Done(answer) };
    let (replicas_asked, ms) = (replicas.to_string(), timeout_ms.to_string());
    let question = ["WAIT", &replicas_asked, &ms];
    let patience = load.timeout + timeout_ms * 1_000_000;
    match env.timeout(patience, connection.call(&question)).await {
        None => Outcome::Maybe("no answer in time".to_owned()),
        Some(Err(error)) => Outcome::Maybe(error.kind().to_string()),
        Some(Ok(Value::Integer(have))) if have >= i64::from(replicas) => Outcome::Done(answer),
        Some(Ok(_)) => Outcome::Maybe(UNREPLICATED.to_owned()),
    }
}
