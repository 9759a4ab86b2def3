//! What Sentinels tell of themselves and of their master: through the masters and replicas that
//! they share, and to each other.

use super::core::Sentinel;
use super::instance::{Id, Kind, Place};
use crate::redis::reply::Reply;

/// What a hello says.
struct Hello<'a> {
    from: Place,
    run_id: &'a str,
    epoch: u64,
    master_name: &'a str,
    master: Place,
    config_epoch: u64,
}

impl<'a> Hello<'a> {
    /// `ip,port,runid,epoch,master name,master ip,master port,config epoch`.
    fn read(text: &'a str) -> Option<Self> {
        let parts: Vec<_> = text.split(',').collect();
        let [ip, port, run_id, epoch, master_name, master_ip, master_port, config_epoch] =
            parts[..]
        else {
            return None;
        };
        let place =
            |ip: &str, port: &str| Some(Place { ip: ip.parse().ok()?, port: port.parse().ok()? });
        Some(Self {
            from: place(ip, port)?,
            run_id,
            epoch: epoch.parse().ok()?,
            master_name,
            master: place(master_ip, master_port)?,
            config_epoch: config_epoch.parse().ok()?,
        })
    }
}

impl Sentinel {
    /// Something was said on the channel for hellos, or the subscription was confirmed.
    pub(super) fn take_published(&mut self, id: Id, reply: &Reply) {
        let now = self.now;
        self.one_mut(id).link.pubsub_heard = now;
        let Reply::Array(parts) = reply else { return };
        let [Reply::Bulk(kind), Reply::Bulk(_), Reply::Bulk(text)] = &parts[..] else { return };
        let text = String::from_utf8_lossy(text);
        // What I said myself comes back too.
        if kind == b"message" && !text.contains(&self.myid) {
            self.take_hello(&text);
        }
    }

    /// Somebody tells of itself and of its master.
    pub(super) fn take_hello(&mut self, text: &str) {
        let Some(hello) = Hello::read(text) else { return };
        let Some(master_id) = self.masters.get(hello.master_name).copied() else { return };
        let from = match self.sentinel_by(master_id, Some(hello.from), Some(hello.run_id)) {
            Some(known) => Some(known),
            None => self.meet(master_id, &hello),
        };
        if hello.epoch > self.epoch {
            self.epoch = hello.epoch;
            self.flush();
            self.event("+new-epoch", &hello.epoch.to_string());
        }
        let Some(from) = from else { return };
        let master = self.one_mut(master_id);
        if master.config_epoch < hello.config_epoch {
            master.config_epoch = hello.config_epoch;
            if master.at != hello.master {
                let text = format!("{} {} {}", master.name, master.at, hello.master);
                self.event_of("+config-update-from", from, "");
                self.event("+switch-master", &text);
                self.switch(master_id, hello.master);
            }
        }
        let now = self.now;
        self.one_mut(from).hello_heard = now;
    }

    fn sentinel_by(&self, master: Id, at: Option<Place>, run_id: Option<&str>) -> Option<Id> {
        let fits = |id: &Id| {
            let one = self.one(*id);
            at.is_none_or(|at| one.at == at) && run_id.is_none_or(|run_id| one.name == run_id)
        };
        self.one(master).sentinels.values().copied().find(|id| fits(id))
    }

    /// A Sentinel that is new, or elsewhere than it was.
    fn meet(&mut self, master: Id, hello: &Hello<'_>) -> Option<Id> {
        let moved = self.sentinel_by(master, None, Some(hello.run_id));
        if let Some(old) = moved {
            self.remove(old);
            let (from, run_id) = (hello.from, hello.run_id);
            let more = format!(" ip {} port {} for {run_id}", from.ip, from.port);
            self.event_of("+sentinel-address-switch", master, &more);
        } else if let Some(other) = self.sentinel_by(master, Some(hello.from), None) {
            self.event_of("+sentinel-invalid-addr", other, "");
            let obsolete = self.one(other).name.clone();
            for master in self.masters.values().copied().collect::<Vec<_>>() {
                if let Some(other) = self.sentinel_by(master, None, Some(&obsolete)) {
                    self.remove(other);
                }
            }
        }
        let (quorum, run_id) = (self.one(master).quorum, hello.run_id.to_owned());
        let new = self.create(Kind::Sentinel, run_id, hello.from, quorum, Some(master))?;
        self.one_mut(new).run_id = Some(hello.run_id.to_owned());
        if moved.is_none() {
            self.event_of("+sentinel", new, "");
        } else {
            self.moved_for_all_masters(new);
        }
        self.flush();
        Some(new)
    }

    /// The Sentinel has its new address in the eyes of every master.
    fn moved_for_all_masters(&mut self, new: Id) {
        let (at, run_id) = (self.one(new).at, self.one(new).name.clone());
        let mut others = 0;
        for master in self.masters.values().copied().collect::<Vec<_>>() {
            let Some(same) = self.sentinel_by(master, None, Some(&run_id)) else { continue };
            self.close_commands(same);
            if same != new {
                self.one_mut(same).at = at;
                others += 1;
            }
        }
        if others > 0 {
            let more = format!(" {others} additional matching instances");
            self.event_of("+sentinel-address-update", new, &more);
        }
    }
}
