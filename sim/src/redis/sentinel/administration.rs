//! What `SENTINEL` does for clients and for other Sentinels.

use super::core::Sentinel;
use super::instance::{FAILOVER, FORCED, Id, Kind, Ms, O_DOWN, Place, S_DOWN};
use crate::redis::commands::Failure;
use crate::redis::commands::pattern::matches;
use crate::redis::number::integer;
use crate::redis::reply::Reply;

type Words<'a> = &'a [Vec<u8>];

impl Sentinel {
    /// Runs one of the subcommands; the words are as many as they should be.
    pub(super) fn execute_sentinel(
        &mut self,
        name: &str,
        words: Words<'_>,
    ) -> Result<Reply, Failure> {
        match name {
            "myid" => return Ok(Reply::bulk(&self.myid)),
            "masters" => return Ok(self.describe_all(self.masters.values().copied())),
            "pending-scripts" => return Ok(Reply::Array(Vec::new())),
            "flushconfig" => {
                self.flush();
                return Ok(Reply::OK);
            }
            "get-master-addr-by-name" => {
                let Ok(id) = self.master_named(&words[2]) else { return Ok(Reply::NullArray) };
                let at = self.current_place(id);
                return Ok(Reply::Array(
                    [at.ip.to_string(), at.port.to_string()].map(Reply::bulk).to_vec(),
                ));
            }
            "is-master-down-by-addr" => return self.is_master_down(words),
            "monitor" => return self.monitor(words),
            "reset" => return Ok(self.reset_by_pattern(&words[2])),
            _ => {}
        }
        let id = self.master_named(&words[2])?;
        Ok(match name {
            "master" => self.describe(id),
            "replicas" | "slaves" => self.describe_all(self.replicas_of(id).into_iter()),
            "sentinels" => self.describe_all(self.sentinels_of(id).into_iter()),
            "ckquorum" => return self.check_quorum(id),
            "failover" => return self.failover(id),
            "remove" => {
                self.event_of("-monitor", id, "");
                self.remove(id);
                self.flush();
                Reply::OK
            }
            "set" => return self.set(id, words),
            _ => unreachable!("every subcommand of the table is here"),
        })
    }

    fn master_named(&self, name: &[u8]) -> Result<Id, Failure> {
        let name = std::str::from_utf8(name).ok();
        let found = name.and_then(|name| self.masters.get(name)).copied();
        found.ok_or_else(|| Failure::text("No such master with that name"))
    }

    /// Another Sentinel asks for my view of a master, and perhaps for my vote.
    fn is_master_down(&mut self, words: Words<'_>) -> Result<Reply, Failure> {
        let port = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
        let epoch = integer(&words[4]).ok_or(Failure::NotAnInteger)?;
        let ip = std::str::from_utf8(&words[2]).ok().and_then(|ip| ip.parse().ok());
        let at = ip.zip(u16::try_from(port).ok()).map(|(ip, port)| Place { ip, port });
        let id = self.masters.values().copied().find(|id| Some(self.one(*id).at) == at);
        let down = self.tilt_since.is_none() && id.is_some_and(|id| self.one(id).flags.any(S_DOWN));
        let (mut leader, mut voted) = (None, 0);
        if let Some(id) = id.filter(|_| words[5] != b"*") {
            let run_id = String::from_utf8_lossy(&words[5]);
            (leader, voted) = self.vote(id, u64::try_from(epoch).unwrap_or(0), &run_id);
        }
        Ok(Reply::Array(vec![
            Reply::Integer(i64::from(down)),
            Reply::bulk(leader.as_deref().unwrap_or("*")),
            Reply::Integer(i64::try_from(voted).expect("epochs are counted one by one")),
        ]))
    }

    fn monitor(&mut self, words: Words<'_>) -> Result<Reply, Failure> {
        let quorum = integer(&words[5]).ok_or_else(|| Failure::text("Invalid quorum"))?;
        let port = integer(&words[4]).ok_or_else(|| Failure::text("Invalid port"))?;
        if quorum <= 0 {
            return Err(Failure::text("Quorum must be 1 or greater."));
        }
        let ip = std::str::from_utf8(&words[3]).ok().and_then(|ip| ip.parse().ok());
        let ip = ip.ok_or_else(|| Failure::text("Invalid IP address or hostname specified"))?;
        let port = u16::try_from(port).map_err(|_| Failure::text("Invalid port number."))?;
        let quorum = u32::try_from(quorum).unwrap_or(u32::MAX);
        let name = String::from_utf8_lossy(&words[2]).into_owned();
        let new = self.create(Kind::Master, name, Place { ip, port }, quorum, None);
        let id = new.ok_or_else(|| Failure::text("Duplicate master name."))?;
        self.flush();
        self.event_monitor(id);
        Ok(Reply::OK)
    }

    fn reset_by_pattern(&mut self, pattern: &[u8]) -> Reply {
        let fits = |(name, _): &(&String, &Id)| matches(pattern, name.as_bytes());
        let ids: Vec<_> = self.masters.iter().filter(fits).map(|(_, id)| *id).collect();
        for id in &ids {
            self.reset(*id, true);
            self.event_of("+reset-master", *id, "");
        }
        Reply::count(ids.len())
    }

    fn check_quorum(&self, id: Id) -> Result<Reply, Failure> {
        let master = self.one(id);
        let up = |one: &&Id| !self.one(**one).flags.any(S_DOWN | O_DOWN);
        let usable = master.sentinels.values().filter(up).count() + 1;
        let quorum = usable >= master.quorum as usize;
        let voters = master.sentinels.len() + 1;
        let majority = usable > voters / 2;
        if quorum && majority {
            let text = format!(
                "OK {usable} usable Sentinels. Quorum and failover authorization can be reached"
            );
            return Ok(Reply::Status(text.into_bytes()));
        }
        let lacks = [
            (!quorum).then_some("the specified quorum for this master"),
            (!majority).then_some("the majority and authorize a failover"),
        ];
        let lacks = lacks.into_iter().flatten();
        let lacks: Vec<_> =
            lacks.map(|lack| format!("Not enough available Sentinels to reach {lack}")).collect();
        let text = format!("NOQUORUM {usable} usable Sentinels. {}", lacks.join(". "));
        Err(Failure::Other(text.into_bytes()))
    }

    fn failover(&mut self, id: Id) -> Result<Reply, Failure> {
        if self.one(id).flags.any(FAILOVER) {
            return Err(Failure::Other(b"INPROG Failover already in progress".to_vec()));
        }
        if self.best_replica(id).is_none() {
            let text = b"NOGOODSLAVE No suitable replica to promote";
            return Err(Failure::Other(text.to_vec()));
        }
        self.start_failover(id);
        self.one_mut(id).flags.set(FORCED);
        Ok(Reply::OK)
    }

    /// Options come in pairs; those before a bad one have been set.
    fn set(&mut self, id: Id, words: Words<'_>) -> Result<Reply, Failure> {
        let mut outcome = Ok(Reply::OK);
        let mut changes = 0;
        for pair in words[3..].chunks(2) {
            if let Err(failure) = self.set_one(id, pair) {
                outcome = Err(failure);
                break;
            }
            changes += 1;
            let [option, value] = [&pair[0], &pair[1]].map(|word| String::from_utf8_lossy(word));
            self.event_of("+set", id, &format!(" {option} {value}"));
        }
        if changes > 0 {
            self.flush();
        }
        outcome
    }

    fn set_one(&mut self, id: Id, pair: &[Vec<u8>]) -> Result<(), Failure> {
        let option = String::from_utf8_lossy(&pair[0]).into_owned();
        let unknown = || {
            let text = "Unknown option or number of arguments for SENTINEL SET";
            Failure::text(format!("{text} '{option}'"))
        };
        let word = pair.get(1).ok_or_else(unknown)?;
        let invalid = || {
            let word = String::from_utf8_lossy(word);
            Failure::text(format!("Invalid argument '{word}' for SENTINEL SET '{option}'"))
        };
        let number = |min: Ms| integer(word).filter(|number| *number >= min).ok_or_else(invalid);
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        match option.to_ascii_lowercase().as_str() {
            "down-after-milliseconds" => {
                let down_after = number(1)?;
                for one in [vec![id], self.replicas_of(id), self.sentinels_of(id)].concat() {
                    self.one_mut(one).down_after = down_after;
                }
            }
            "failover-timeout" => self.one_mut(id).failover_timeout = number(1)?,
            "parallel-syncs" => self.one_mut(id).parallel_syncs = small(number(1)?),
            "quorum" => self.one_mut(id).quorum = small(number(1)?),
            "master-reboot-down-after-period" => self.one_mut(id).reboot_down_after = number(0)?,
            _ => return Err(unknown()),
        }
        Ok(())
    }
}
