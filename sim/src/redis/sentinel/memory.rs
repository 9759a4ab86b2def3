//! What a Sentinel knows after a restart: its id, epochs and votes, and whom it watched.

use serde::{Deserialize, Serialize};

use super::Config;
use super::core::Sentinel;
use super::instance::{Id, Kind, Ms, Place, State};

/// Its two files.
pub(super) const FILES: [&str; 2] = ["sentinel.0", "sentinel.1"];

/// What outlives a restart.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) myid: String,
    pub(super) epoch: u64,
    masters: Vec<Master>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Master {
    name: String,
    at: Place,
    quorum: u32,
    down_after: Ms,
    reboot_down_after: Ms,
    failover_timeout: Ms,
    parallel_syncs: u32,
    config_epoch: u64,
    leader_epoch: u64,
    replicas: Vec<Place>,
    /// With their run ids.
    sentinels: Vec<(String, Place)>,
}

impl Memory {
    /// That of a Sentinel that starts for the first time.
    pub(super) fn first(myid: String, config: &Config, at: Place) -> Self {
        let ms = |span: u64| Ms::try_from(span).expect("spans are shorter than the world");
        let master = Master {
            name: config.master.clone(),
            at,
            quorum: config.quorum,
            down_after: ms(config.down_after_ms),
            reboot_down_after: 0,
            failover_timeout: ms(config.failover_timeout_ms),
            parallel_syncs: config.parallel_syncs,
            config_epoch: 0,
            leader_epoch: 0,
            replicas: Vec::new(),
            sentinels: Vec::new(),
        };
        Self { myid, epoch: 0, masters: vec![master] }
    }
}

impl Sentinel {
    /// What it should know after a restart.
    pub(super) fn memory(&self) -> Memory {
        let masters = self.masters.values().map(|id| self.memory_of(*id)).collect();
        Memory { myid: self.myid.clone(), epoch: self.epoch, masters }
    }

    fn memory_of(&self, id: Id) -> Master {
        let master = self.one(id);
        let at = self.current_place(id);
        // A replica that has been promoted is the master already; what is known in its place is the
        // old master.
        let place = |replica: &Id| Some(self.one(*replica).at).filter(|one| *one != at);
        let replicas = master.replicas.values().map(|one| place(one).unwrap_or(master.at));
        let sentinels = master.sentinels.values().map(|one| self.one(*one));
        Master {
            name: master.name.clone(),
            at,
            quorum: master.quorum,
            down_after: master.down_after,
            reboot_down_after: master.reboot_down_after,
            failover_timeout: master.failover_timeout,
            parallel_syncs: master.parallel_syncs,
            config_epoch: master.config_epoch,
            leader_epoch: master.leader_epoch,
            replicas: replicas.collect(),
            sentinels: sentinels.map(|one| (one.name.clone(), one.at)).collect(),
        }
    }

    /// Watches those of whom it knew.
    pub(super) fn recall(&mut self, memory: &Memory) {
        for known in &memory.masters {
            let created =
                self.create(Kind::Master, known.name.clone(), known.at, known.quorum, None);
            let id = created.expect("the names of masters differ");
            self.epoch = self.epoch.max(known.config_epoch);
            let master = self.one_mut(id);
            master.down_after = known.down_after;
            master.reboot_down_after = known.reboot_down_after;
            master.failover_timeout = known.failover_timeout;
            master.parallel_syncs = known.parallel_syncs;
            master.config_epoch = known.config_epoch;
            master.leader_epoch = known.leader_epoch;
            debug_assert_eq!(master.state, State::None, "a failover does not outlive its leader");
            for at in &known.replicas {
                self.create(Kind::Replica, String::new(), *at, known.quorum, Some(id));
            }
            for (run_id, at) in &known.sentinels {
                let name = run_id.clone();
                let new = self.create(Kind::Sentinel, name, *at, known.quorum, Some(id));
                if let Some(new) = new {
                    self.one_mut(new).run_id = Some(run_id.clone());
                }
            }
        }
    }
}
