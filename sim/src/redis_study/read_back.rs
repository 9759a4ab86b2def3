//! Asks the last master what it has, when everything has settled.

use std::collections::BTreeSet;
use std::io;

use im::env::{Env, Nanos};

use super::finder::Finder;
use super::history::{Kind, ReadBack, Recorder, WriteId};
use super::program::{COUNTER, SET, SORTED, key_of};
use super::resp::Value;

/// Keys that are asked for at once.
const KEYS_MAX: usize = 500;

/// How long each question may take.
const PATIENCE: Nanos = 10_000_000_000;

/// Notes what the last master has, for every operation of the history.
pub async fn note<E: Env>(env: E, finder: Finder, recorder: Recorder) {
    let writes: Vec<(Kind, WriteId)> =
        recorder.history().operations.iter().map(|one| (one.kind, one.id)).collect();
    let found = read_back(&env, &finder, &writes, PATIENCE).await;
    recorder.history().read_back = found;
}

/// Reads back which of the writes are there, among others; `None` when no master answers.
/// `timeout` is for each question.
pub async fn read_back<E: Env>(
    env: &E,
    finder: &Finder,
    writes: &[(Kind, WriteId)],
    timeout: Nanos,
) -> Option<ReadBack> {
    let (master, mut connection) = finder.connect(env, timeout).await?;
    let mut found = ReadBack { node: master.node, ..ReadBack::default() };
    let kinds: BTreeSet<Kind> = writes.iter().map(|(kind, _)| *kind).collect();
    let mut ask = async |words: &[&str]| -> Option<Value> {
        let answer: Option<io::Result<Value>> = env.timeout(timeout, connection.call(words)).await;
        answer?.ok().filter(|value| !matches!(value, Value::Error(_)))
    };
    if kinds.contains(&Kind::Add) {
        found.present.extend(ids(&ask(&["SMEMBERS", SET]).await?));
    }
    if kinds.contains(&Kind::Score) {
        found.present.extend(ids(&ask(&["ZRANGEBYSCORE", SORTED, "-inf", "+inf"]).await?));
    }
    let own = writes.iter().filter(|(kind, _)| *kind == Kind::Set);
    let keys: Vec<String> = own.map(|(_, id)| key_of(*id)).collect();
    for some in keys.chunks(KEYS_MAX) {
        let mut words = vec!["MGET"];
        words.extend(some.iter().map(String::as_str));
        found.present.extend(ids(&ask(&words).await?));
    }
    let counter = ask(&["GET", COUNTER]).await?;
    found.counter = counter.text().and_then(|text| text.parse().ok()).unwrap_or(0);
    Some(found)
}

fn ids(list: &Value) -> impl Iterator<Item = WriteId> {
    list.items().iter().filter_map(|item| item.text()?.parse().ok())
}
