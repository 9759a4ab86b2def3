//! Commands that choose among clients: `CLIENT LIST`, `INFO` and `KILL`.

use super::super::instance::{ClientId, Instance, Session};
use super::super::number::integer;
use super::super::pubsub::Way;
use super::{Context, Failure, Reply};

/// What sort of client it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Normal,
    Replica,
    Listener,
    Master,
}

/// The lines of all clients, of those of a kind, or of those with these numbers.
pub(super) fn list(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let instance = &*context.instance;
    let all = || instance.clients.keys().copied();
    let chosen: Vec<ClientId> = match &words[2..] {
        [] => all().collect(),
        [how, name] if how.eq_ignore_ascii_case(b"type") => {
            let kind = kind(name)?;
            all().filter(|id| instance.kind_of(*id) == kind).collect()
        }
        [how, ids @ ..] if how.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
            let ids = ids.iter().map(|id| integer(id));
            let ids: Option<Vec<ClientId>> = ids.collect();
            let ids = ids.ok_or_else(|| Failure::text("Invalid client ID"))?;
            ids.into_iter().filter(|id| instance.clients.contains_key(id)).collect()
        }
        _ => return Err(Failure::Syntax),
    };
    Ok(Reply::Text(chosen.into_iter().map(|id| instance.line(id)).collect()))
}

pub(super) fn info(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Text(context.instance.line(context.client)))
}

/// Which clients are to be ended.
struct Victims<'a> {
    id: Option<ClientId>,
    kind: Option<Kind>,
    peer: Option<&'a [u8]>,
    /// Where the server is: not known here, so that nobody is there.
    place: bool,
    spare_self: bool,
}

pub(super) fn kill(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let old_form = words.len() == 3;
    let victims = if old_form {
        let peer = Some(words[2].as_slice());
        Victims { id: None, kind: None, peer, place: false, spare_self: false }
    } else {
        victims(&words[2..])?
    };
    let asking = context.client;
    let ids: Vec<ClientId> = context.instance.clients.keys().copied().collect();
    let mut count = 0;
    for id in ids {
        let peer = context.instance.clients[&id].peer.as_bytes();
        let meant = victims.id.is_none_or(|one| one == id)
            && victims.kind.is_none_or(|kind| kind == context.instance.kind_of(id))
            && victims.peer.is_none_or(|one| one == peer && !peer.is_empty())
            && !victims.place;
        if meant && !(id == asking && victims.spare_self) {
            count += 1;
            context.instance.end_client(id, id == asking);
        }
    }
    match (old_form, count) {
        (true, 0) => Err(Failure::text("No such client")),
        (true, _) => Ok(Reply::OK),
        (false, count) => Ok(Reply::Integer(count)),
    }
}

fn victims(options: &[Vec<u8>]) -> Result<Victims<'_>, Failure> {
    let mut victims = Victims { id: None, kind: None, peer: None, place: false, spare_self: true };
    let pairs = options.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    for pair in pairs {
        let value = pair[1].as_slice();
        match pair[0].to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = integer(value).filter(|id| *id > 0);
                let invalid = || Failure::text("client-id should be greater than 0");
                victims.id = Some(id.ok_or_else(invalid)?);
            }
            b"type" => victims.kind = Some(kind(value)?),
            b"addr" => victims.peer = Some(value),
            b"laddr" => victims.place = true,
            b"user" if value == b"default" => {}
            b"user" => {
                return Err(Failure::text([b"No such user '", value, b"'"].concat()));
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => victims.spare_self = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => victims.spare_self = false,
            _ => return Err(Failure::Syntax),
        }
    }
    if odd { Err(Failure::Syntax) } else { Ok(victims) }
}

fn kind(word: &[u8]) -> Result<Kind, Failure> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(Kind::Normal),
        b"slave" | b"replica" => Ok(Kind::Replica),
        b"pubsub" => Ok(Kind::Listener),
        b"master" => Ok(Kind::Master),
        _ => Err(Failure::text([b"Unknown client type '", word, b"'"].concat())),
    }
}

impl Instance {
    fn kind_of(&self, id: ClientId) -> Kind {
        if self.is_master_client(id) {
            return Kind::Master;
        }
        match (self.replication.replicas.contains_key(&id), self.listeners.has(id)) {
            (true, _) => Kind::Replica,
            (false, true) => Kind::Listener,
            (false, false) => Kind::Normal,
        }
    }

    /// What `CLIENT LIST` tells of a client. Sizes of buffers are not known.
    fn line(&self, id: ClientId) -> String {
        let session = &self.clients[&id];
        let heard = |way| self.listeners.count_of(id, way);
        let [age_s, idle_s] =
            [session.created_ms, session.used_ms].map(|at_ms| self.now_ms / 1000 - at_ms / 1000);
        let multi = session.transaction.as_ref();
        let multi = multi.map_or(-1, |open| open.queue.len() as i64);
        format!(
            "id={id} addr={} laddr= fd=8 name={} age={age_s} idle={idle_s} flags={} db={} sub={} \
             psub={} ssub={} multi={multi} qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 \
             rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={} user=default redir=-1 resp={}\n",
            session.peer,
            String::from_utf8_lossy(&session.name),
            self.flags_of(session),
            session.database,
            heard(Way::Channel),
            heard(Way::Pattern),
            heard(Way::Shard),
            session.command.as_deref().unwrap_or("NULL"),
            session.protocol.number(),
        )
    }

    fn flags_of(&self, session: &Session) -> String {
        let flags = [
            (session.monitors, 'O'),
            (self.replication.replicas.contains_key(&session.id), 'S'),
            (self.is_master_client(session.id), 'M'),
            (self.listeners.has(session.id), 'P'),
            (session.transaction.is_some(), 'x'),
            (session.blocked.is_some(), 'b'),
            (session.watched_changed, 'd'),
            (session.closing, 'c'),
            (session.no_evict, 'e'),
        ];
        let set: String = flags.iter().filter(|(set, _)| *set).map(|(_, letter)| letter).collect();
        if set.is_empty() { "N".to_owned() } else { set }
    }

    /// The client's connection ends. What it was to be sent is lost, but for replies to the one who
    /// asked for this.
    pub(in crate::redis) fn end_client(&mut self, id: ClientId, itself: bool) {
        self.unblock(id);
        self.woken.insert(id);
        if let Some(session) = self.clients.get_mut(&id) {
            session.closing = true;
            if !itself {
                session.output.clear();
            }
        }
    }
}
