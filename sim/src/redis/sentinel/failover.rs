//! A failover, step by step: election, choice of a replica, promotion, the other replicas.

use super::core::Sentinel;
use super::instance::{
    FAILOVER, FORCED, Id, Ms, O_DOWN, PROMOTED, RECONF_DONE, RECONF_INPROG, RECONF_SENT, S_DOWN,
    State,
};
use super::links::{INFO_PERIOD, PING_PERIOD};
use super::votes::DESYNC_MAX;

/// Who is not elected by then gives up; earlier, if the failover's own timeout is shorter.
const ELECTION_TIMEOUT: Ms = 10_000;

/// A replica that does not do as it was told counts as done after so long.
const RECONF_TIMEOUT: Ms = 10_000;

impl Sentinel {
    /// Starts a failover if the master is down for all of us, none is under way, and the last one
    /// began long ago.
    pub(super) fn start_failover_if_needed(&mut self, id: Id) -> bool {
        let master = self.one(id);
        let lately = self.now - master.failover_start < master.failover_timeout * 2;
        if !master.flags.any(O_DOWN) || master.flags.any(FAILOVER) || lately {
            return false;
        }
        self.start_failover(id);
        true
    }

    pub(super) fn start_failover(&mut self, id: Id) {
        self.epoch += 1;
        let (epoch, now) = (self.epoch, self.now);
        let master = self.one_mut(id);
        master.state = State::WaitStart;
        master.flags.set(FAILOVER);
        master.failover_epoch = epoch;
        self.event("+new-epoch", &epoch.to_string());
        self.event_of("+try-failover", id, "");
        let start = now + self.random_below(DESYNC_MAX);
        let master = self.one_mut(id);
        master.failover_start = start;
        master.state_since = now;
    }

    pub(super) fn go_on_with_failover(&mut self, id: Id) {
        if !self.one(id).flags.any(FAILOVER) {
            return;
        }
        match self.one(id).state {
            State::WaitStart => self.wait_start(id),
            State::SelectSlave => self.choose(id),
            State::SendSlaveofNoOne => self.promote(id),
            State::WaitPromotion => {
                self.give_up_if_late(id);
            }
            State::ReconfSlaves => self.reconfigure_next(id),
            State::None | State::UpdateConfig => {}
        }
    }

    fn enter(&mut self, id: Id, state: State) {
        let now = self.now;
        let master = self.one_mut(id);
        master.state = state;
        master.state_since = now;
    }

    /// It ends without a new master.
    fn abort(&mut self, id: Id) {
        let master = self.one_mut(id);
        master.flags.clear(FAILOVER | FORCED);
        let promoted = master.promoted.take();
        self.enter(id, State::None);
        if let Some(promoted) = promoted {
            self.one_mut(promoted).flags.clear(PROMOTED);
        }
    }

    fn wait_start(&mut self, id: Id) {
        let leader = self.leader(id, self.one(id).failover_epoch);
        let elected = leader.is_some_and(|leader| leader.eq_ignore_ascii_case(&self.myid));
        let master = self.one(id);
        if !elected && !master.flags.any(FORCED) {
            let timeout = ELECTION_TIMEOUT.min(master.failover_timeout);
            if self.now - master.failover_start > timeout {
                self.event_of("-failover-abort-not-elected", id, "");
                self.abort(id);
            }
            return;
        }
        self.event_of("+elected-leader", id, "");
        self.enter(id, State::SelectSlave);
        self.event_of("+failover-state-select-slave", id, "");
    }

    fn choose(&mut self, id: Id) {
        let Some(chosen) = self.best_replica(id) else {
            self.event_of("-failover-abort-no-good-slave", id, "");
            self.abort(id);
            return;
        };
        self.event_of("+selected-slave", chosen, "");
        self.one_mut(chosen).flags.set(PROMOTED);
        self.one_mut(id).promoted = Some(chosen);
        self.enter(id, State::SendSlaveofNoOne);
        self.event_of("+failover-state-send-slaveof-noone", chosen, "");
    }

    /// The replica to promote: among those that are up and not too far behind, the one with the
    /// lowest priority, then the most data, then the smallest run id.
    pub(super) fn best_replica(&self, id: Id) -> Option<Id> {
        let (master, now) = (self.one(id), self.now);
        let down = master.flags.any(S_DOWN);
        let down_for = if down { now - master.s_down_since } else { 0 };
        let link_down_max = down_for + master.down_after * 10;
        let info_age_max = if down { PING_PERIOD * 5 } else { INFO_PERIOD * 3 };
        let good = |replica: &Id| {
            let replica = self.one(*replica);
            !replica.flags.any(S_DOWN | O_DOWN)
                && !replica.link.disconnected
                && now - replica.link.available <= PING_PERIOD * 5
                && replica.priority != 0
                && now - replica.info_refreshed <= info_age_max
                && replica.master_link_down <= link_down_max
        };
        master.replicas.values().copied().filter(good).min_by_key(|replica| {
            let replica = self.one(*replica);
            let run_id = replica.run_id.as_ref().map(|run_id| run_id.to_ascii_lowercase());
            (replica.priority, std::cmp::Reverse(replica.offset), run_id.is_none(), run_id)
        })
    }

    fn promote(&mut self, id: Id) {
        let promoted = self.one(id).promoted.expect("it was chosen in the step before");
        if self.one(promoted).link.disconnected {
            self.give_up_if_late(id);
        } else if self.send_slaveof(promoted, None) {
            self.event_of("+failover-state-wait-promotion", promoted, "");
            self.enter(id, State::WaitPromotion);
        }
    }

    fn give_up_if_late(&mut self, id: Id) {
        let master = self.one(id);
        if self.now - master.state_since > master.failover_timeout {
            self.event_of("-failover-abort-slave-timeout", id, "");
            self.abort(id);
        }
    }

    /// Tells replicas of the new master, so many at a time.
    fn reconfigure_next(&mut self, id: Id) {
        let now = self.now;
        let (replicas, master) = (self.replicas_of(id), self.one(id));
        let parallel = usize::try_from(master.parallel_syncs).expect("it is a small number");
        let to = master.promoted.map(|promoted| self.one(promoted).at);
        let under_way = |one: &&Id| self.one(**one).flags.any(RECONF_SENT | RECONF_INPROG);
        let mut under_way = replicas.iter().filter(under_way).count();
        for replica in replicas {
            if under_way >= parallel {
                break;
            }
            let one = self.one_mut(replica);
            if one.flags.any(PROMOTED | RECONF_DONE) {
                continue;
            }
            if one.flags.any(RECONF_SENT) && now - one.reconf_sent > RECONF_TIMEOUT {
                one.flags.clear(RECONF_SENT);
                one.flags.set(RECONF_DONE);
                self.event_of("-slave-reconf-sent-timeout", replica, "");
            }
            let one = self.one(replica);
            let done = one.flags.any(RECONF_SENT | RECONF_INPROG) || one.link.disconnected;
            if !done && to.is_some() && self.send_slaveof(replica, to) {
                let one = self.one_mut(replica);
                one.flags.set(RECONF_SENT);
                one.reconf_sent = now;
                self.event_of("+slave-reconf-sent", replica, "");
                under_way += 1;
            }
        }
        self.see_end(id);
    }

    /// It is over once all replicas that can be reached follow the new master, or out of time.
    fn see_end(&mut self, id: Id) {
        let master = self.one(id);
        let late = self.now - master.state_since > master.failover_timeout;
        let Some(promoted) = master.promoted else { return };
        let to = self.one(promoted).at;
        if self.one(promoted).flags.any(S_DOWN) {
            return;
        }
        let replicas = self.replicas_of(id);
        let waits = |one: &Id| !self.one(*one).flags.any(PROMOTED | RECONF_DONE | S_DOWN);
        let waits = replicas.iter().any(waits);
        if late {
            self.event_of("+failover-end-for-timeout", id, "");
        }
        if late || !waits {
            self.event_of("+failover-end", id, "");
            self.enter(id, State::UpdateConfig);
        }
        if !late {
            return;
        }
        for replica in replicas {
            let one = self.one(replica);
            let told = one.flags.any(PROMOTED | RECONF_DONE | RECONF_SENT);
            if !told && !one.link.disconnected && self.send_slaveof(replica, Some(to)) {
                self.event_of("+slave-reconf-sent-be", replica, "");
                self.one_mut(replica).flags.set(RECONF_SENT);
            }
        }
    }

    pub(super) fn switch_to_promoted(&mut self, id: Id) {
        let master = self.one(id);
        let to = master.promoted.map_or(master.at, |promoted| self.one(promoted).at);
        let text = format!("{} {} {to}", master.name, master.at);
        self.event("+switch-master", &text);
        self.switch(id, to);
    }
}
