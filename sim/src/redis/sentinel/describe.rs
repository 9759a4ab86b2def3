//! What a Sentinel answers about those whom it watches.

use super::core::Sentinel;
use super::instance::{
    FAILOVER, FORCED, Id, Instance, Kind, MASTER_DOWN, Ms, O_DOWN, PROMOTED, RECONF_DONE,
    RECONF_INPROG, RECONF_SENT, Role, S_DOWN, SCRIPT_KILL_SENT,
};
use crate::redis::VERSION;
use crate::redis::reply::Reply;

/// Fields of an instance, in their order.
#[derive(Default)]
struct Fields(Vec<(Reply, Reply)>);

impl Fields {
    fn text(&mut self, key: &str, value: impl AsRef<[u8]>) {
        self.0.push((Reply::bulk(key), Reply::bulk(value)));
    }

    fn number(&mut self, key: &str, value: impl ToString) {
        self.text(key, value.to_string());
    }
}

impl Sentinel {
    /// All instances of a list; replicas that do not want to be announced are left out.
    pub(super) fn describe_all(&self, ids: impl Iterator<Item = Id>) -> Reply {
        let announced = |id: &Id| self.one(*id).announced;
        Reply::Array(ids.filter(announced).map(|id| self.describe(id)).collect())
    }

    /// One instance, as `SENTINEL MASTER` tells of it.
    pub(super) fn describe(&self, id: Id) -> Reply {
        let (one, now) = (self.one(id), self.now);
        let mut fields = Fields::default();
        fields.text("name", &one.name);
        fields.number("ip", one.at.ip);
        fields.number("port", one.at.port);
        fields.text("runid", one.run_id.as_deref().unwrap_or(""));
        fields.text("flags", flags(one));
        fields.number("link-pending-commands", one.link.pending);
        fields.number("link-refcount", 1);
        if one.flags.any(FAILOVER) {
            fields.text("failover-state", one.state.name());
        }
        let since = |time: Ms| if time == 0 { 0 } else { now - time };
        fields.number("last-ping-sent", since(one.link.ping_waits_since));
        fields.number("last-ok-ping-reply", now - one.link.available);
        fields.number("last-ping-reply", now - one.link.ponged);
        if one.flags.any(S_DOWN) {
            fields.number("s-down-time", now - one.s_down_since);
        }
        if one.flags.any(O_DOWN) {
            fields.number("o-down-time", now - one.o_down_since);
        }
        fields.number("down-after-milliseconds", one.down_after);
        if one.kind != Kind::Sentinel {
            fields.number("info-refresh", since(one.info_refreshed));
            let role = if one.role == Role::Master { "master" } else { "slave" };
            fields.text("role-reported", role);
            fields.number("role-reported-time", now - one.role_since);
        }
        match one.kind {
            Kind::Master => describe_master(one, &mut fields),
            Kind::Replica => describe_replica(one, &mut fields),
            Kind::Sentinel => {
                fields.number("last-hello-message", now - one.hello_heard);
                fields.text("voted-leader", one.leader.as_deref().unwrap_or("?"));
                fields.number("voted-leader-epoch", one.leader_epoch);
            }
        }
        Reply::Map(fields.0)
    }

    /// The text of INFO: what clients look for.
    pub(super) fn info_text(&self) -> String {
        let tilt = self.tilt_since.map_or(-1, |since| (self.now - since) / 1000);
        let mut text = format!(
            "# Server\r\nredis_version:{VERSION}\r\nredis_mode:sentinel\r\nrun_id:{}\r\n\
             tcp_port:{}\r\n\r\n\
             # Sentinel\r\nsentinel_masters:{}\r\nsentinel_tilt:{}\r\n\
             sentinel_tilt_since_seconds:{tilt}\r\nsentinel_running_scripts:0\r\n\
             sentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n",
            self.myid,
            self.at.port,
            self.masters.len(),
            u8::from(self.tilt_since.is_some()),
        );
        for (number, id) in self.masters.values().enumerate() {
            let master = self.one(*id);
            let status = match master.flags {
                flags if flags.any(O_DOWN) => "odown",
                flags if flags.any(S_DOWN) => "sdown",
                _ => "ok",
            };
            text += &format!(
                "master{number}:name={},status={status},address={}:{},slaves={},sentinels={}\r\n",
                master.name,
                master.at.ip,
                master.at.port,
                master.replicas.len(),
                master.sentinels.len() + 1,
            );
        }
        text
    }
}

fn describe_master(one: &Instance, fields: &mut Fields) {
    fields.number("config-epoch", one.config_epoch);
    fields.number("num-slaves", one.replicas.len());
    fields.number("num-other-sentinels", one.sentinels.len());
    fields.number("quorum", one.quorum);
    fields.number("failover-timeout", one.failover_timeout);
    fields.number("parallel-syncs", one.parallel_syncs);
}

fn describe_replica(one: &Instance, fields: &mut Fields) {
    fields.number("master-link-down-time", one.master_link_down);
    fields.text("master-link-status", if one.master_link_up { "ok" } else { "err" });
    fields.text("master-host", one.follows_ip.as_deref().unwrap_or("?"));
    fields.number("master-port", one.follows_port);
    fields.number("slave-priority", one.priority);
    fields.number("slave-repl-offset", one.offset);
    fields.number("replica-announced", u8::from(one.announced));
}

fn flags(one: &Instance) -> String {
    let flag = |flag: u16, name: &'static str| one.flags.any(flag).then_some(name);
    let parts = [
        flag(S_DOWN, "s_down"),
        flag(O_DOWN, "o_down"),
        Some(one.kind.name()),
        one.link.disconnected.then_some("disconnected"),
        flag(MASTER_DOWN, "master_down"),
        flag(FAILOVER, "failover_in_progress"),
        flag(PROMOTED, "promoted"),
        flag(RECONF_SENT, "reconf_sent"),
        flag(RECONF_INPROG, "reconf_inprog"),
        flag(RECONF_DONE, "reconf_done"),
        flag(FORCED, "force_failover"),
        flag(SCRIPT_KILL_SENT, "script_kill_sent"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(",")
}
