//! What happens ten to twenty times a second: connect, ask, and judge who is down.

use super::core::Sentinel;
use super::instance::{
    Id, Kind, MASTER_DOWN, Ms, O_DOWN, REBOOT, Role, S_DOWN, SCRIPT_KILL_SENT, State,
};
use super::links::{INFO_PERIOD, PUBLISH_PERIOD};

/// A connection is left alone for so long before it is closed for its silence.
const RECONNECT_PERIOD_MIN: Ms = 15_000;

/// When the timer is later than this, or time ran backwards, no time is trusted …
const TILT_TRIGGER: Ms = 2_000;

/// … for so long.
const TILT_PERIOD: Ms = 30_000;

/// The timer runs at least so often in a second, and less than twice as often.
const RATE_MIN: Ms = 10;

impl Sentinel {
    /// Does what is due. Yields when to come again, in milliseconds from now: a random time, so that
    /// Sentinels that began together do not go on together.
    pub(super) fn tick(&mut self, now: Ms) -> Ms {
        self.now = now;
        self.check_tilt();
        let mut switched = None;
        for master in self.masters.values().copied().collect::<Vec<_>>() {
            self.handle(master);
            for one in [self.replicas_of(master), self.sentinels_of(master)].concat() {
                self.handle(one);
            }
            if self.one(master).state == State::UpdateConfig {
                switched = Some(master);
            }
        }
        if let Some(master) = switched {
            self.switch_to_promoted(master);
        }
        1000 / (RATE_MIN + self.random_below(RATE_MIN as u64))
    }

    fn check_tilt(&mut self) {
        let late = self.now - self.ticked;
        if !(0..=TILT_TRIGGER).contains(&late) {
            self.tilt_since = Some(self.now);
            self.event("+tilt", "#tilt mode entered");
        }
        self.ticked = self.now;
    }

    fn handle(&mut self, id: Id) {
        self.reconnect(id);
        self.send_periodic(id);
        if let Some(since) = self.tilt_since {
            if self.now - since < TILT_PERIOD {
                return;
            }
            self.tilt_since = None;
            self.event("-tilt", "#tilt mode exited");
        }
        self.judge_alone(id);
        if self.one(id).kind == Kind::Master {
            self.judge_together(id);
            if self.start_failover_if_needed(id) {
                self.ask_others(id, true);
            }
            self.go_on_with_failover(id);
            self.ask_others(id, false);
        }
    }

    /// Is it down as far as I can see? A connection that is silent is closed on the way.
    fn judge_alone(&mut self, id: Id) {
        let (now, one) = (self.now, self.one(id));
        let link = &one.link;
        let silent = if link.ping_waits_since != 0 {
            now - link.ping_waits_since
        } else if link.disconnected {
            now - link.available
        } else {
            0
        };
        let half = one.down_after / 2;
        let commands_stuck = link.commands.is_some()
            && now - link.commands_since > RECONNECT_PERIOD_MIN
            && link.ping_waits_since != 0
            && now - link.ping_waits_since > half
            && now - link.ponged > half;
        let pubsub_stuck = link.pubsub.is_some()
            && now - link.pubsub_since > RECONNECT_PERIOD_MIN
            && now - link.pubsub_heard > PUBLISH_PERIOD * 3;
        let demoted = one.kind == Kind::Master
            && one.role == Role::Replica
            && now - one.role_since > one.down_after + INFO_PERIOD * 2;
        let rebooted = one.flags.any(REBOOT) && now - one.reboot_since > one.reboot_down_after;
        let down = silent > one.down_after || demoted || rebooted;
        if commands_stuck {
            self.close_commands(id);
        }
        if pubsub_stuck {
            self.close_pubsub(id);
        }
        let was_down = self.one(id).flags.any(S_DOWN);
        if down && !was_down {
            self.event_of("+sdown", id, "");
            let one = self.one_mut(id);
            one.s_down_since = now;
            one.flags.set(S_DOWN);
        } else if !down && was_down {
            self.event_of("-sdown", id, "");
            self.one_mut(id).flags.clear(S_DOWN | SCRIPT_KILL_SENT);
        }
    }

    /// Do enough of us find the master down?
    fn judge_together(&mut self, id: Id) {
        let now = self.now;
        let master = self.one(id);
        let quorum = master.quorum;
        let others = master.sentinels.values();
        let agreeing = others.filter(|one| self.one(**one).flags.any(MASTER_DOWN)).count();
        let found = u32::try_from(agreeing + 1).expect("there are fewer Sentinels");
        let (down, was_down) =
            (master.flags.any(S_DOWN) && found >= quorum, master.flags.any(O_DOWN));
        if down && !was_down {
            self.event_of("+odown", id, &format!(" #quorum {found}/{quorum}"));
            let master = self.one_mut(id);
            master.flags.set(O_DOWN);
            master.o_down_since = now;
        } else if !down && was_down {
            self.event_of("-odown", id, "");
            self.one_mut(id).flags.clear(O_DOWN);
        }
    }
}
