//! What a master or replica says of itself, and what follows from it.

use super::core::Sentinel;
use super::instance::{
    FAILOVER, Id, Kind, Ms, O_DOWN, PROMOTED, Place, REBOOT, RECONF_DONE, RECONF_INPROG,
    RECONF_SENT, Role, S_DOWN, State,
};
use super::links::{INFO_PERIOD, PUBLISH_PERIOD};

/// A run id has so many digits.
const RUN_ID_LEN: usize = 40;

impl Sentinel {
    /// Takes the text of INFO in.
    pub(super) fn take_info(&mut self, id: Id, text: &str) {
        let role = self.note(id, text);
        let now = self.now;
        let one = self.one_mut(id);
        one.info_refreshed = now;
        if let Some(role) = role.filter(|role| *role != one.role) {
            one.role = role;
            one.role_since = now;
            if role == Role::Replica {
                one.follows_since = now;
            }
            let expected = (one.kind == Kind::Master) == (role == Role::Master);
            let kind = if expected { "+role-change" } else { "-role-change" };
            let name = if role == Role::Master { "master" } else { "slave" };
            self.event_of(kind, id, &format!(" new reported role is {name}"));
        }
        if self.tilt_since.is_some() || self.one(id).kind != Kind::Replica {
            return;
        }
        match role {
            Some(Role::Master) => self.replica_is_master(id),
            Some(Role::Replica) => {
                self.correct_whom_it_follows(id);
                self.see_reconfiguration(id);
            }
            None => {}
        }
    }

    /// Writes down what the lines say.
    fn note(&mut self, id: Id, text: &str) -> Option<Role> {
        self.one_mut(id).master_link_down = 0;
        let mut role = None;
        for line in text.split("\r\n") {
            let Some((key, value)) = line.split_once(':') else { continue };
            match key {
                "run_id" => self.note_run_id(id, value),
                "role" if value.starts_with("master") => role = Some(Role::Master),
                "role" if value.starts_with("slave") => role = Some(Role::Replica),
                "master_link_down_since_seconds" => {
                    self.one_mut(id).master_link_down = value.parse().unwrap_or(0) * 1000;
                }
                _ => {}
            }
            let digits = key.strip_prefix("slave");
            if digits.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
                self.note_replica(id, value);
            }
            if role == Some(Role::Replica) {
                self.note_as_replica(id, key, value);
            }
        }
        role
    }

    fn note_run_id(&mut self, id: Id, value: &str) {
        let Some(run_id) = value.get(..RUN_ID_LEN) else { return };
        let now = self.now;
        let one = self.one_mut(id);
        let before = one.run_id.replace(run_id.to_owned());
        if before.is_none_or(|before| before == run_id) {
            return;
        }
        if one.kind == Kind::Master && one.reboot_down_after != 0 {
            one.flags.set(REBOOT);
            one.reboot_since = now;
        }
        self.event_of("+reboot", id, "");
    }

    /// A master has told of a replica.
    fn note_replica(&mut self, id: Id, value: &str) {
        let field = |name: &str| value.split(',').find_map(|part| part.strip_prefix(name));
        let (Some(ip), Some(port)) = (field("ip="), field("port=")) else { return };
        let (Ok(ip), Ok(port)) = (ip.parse(), port.parse()) else { return };
        let master = self.one(id);
        if master.kind != Kind::Master {
            return;
        }
        let (at, quorum) = (Place { ip, port }, master.quorum);
        if let Some(replica) = self.create(Kind::Replica, String::new(), at, quorum, Some(id)) {
            self.event_of("+slave", replica, "");
            self.flush();
        }
    }

    fn note_as_replica(&mut self, id: Id, key: &str, value: &str) {
        let now = self.now;
        let one = self.one_mut(id);
        match key {
            "master_host" if one.follows_ip.as_deref() != Some(value) => {
                one.follows_ip = Some(value.to_owned());
                one.follows_since = now;
            }
            "master_port" => {
                let port = value.parse().unwrap_or(0);
                if one.follows_port != port {
                    one.follows_port = port;
                    one.follows_since = now;
                }
            }
            "master_link_status" => one.master_link_up = value == "up",
            "slave_priority" => one.priority = value.parse().unwrap_or(0),
            "slave_repl_offset" => one.offset = value.parse().unwrap_or(0),
            "replica_announced" => one.announced = value != "0",
            _ => {}
        }
    }

    /// It is what the failover made of it; or somebody else made it so, and it is made a replica
    /// again, after a while in which the news of another failover may come.
    fn replica_is_master(&mut self, id: Id) {
        let now = self.now;
        let (replica, master_id) = (self.one(id), self.master_of(id));
        let master = self.one(master_id);
        let promoted = replica.flags.any(PROMOTED);
        if promoted && master.flags.any(FAILOVER) && master.state == State::WaitPromotion {
            let master = self.one_mut(master_id);
            master.config_epoch = master.failover_epoch;
            master.state = State::ReconfSlaves;
            master.state_since = now;
            self.flush();
            self.event_of("+promoted-slave", id, "");
            self.event_of("+failover-state-reconf-slaves", master_id, "");
            self.force_hello(master_id);
            return;
        }
        let wait = PUBLISH_PERIOD * 4;
        if !promoted
            && self.looks_sane(master_id)
            && replica.was_up_for(wait, now)
            && now - replica.role_since > wait
            && self.send_slaveof(id, Some(self.one(master_id).at))
        {
            self.event_of("+convert-to-slave", id, "");
        }
    }

    fn correct_whom_it_follows(&mut self, id: Id) {
        let now = self.now;
        let (replica, master_id) = (self.one(id), self.master_of(id));
        let master = self.one(master_id);
        let wait = master.failover_timeout;
        if !replica.follows(master.at)
            && self.looks_sane(master_id)
            && replica.was_up_for(wait, now)
            && now - replica.follows_since > wait
            && self.send_slaveof(id, Some(self.one(master_id).at))
        {
            self.event_of("+fix-slave-config", id, "");
        }
    }

    /// A replica that was told to follow the new master does so by and by.
    fn see_reconfiguration(&mut self, id: Id) {
        let (replica, master) = (self.one(id), self.one(self.master_of(id)));
        let promoted = master.promoted.map(|promoted| self.one(promoted).at);
        if replica.flags.any(RECONF_SENT) && promoted.is_some_and(|at| replica.follows(at)) {
            let flags = &mut self.one_mut(id).flags;
            flags.clear(RECONF_SENT);
            flags.set(RECONF_INPROG);
            self.event_of("+slave-reconf-inprog", id, "");
        }
        let replica = self.one_mut(id);
        if replica.flags.any(RECONF_INPROG) && replica.master_link_up {
            replica.flags.clear(RECONF_INPROG);
            replica.flags.set(RECONF_DONE);
            self.event_of("+slave-reconf-done", id, "");
        }
    }

    /// The master is one, says so, and said so lately.
    fn looks_sane(&self, master: Id) -> bool {
        let master = self.one(master);
        let age: Ms = self.now - master.info_refreshed;
        master.role == Role::Master && !master.flags.any(S_DOWN | O_DOWN) && age < INFO_PERIOD * 2
    }
}
