//! What a master does for its replicas; a replica does it for replicas of its own.

use super::backlog::Backlog;
use super::{Replica, Stage};
use crate::redis::instance::{ClientId, Instance};
use crate::redis::rdb;
use crate::redis::reply::{Protocol, Reply};
use crate::redis::request::Request;

/// `replicationCron` runs so often.
const CRON_EVERY_MS: i64 = 1000;

/// The end of a process that writes a snapshot is noticed so often: `hz 10`.
const CHILD_EVERY_MS: i64 = 100;

pub(crate) fn encode(words: &[Vec<u8>], out: &mut Vec<u8>) {
    let words = words.iter().map(Reply::bulk).collect();
    Reply::Array(words).write(Protocol::Resp2, out);
}

fn request(words: &[&str]) -> Request {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

impl Instance {
    /// Tells replicas of a unit of changes.
    pub(crate) fn feed_unit(&mut self, unit: &[(usize, Request)], as_one: bool) {
        if self.replication.backlog.is_none() || self.replication.master.is_some() {
            return;
        }
        let Some((first, _)) = unit.first() else { return };
        let together = as_one && unit.len() > 1;
        if together {
            self.feed_command(Some(*first), &request(&["MULTI"]));
        }
        unit.iter().for_each(|(database, words)| self.feed_command(Some(*database), words));
        if together {
            self.feed_command(None, &request(&["EXEC"]));
        }
    }

    fn feed_command(&mut self, database: Option<usize>, words: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        if let Some(number) = database.filter(|_| self.replication.database != database) {
            self.replication.database = database;
            encode(&request(&["SELECT", &number.to_string()]), &mut bytes);
        }
        encode(words, &mut bytes);
        self.feed(&bytes);
    }

    /// The stream goes on with these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let replication = &mut self.replication;
        replication.offset += bytes.len() as i64;
        if let Some(backlog) = &mut replication.backlog {
            backlog.push(bytes);
        }
        for (id, replica) in &mut replication.replicas {
            match replica.stage {
                Stage::Waiting => {}
                Stage::Sending | Stage::Unheard => replica.held.extend(bytes),
                Stage::Streaming => {
                    let session = self.clients.get_mut(id).expect("a replica is a client");
                    session.output.extend(bytes);
                    self.woken.insert(*id);
                }
            }
        }
    }

    /// A client wants the stream from the byte `offset` of history `id` on, or from anywhere.
    pub(crate) fn psync(&mut self, client: ClientId, id: &str, offset: i64) -> Reply {
        let replication = &mut self.replication;
        let known = id == replication.id
            || (replication.second_id.as_deref() == Some(id)
                && offset <= replication.second_offset);
        let missing = replication.backlog.as_ref().and_then(|backlog| backlog.since(offset));
        let mut replica =
            Replica { stage: Stage::Waiting, held: Vec::new(), acked: 0, acked_ms: self.now_ms };
        if let (true, Some(missing)) = (known, missing) {
            replica.stage = Stage::Streaming;
            replication.resyncs[1] += 1;
            replication.replicas.insert(client, replica);
            let answer = format!("+CONTINUE {}\r\n", replication.id);
            self.count_good_replicas();
            return Reply::Raw([answer.as_bytes(), &missing].concat());
        }
        replication.resyncs[0] += 1;
        if replication.backlog.is_none() {
            replication.id = replication.draw_id();
            replication.second_id = None;
            replication.backlog = Some(Backlog::after(replication.offset));
        }
        if replication.replicas.is_empty() {
            replication.next_cron_ms = self.now_ms + CRON_EVERY_MS;
        }
        replication.replicas.insert(client, replica);
        if replication.settings.diskless_delay_s == 0 {
            self.snapshot_for_waiting();
        }
        Reply::Nothing
    }

    /// Sends a snapshot to all who wait for one. What changes from now on is held for them.
    fn snapshot_for_waiting(&mut self) {
        let waiting: Vec<ClientId> = (self.replication.replicas.iter())
            .filter(|(_, replica)| replica.stage == Stage::Waiting)
            .map(|(id, _)| *id)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let mark = self.replication.draw_id();
        let (id, offset) = (&self.replication.id, self.replication.offset);
        let head = format!("+FULLRESYNC {id} {offset}\r\n$EOF:{mark}\r\n");
        let snapshot = rdb::write(&self.databases);
        let bytes = [head.as_bytes(), &snapshot, mark.as_bytes()].concat();
        // They know of no database yet, and others are told again.
        self.replication.database = None;
        for id in waiting {
            let replica = self.replication.replicas.get_mut(&id).expect("it is listed");
            replica.stage = Stage::Sending;
            self.clients.get_mut(&id).expect("a replica is a client").output.extend(&bytes);
            self.woken.insert(id);
        }
    }

    /// A replica has applied the stream up to here.
    pub(crate) fn acked(&mut self, client: ClientId, offset: i64) {
        let now_ms = self.now_ms;
        let Some(replica) = self.replication.replicas.get_mut(&client) else { return };
        replica.acked = replica.acked.max(offset);
        replica.acked_ms = now_ms;
        // An ack that comes before the end of the snapshot's process was noticed starts nothing: the
        // replica is called online then and hears of no change until its next ack, a second later.
        if replica.stage == Stage::Unheard {
            replica.stage = Stage::Streaming;
            let held = std::mem::take(&mut replica.held);
            let session = self.clients.get_mut(&client).expect("a replica is a client");
            session.output.extend(held);
            self.woken.insert(client);
            self.count_good_replicas();
        }
        self.serve_awaiting_acks();
    }

    /// A replica has sent an empty line, as one does while it loads a large snapshot.
    pub(crate) fn shows_life(&mut self, client: ClientId, now_ms: i64) {
        if let Some(replica) = self.replication.replicas.get_mut(&client) {
            replica.acked_ms = now_ms;
        }
    }

    /// How many replicas have the stream up to here.
    pub(crate) fn replicas_at(&self, offset: i64) -> usize {
        let all = self.replication.replicas.values();
        all.filter(|one| one.stage == Stage::Streaming && one.acked >= offset).count()
    }

    /// Asks every replica how far it is.
    pub(crate) fn ask_for_acks(&mut self) {
        self.feed_command(None, &request(&["REPLCONF", "GETACK", "*"]));
    }

    fn serve_awaiting_acks(&mut self) {
        for (id, offset, enough) in self.awaiting_acks() {
            let count = self.replicas_at(offset);
            if count >= enough {
                self.end_wait(id, &Reply::count(count));
            } else if let Some(blocked) =
                self.clients.get_mut(&id).and_then(|session| session.blocked.as_mut())
            {
                blocked.timed_out = Reply::count(count);
            }
        }
    }

    fn awaiting_acks(&self) -> Vec<(ClientId, i64, usize)> {
        use crate::redis::instance::Wait;
        let blocked =
            self.clients.iter().filter_map(|(id, session)| match session.blocked.as_ref()?.wait {
                Wait::Acks { offset, enough } => Some((*id, offset, enough)),
                _ => None,
            });
        blocked.collect()
    }

    /// Whether too few replicas follow closely enough for a change to be taken.
    pub(crate) fn lacks_replicas(&self) -> bool {
        let Self { replication, .. } = self;
        let min = replication.settings.replicas_min;
        replication.master.is_none() && min > 0 && replication.good_replicas < min
    }

    /// Counts them once a second and when one comes or goes, as Redis does: in between the number may
    /// be out of date.
    pub(crate) fn count_good_replicas(&mut self) {
        let (now_s, lag_max_s) = (self.now_ms / 1000, self.replication.settings.lag_max_s);
        let online = |one: &&Replica| matches!(one.stage, Stage::Unheard | Stage::Streaming);
        let all = self.replication.replicas.values().filter(online);
        self.replication.good_replicas =
            all.filter(|one| now_s - one.acked_ms / 1000 <= lag_max_s).count();
    }

    /// When replication has something to do next.
    pub(crate) fn replication_due_ms(&self, now_ms: i64) -> Option<i64> {
        let sending = self.replication.replicas.values().any(|one| one.stage == Stage::Sending);
        let cron_ms = self.replication.next_cron_ms.max(now_ms);
        (!self.replication.replicas.is_empty()).then_some(if sending {
            cron_ms.min(now_ms + CHILD_EVERY_MS)
        } else {
            cron_ms
        })
    }

    /// Does what time does for replicas.
    pub(crate) fn replication_tick(&mut self) {
        let now_ms = self.now_ms;
        let settings = self.replication.settings.clone();
        let mut arrived = false;
        for replica in self.replication.replicas.values_mut() {
            if replica.stage == Stage::Sending {
                // How long it has waited for the snapshot does not count as silence.
                (replica.stage, replica.acked_ms) = (Stage::Unheard, now_ms);
                arrived = true;
            }
        }
        if arrived {
            self.count_good_replicas();
        }
        if self.replication.replicas.is_empty() || now_ms < self.replication.next_cron_ms {
            return;
        }
        self.replication.next_cron_ms = now_ms + CRON_EVERY_MS;
        self.replication.crons += 1;
        let master = self.replication.master.is_none();
        if master && self.replication.crons % settings.ping_every_s == 0 {
            self.feed_command(None, &request(&["PING"]));
        }
        let mut due = false;
        for (id, replica) in self.replication.replicas.clone_stages() {
            let session = self.clients.get_mut(&id).expect("a replica is a client");
            let silent_s = now_ms / 1000 - replica.1 / 1000;
            match replica.0 {
                // A sign of life for one that waits.
                Stage::Waiting => {
                    session.output.push(b'\n');
                    due |= silent_s >= settings.diskless_delay_s;
                    self.woken.insert(id);
                }
                _ if silent_s > settings.timeout_s => {
                    session.closing = true;
                    self.woken.insert(id);
                }
                _ => {}
            }
        }
        if due {
            self.snapshot_for_waiting();
        }
        self.count_good_replicas();
    }

    /// Hangs up on every replica, so that each asks again where it stands.
    pub(crate) fn drop_replicas(&mut self) {
        for id in std::mem::take(&mut self.replication.replicas).into_keys() {
            if let Some(session) = self.clients.get_mut(&id) {
                session.closing = true;
            }
            self.woken.insert(id);
        }
    }
}

/// Stages and times, apart from the replicas.
trait Stages {
    fn clone_stages(&self) -> Vec<(ClientId, (Stage, i64))>;
}

impl Stages for std::collections::BTreeMap<ClientId, Replica> {
    fn clone_stages(&self) -> Vec<(ClientId, (Stage, i64))> {
        self.iter().map(|(id, one)| (*id, (one.stage, one.acked_ms))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(instance: &mut Instance, client: ClientId, now_ms: i64, line: &str) -> String {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        instance.execute(client, now_ms, &words);
        let mut out = Vec::new();
        instance.take_output(client, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// As in 7.0.15, whose `freeClient` counts again: a late ack opens the gate not when it comes, but
    /// when another replica goes.
    #[test]
    fn good_replicas_are_counted_when_one_goes() {
        let mut instance = Instance::default();
        let [writer, early, late] = [(); 3].map(|()| instance.connect());
        says(&mut instance, writer, 1_000, "CONFIG SET min-replicas-to-write 1");
        says(&mut instance, writer, 1_000, "CONFIG SET min-replicas-max-lag 2");
        for replica in [early, late] {
            says(&mut instance, replica, 1_000, "PSYNC ? -1");
        }
        instance.tick(8_000);
        instance.tick(8_050);
        for replica in [early, late] {
            says(&mut instance, replica, 8_100, "REPLCONF ACK 0");
        }
        instance.tick(9_000);
        assert_eq!(says(&mut instance, writer, 9_100, "SET k 1"), "+OK\r\n");
        instance.tick(13_000);
        let refused = "-NOREPLICAS Not enough good replicas to write.\r\n";
        assert_eq!(says(&mut instance, writer, 13_100, "SET k 2"), refused);
        says(&mut instance, late, 13_200, "REPLCONF ACK 14");
        assert_eq!(says(&mut instance, writer, 13_300, "SET k 3"), refused);
        instance.disconnect(early);
        assert_eq!(says(&mut instance, writer, 13_400, "SET k 4"), "+OK\r\n");
        instance.disconnect(late);
        assert_eq!(says(&mut instance, writer, 13_500, "SET k 5"), refused);
    }

    /// Lets time pass second by second; what the replica is sent meanwhile.
    fn pass(instance: &mut Instance, replica: ClientId, from_ms: i64, to_ms: i64) -> String {
        let mut out = Vec::new();
        for now_ms in (from_ms..=to_ms).step_by(1000) {
            instance.tick(now_ms);
            instance.tick(now_ms + CHILD_EVERY_MS);
            let mut more = Vec::new();
            instance.take_output(replica, &mut more);
            out.extend(more);
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// As in 7.0.15, whose `replicaPutOnline` takes the time of the last ack anew: or a replica that has
    /// waited for longer than the timeout would be cut as soon as it has its snapshot, for ever.
    #[test]
    fn waiting_for_a_snapshot_is_no_silence() {
        let mut instance = Instance::default();
        let replica = instance.connect();
        says(&mut instance, replica, 900, "CONFIG SET repl-timeout 3 repl-diskless-sync-delay 5");
        says(&mut instance, replica, 1_000, "PSYNC ? -1");
        assert_eq!(pass(&mut instance, replica, 2_000, 5_000), "\n\n\n\n", "signs of life");
        assert!(pass(&mut instance, replica, 6_000, 9_000).contains("+FULLRESYNC"));
        assert!(!instance.is_closing(replica), "it is not silent for long yet");
        pass(&mut instance, replica, 10_000, 11_000);
        assert!(instance.is_closing(replica), "it has never acked");
    }

    /// As in 7.0.15: a replica sends empty lines while it loads a snapshot.
    #[test]
    fn an_empty_line_keeps_a_replica() {
        let mut instance = Instance::default();
        let [lively, silent] = [(); 2].map(|()| instance.connect());
        says(&mut instance, lively, 900, "CONFIG SET repl-timeout 3 repl-diskless-sync-delay 0");
        for replica in [lively, silent] {
            says(&mut instance, replica, 1_000, "PSYNC ? -1");
        }
        for second in 1..20 {
            instance.shows_life(lively, second * 1000);
            pass(&mut instance, lively, second * 1000, second * 1000);
        }
        assert!(instance.is_closing(silent) && !instance.is_closing(lively));
    }
}
