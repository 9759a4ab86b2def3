//! Asking the other Sentinels whether the master is down, and who shall lead its failover.

use std::collections::BTreeMap;

use super::core::{Expected, Sentinel};
use super::instance::{Id, MASTER_DOWN, Ms, S_DOWN, State};

/// Others are asked so often …
const ASK_PERIOD: Ms = 1_000;

/// … and what they said counts for so many periods.
const ANSWER_PERIODS: Ms = 5;

/// Failovers of several Sentinels begin at times that differ by up to this.
pub(super) const DESYNC_MAX: u64 = 1_000;

impl Sentinel {
    /// Asks for the others' view of a master that I find down; for their votes, once a failover is
    /// under way. Until an answer comes, they are asked at every turn.
    pub(super) fn ask_others(&mut self, master_id: Id, forced: bool) {
        for id in self.sentinels_of(master_id) {
            let since = self.now - self.one(id).master_down_replied;
            let one = self.one_mut(id);
            if since > ASK_PERIOD * ANSWER_PERIODS {
                one.flags.clear(MASTER_DOWN);
                one.leader = None;
            }
            let disconnected = one.link.disconnected;
            let master = self.one(master_id);
            if !master.flags.any(S_DOWN) || disconnected || (!forced && since < ASK_PERIOD) {
                continue;
            }
            let whom = if master.state > State::None { &self.myid } else { "*" };
            let words = [
                "SENTINEL".to_owned(),
                "is-master-down-by-addr".to_owned(),
                master.at.ip.to_string(),
                master.at.port.to_string(),
                self.epoch.to_string(),
                whom.to_owned(),
            ];
            self.send(id, &words.each_ref().map(String::as_str), Expected::MasterDown);
        }
    }

    /// Votes, unless it has voted in this epoch or a later one. Yields the vote that counts.
    pub(super) fn vote(&mut self, master: Id, epoch: u64, run_id: &str) -> (Option<String>, u64) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.flush();
            self.event("+new-epoch", &epoch.to_string());
        }
        if self.one(master).leader_epoch < epoch && self.epoch <= epoch {
            let (voted, now) = (self.epoch, self.now);
            let one = self.one_mut(master);
            one.leader = Some(run_id.to_owned());
            one.leader_epoch = voted;
            self.flush();
            self.event("+vote-for-leader", &format!("{run_id} {voted}"));
            if !run_id.eq_ignore_ascii_case(&self.myid) {
                // Whoever it is has its time before I try.
                self.one_mut(master).failover_start = now + self.random_below(DESYNC_MAX);
            }
        }
        let one = self.one(master);
        (one.leader.clone(), one.leader_epoch)
    }

    /// Who leads in an epoch: whom most of all known Sentinels, and at least the quorum, voted for.
    /// I vote on the way.
    pub(super) fn leader(&mut self, master_id: Id, epoch: u64) -> Option<String> {
        let mut votes = BTreeMap::<String, u32>::new();
        let sentinels = self.sentinels_of(master_id);
        for one in sentinels.iter().map(|id| self.one(*id)) {
            if let Some(leader) = one.leader.as_ref().filter(|_| one.leader_epoch == self.epoch) {
                *votes.entry(leader.clone()).or_default() += 1;
            }
        }
        let most = |votes: &BTreeMap<String, u32>| {
            let mut winner: Option<(String, u32)> = None;
            for (name, count) in votes {
                if winner.as_ref().is_none_or(|(_, most)| count > most) {
                    winner = Some((name.clone(), *count));
                }
            }
            winner
        };
        let winner = most(&votes);
        let mine = winner.as_ref().map_or_else(|| self.myid.clone(), |(name, _)| name.clone());
        let (vote, voted) = self.vote(master_id, epoch, &mine);
        let mut winner = winner;
        if let Some(vote) = vote.filter(|_| voted == epoch) {
            let count = votes.get(&vote).copied().unwrap_or(0) + 1;
            if winner.as_ref().is_none_or(|(_, most)| count > *most) {
                winner = Some((vote, count));
            }
        }
        let voters = u32::try_from(sentinels.len() + 1).expect("there are fewer Sentinels");
        let needed = (voters / 2 + 1).max(self.one(master_id).quorum);
        winner.filter(|(_, count)| *count >= needed).map(|(name, _)| name)
    }
}
