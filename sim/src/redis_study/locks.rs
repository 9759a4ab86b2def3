//! A client of a study that wants the one lock: `SET key token NX PX`, on a single master or on a
//! majority of independent ones (Redlock).
//!
//! It believes that it holds the lock from the answer until the lock's time has passed since its
//! request, and does something to the protected resource meanwhile, with a fencing token.

use im::env::{Addr, Env, Nanos};

use super::finder::Finder;
use super::history::{Hold, Recorder};
use super::program::REDIAL;
use super::resp::{Connection, Value};

/// The lock.
pub const LOCK: &str = "study:lock";
/// Where fencing tokens come from.
pub const FENCE: &str = "study:fence";

/// What every client that wants the lock does.
#[derive(Clone, Debug)]
pub struct Contest {
    /// How the master is found.
    pub finder: Finder,
    /// How long the lock lives, in milliseconds.
    pub ttl_ms: u64,
    /// How long a holder keeps it before it lets go; it never does if this is not shorter.
    pub hold: Nanos,
    /// How long those wait who did not get it.
    pub retry: Nanos,
    /// How long an operation may take.
    pub timeout: Nanos,
    /// How often a holder does something to the resource.
    pub effect_every: Nanos,
    /// Whether the resource refuses older tokens.
    pub fences: bool,
    /// When the client stops.
    pub until: Nanos,
}

/// Contends until the end.
pub async fn contend<E: Env>(env: E, client: u32, contest: Contest, recorder: Recorder) {
    env.sleep(env.rand_below(contest.retry.max(1))).await;
    let mut turn: u64 = 0;
    while env.now() < contest.until {
        let found = contest.finder.connect(&env, contest.timeout).await;
        let Some((master, mut connection)) = found else {
            env.sleep(REDIAL).await;
            continue;
        };
        while env.now() < contest.until {
            turn += 1;
            let token = format!("{client}.{turn}");
            let Some(()) =
                attempt(&env, client, &contest, (master, &mut connection), &token, &recorder).await
            else {
                break;
            };
        }
    }
}

/// One try to get the lock, and if it succeeds the time in which it is held. `None` when the master
/// must be looked for again.
async fn attempt<E: Env>(
    env: &E,
    client: u32,
    contest: &Contest,
    (master, connection): (Addr, &mut Connection<E::Stream>),
    token: &str,
    recorder: &Recorder,
) -> Option<()> {
    let ttl = contest.ttl_ms.to_string();
    let asked = env.now();
    let request = ["SET", LOCK, token, "NX", "PX", &ttl];
    match ask(env, contest.timeout, connection, &request).await? {
        Value::Simple(_) => {}
        Value::Error(_) => return None,
        _ => {
            env.sleep(contest.retry).await;
            return Some(());
        }
    }
    let sure_until = asked + contest.ttl_ms * 1_000_000;
    let from = env.now();
    let until = sure_until.min(from + contest.hold);
    let fence = match ask(env, contest.timeout, connection, &["INCR", FENCE]).await {
        Some(Value::Integer(fence)) => Some(fence),
        _ => None,
    };
    let place = {
        let mut history = recorder.history();
        history.holds.push(Hold { client, node: master.node, from, until });
        history.holds.len() - 1
    };
    while let Some(fence) = fence
        && env.now() < until
    {
        recorder.effect(client, fence, env.now(), contest.fences);
        env.sleep_until(until.min(env.now() + contest.effect_every)).await;
    }
    env.sleep_until(until).await;
    fence?;
    if until < sure_until {
        recorder.history().holds[place].until = env.now();
        release(env, contest.timeout, connection, token).await?;
    }
    Some(())
}

/// Lets go of the lock, if it is still this client's.
async fn release<E: Env>(
    env: &E,
    timeout: Nanos,
    connection: &mut Connection<E::Stream>,
    token: &str,
) -> Option<()> {
    ask(env, timeout, connection, &["WATCH", LOCK]).await?;
    if ask(env, timeout, connection, &["GET", LOCK]).await?.text() != Some(token) {
        ask(env, timeout, connection, &["UNWATCH"]).await?;
        return Some(());
    }
    for words in [&["MULTI"][..], &["DEL", LOCK], &["EXEC"]] {
        ask(env, timeout, connection, words).await?;
    }
    Some(())
}

async fn ask<E: Env>(
    env: &E,
    timeout: Nanos,
    connection: &mut Connection<E::Stream>,
    words: &[&str],
) -> Option<Value> {
    env.timeout(timeout, connection.call(words)).await?.ok()
}

/// Tries to take the lock on most of the independent masters (Redlock), each within `timeout`.
/// Returns the hold, less the time that it took; what a failed try got is given back.
pub async fn redlock<E: Env>(
    env: &E,
    client: u32,
    masters: &[Addr],
    (token, ttl_ms): (&str, u64),
    timeout: Nanos,
) -> Option<Hold> {
    let asked = env.now();
    let ttl = ttl_ms.to_string();
    let mut granted = Vec::new();
    for master in masters {
        let grant = async {
            let mut connection = Connection::new(env.connect(*master).await.ok()?);
            let answer = connection.call(&["SET", LOCK, token, "NX", "PX", &ttl]).await.ok()?;
            matches!(answer, Value::Simple(_)).then_some(connection)
        };
        if let Some(connection) = env.timeout(timeout, grant).await.flatten() {
            granted.push((*master, connection));
        }
    }
    let (from, until) = (env.now(), asked + ttl_ms * 1_000_000);
    if granted.len() > masters.len() / 2 && from < until {
        return Some(Hold { client, node: granted[0].0.node, from, until });
    }
    for (_, mut connection) in granted {
        // A lock that cannot be given back expires.
        let _ = release(env, timeout, &mut connection, token).await;
    }
    None
}
