//! A pipeline as it goes over the wire, and what its replies say of each command.
//!
//! The `redis` crate turns replies into values or errors, and forgets what else was done; here the
//! replies are judged first. It must not know connections.

use futures_util::FutureExt;
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisFuture, Value};

use super::outcome::{Doubt, Failure, Refusal};
use crate::config::RedisWait;

/// A pipeline, spelled out.
pub struct Batch<'a> {
    commands: &'a Pipeline,
    guard: Option<&'a RedisWait>,
    /// What is sent: every reply of it counts.
    pub wire: Pipeline,
}

impl<'a> Batch<'a> {
    /// The commands as they are sent, with a `WAIT` behind them when guarded: behind `EXEC`, because
    /// it does not wait within a transaction.
    pub fn new(commands: &'a Pipeline, guard: Option<&'a RedisWait>) -> Self {
        let mut wire = redis::pipe();
        if commands.is_transaction() {
            wire.cmd("MULTI");
        }
        for command in commands.cmd_iter() {
            wire.add_command(command.clone());
        }
        if commands.is_transaction() {
            wire.cmd("EXEC");
        }
        if let Some(guard) = guard {
            // 0 would wait for ever.
            let timeout_ms = guard.timeout.0.div_ceil(1_000_000).max(1);
            wire.cmd("WAIT").arg(guard.replicas).arg(timeout_ms);
        }
        Self { commands, guard, wire }
    }

    /// The answer, from as many replies as commands went over the wire.
    pub fn judge<T: FromRedisValue>(&self, mut replies: Vec<Value>) -> Result<T, Failure> {
        let waited = self.guard.and_then(|_| replies.pop());
        let answers = match self.commands.is_transaction() {
            true => self.transaction(replies)?,
            false => {
                check(&replies)?;
                replies
            }
        };
        self.check_guard(waited.as_ref())?;
        let answer = self.commands.query_async(&mut Answers(answers)).now_or_never();
        answer
            .expect("the answers are there")
            .map_err(|error: RedisError| Failure::Misread(error.to_string()))
    }

    /// Whether enough replicas have what was done.
    fn check_guard(&self, waited: Option<&Value>) -> Result<(), Failure> {
        let (Some(guard), Some(waited)) = (self.guard, waited) else { return Ok(()) };
        let replicas = match waited {
            Value::Int(count) => u32::try_from(*count).unwrap_or(0),
            // A refused WAIT vouches for nobody.
            _ => 0,
        };
        match replicas >= guard.replicas {
            true => Ok(()),
            false => Err(Failure::Unknown(Doubt::Unreplicated(replicas))),
        }
    }

    /// What a transaction answered, from the replies to `MULTI`, the commands and `EXEC`.
    fn transaction(&self, mut replies: Vec<Value>) -> Result<Vec<Value>, Failure> {
        let executed = replies.pop().expect("EXEC has a reply");
        let opened = replies.remove(0);
        if matches!(opened, Value::ServerError(_)) {
            // Without MULTI the commands ran one by one.
            check(&replies)?;
            return Err(Failure::Misread("MULTI was refused, and the commands ran".to_owned()));
        }
        if let Value::ServerError(error) = &executed {
            let mut refusals = refusals(&replies);
            if refusals.is_empty() {
                refusals.push(Refusal::new(0, error));
            }
            return Err(Failure::Refused(refusals));
        }
        if let Value::Array(answers) = &executed {
            check(answers)?;
        }
        Ok(vec![executed])
    }
}

/// The error replies among `replies`.
fn refusals(replies: &[Value]) -> Vec<Refusal> {
    let refused = |(place, reply): (usize, &Value)| match reply {
        Value::ServerError(error) => Some(Refusal::new(place, error)),
        _ => None,
    };
    replies.iter().enumerate().filter_map(refused).collect()
}

/// Whether all commands are done.
fn check(replies: &[Value]) -> Result<(), Failure> {
    let refusals = refusals(replies);
    if let Some(script) = refusals.iter().find(|refusal| refusal.may_have_effect()) {
        return Err(Failure::Unknown(Doubt::Halfway(script.text.clone())));
    }
    match refusals.len() {
        0 => Ok(()),
        all if all == replies.len() => Err(Failure::Refused(refusals)),
        _ => Err(Failure::Partly(refusals)),
    }
}

/// A connection that answers one pipeline, for the `redis` crate to read the values out.
struct Answers(Vec<Value>);

impl ConnectionLike for Answers {
    fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
        let error = RedisError::from((ErrorKind::Client, "these answers are to a pipeline"));
        std::future::ready(Err(error)).boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        std::future::ready(Ok(std::mem::take(&mut self.0))).boxed()
    }

    fn get_db(&self) -> i64 {
        0
    }
}

#[cfg(test)]
mod tests;
