//! Clients that are made to wait: by `CLIENT PAUSE`, and by `DEBUG SLEEP`, which stops the whole
//! server. What they sent runs when that is over, in the order in which it came.

use super::session::ClientId;
use super::{Blocked, Context, Instance, Wait};
use crate::redis::commands::{Command, flags};
use crate::redis::reply::Reply;

/// Commands that wait.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Until when which commands wait.
    until: Option<(i64, Paused)>,
    /// Until when the server sleeps.
    asleep_until_ms: Option<i64>,
    /// Whose commands wait, first come, first served.
    postponed: Vec<ClientId>,
}

/// Which commands wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Paused {
    /// Those that may change something, or tell replicas of it.
    Writes,
    /// All.
    All,
}

impl Pause {
    /// Whether keys must stay as they are, expired ones too.
    pub(super) fn holds(&self) -> bool {
        self.until.is_some() || self.asleep_until_ms.is_some()
    }

    /// When it ends, if there is one.
    pub(super) fn end_ms(&self) -> Option<i64> {
        let pause_ms = self.until.map(|(end_ms, _)| end_ms);
        pause_ms.into_iter().chain(self.asleep_until_ms).min()
    }

    /// A pause is over when its last millisecond is.
    pub(super) fn set_now(&mut self, now_ms: i64) {
        self.until = self.until.filter(|(end_ms, _)| *end_ms >= now_ms);
        self.asleep_until_ms = self.asleep_until_ms.filter(|end_ms| *end_ms >= now_ms);
    }
}

impl Instance {
    /// A pause that is under way is neither shortened nor loosened.
    pub(crate) fn pause(&mut self, end_ms: i64, paused: Paused) {
        if end_ms == self.now_ms {
            return;
        }
        let (end_before_ms, before) = self.pause.until.unwrap_or((end_ms, paused));
        self.pause.until = Some((end_ms.max(end_before_ms), paused.max(before)));
    }

    /// The pause is over.
    pub(crate) fn unpause(&mut self) {
        self.pause.until = None;
    }

    /// Whether the command has to wait. Replicas and masters are never paused.
    pub(super) fn postpones(&self, id: ClientId, command: &Command) -> bool {
        if self.replication.replicas.contains_key(&id) || self.is_master_client(id) {
            return false;
        }
        let open = self.open_transaction(id).map_or(0, |open| open.flags);
        let all = command.flags | if command.name == "exec" { open } else { 0 };
        let writes = all & (flags::WRITE | flags::MAY_REPLICATE) != 0;
        self.pause.asleep_until_ms.is_some()
            || self.pause.until.is_some_and(|(_, paused)| writes || paused == Paused::All)
    }

    /// The client waits with this command until the pause is over.
    pub(super) fn postpone(&mut self, id: ClientId, words: &[Vec<u8>]) {
        let retry = words.to_vec();
        let blocked =
            Blocked { wait: Wait::Unpause, deadline_ms: None, timed_out: Reply::Nothing, retry };
        let database = self.clients[&id].database;
        self.block(id, database, blocked);
        self.pause.postponed.push(id);
    }

    /// Runs what has waited, once there is no pause.
    pub(super) fn run_postponed(&mut self) {
        if self.pause.postponed.is_empty() || self.pause.holds() {
            return;
        }
        for id in std::mem::take(&mut self.pause.postponed) {
            if let Some(blocked) = self.unblock(id) {
                let now_ms = self.now_ms;
                self.execute(id, now_ms, &blocked.retry);
            }
        }
    }
}

impl Context<'_> {
    /// The whole server sleeps, and answers this client when it wakes.
    pub fn sleep(&mut self, ms: i64, words: &[Vec<u8>]) -> Reply {
        let end_ms = self.now_ms().saturating_add(ms);
        if ms == 0 || !self.may_block() {
            return Reply::OK;
        }
        self.instance.pause.asleep_until_ms = Some(end_ms);
        let (wait, timed_out, retry) = (Wait::Event, Reply::OK, words.to_vec());
        self.block(Blocked { wait, deadline_ms: Some(end_ms), timed_out, retry });
        Reply::Nothing
    }
}
