//! What a Sentinel serves: `SENTINEL` and the few other commands that it knows.

use super::clients::ClientId;
use super::core::{Action, Sentinel};
use super::instance::{FAILOVER, FORCED, Id, Kind, Ms, O_DOWN, Place, S_DOWN};
use super::links::HELLO_CHANNEL;
use crate::redis::VERSION;
use crate::redis::commands::pattern::matches;
use crate::redis::commands::{Failure, unknown, unknown_subcommand};
use crate::redis::number::integer;
use crate::redis::reply::{Protocol, Reply};

type Words<'a> = &'a [Vec<u8>];

/// Commands and how many words they have; at least so many if negative.
const COMMANDS: [(&str, i64); 13] = [
    ("auth", -2),
    ("client", -2),
    ("hello", -1),
    ("info", -1),
    ("ping", -1),
    ("psubscribe", -2),
    ("publish", 3),
    ("punsubscribe", -1),
    ("quit", -1),
    ("role", 1),
    ("sentinel", -2),
    ("subscribe", -2),
    ("unsubscribe", -1),
];

const SENTINEL: [(&str, i64); 16] = [
    ("ckquorum", 3),
    ("failover", 3),
    ("flushconfig", 2),
    ("get-master-addr-by-name", 3),
    ("is-master-down-by-addr", 6),
    ("master", 3),
    ("masters", 2),
    ("monitor", 6),
    ("myid", 2),
    ("pending-scripts", 2),
    ("remove", 3),
    ("replicas", 3),
    ("reset", 3),
    ("sentinels", 3),
    ("set", -5),
    ("slaves", 3),
];

const CLIENT: [(&str, i64); 3] = [("getname", 2), ("id", 2), ("setname", 3)];

/// What a client may still do that has subscribed in the old protocol.
const WHILE_LISTENING: [&str; 6] =
    ["ping", "psubscribe", "punsubscribe", "quit", "subscribe", "unsubscribe"];

/// The full name of the command that the words name, if they may be so many.
fn find(words: Words<'_>) -> Result<String, Failure> {
    let named = |table: &[(&'static str, i64)], word: &[u8]| {
        table.iter().copied().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
    };
    let (name, mut arity) = named(&COMMANDS, &words[0]).ok_or_else(|| unknown(words))?;
    let mut full = name.to_owned();
    let table: Option<&[_]> = match name {
        "sentinel" => Some(&SENTINEL),
        "client" => Some(&CLIENT),
        _ => None,
    };
    if let (Some(table), Some(word)) = (table, words.get(1)) {
        let found = named(table, word).ok_or_else(|| unknown_subcommand(&words[0], word))?;
        full = format!("{name}|{}", found.0);
        arity = found.1;
    }
    let count = i64::try_from(words.len()).expect("words are counted in 32 bits");
    if (arity > 0 && arity != count) || count < -arity {
        return Err(Failure::Arity(full));
    }
    Ok(full)
}

impl Sentinel {
    /// Runs a command of a client and tells the outcome.
    pub(super) fn serve(&mut self, client: ClientId, words: Words<'_>) {
        let outcome = find(words).and_then(|name| self.execute(client, &name, words));
        let reply = outcome.unwrap_or_else(Failure::into_reply);
        self.tell(client, &reply);
        if words[0].eq_ignore_ascii_case(b"quit") {
            self.actions.push(Action::HangUp(client));
        }
    }

    fn execute(&mut self, id: ClientId, name: &str, words: Words<'_>) -> Result<Reply, Failure> {
        let Some(client) = self.clients.get_mut(id) else { return Ok(Reply::Nothing) };
        let listens = client.only_listens();
        if listens && !WHILE_LISTENING.contains(&name) {
            return Err(Failure::text(format!(
                "Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context"
            )));
        }
        if let Some(name) = name.strip_prefix("sentinel|") {
            return self.execute_sentinel(name, words);
        }
        Ok(match name {
            "auth" => return auth(words),
            "client|getname" if client.name.is_empty() => Reply::Null,
            "client|getname" => Reply::bulk(&client.name),
            "client|id" => Reply::Integer(id),
            "client|setname" => return self.set_client_name(id, &words[2]),
            "hello" => return self.hello(id, words),
            "info" => Reply::Text(self.info_text()),
            "ping" => return ping(listens, words),
            "publish" => return self.publish(words),
            "quit" => Reply::OK,
            "role" => {
                let names = self.masters.keys().map(Reply::bulk).collect();
                Reply::Array(vec![Reply::bulk("sentinel"), Reply::Array(names)])
            }
            "subscribe" => self.clients.subscribe(id, &words[1..], false),
            "psubscribe" => self.clients.subscribe(id, &words[1..], true),
            "unsubscribe" => self.clients.unsubscribe(id, &words[1..], false),
            "punsubscribe" => self.clients.unsubscribe(id, &words[1..], true),
            _ => unreachable!("every command of the table is here"),
        })
    }

    fn set_client_name(&mut self, id: ClientId, name: &[u8]) -> Result<Reply, Failure> {
        if !name.iter().all(u8::is_ascii_graphic) {
            let text = "Client names cannot contain spaces, newlines or special characters.";
            return Err(Failure::text(text));
        }
        if let Some(client) = self.clients.get_mut(id) {
            client.name = name.to_vec();
        }
        Ok(Reply::OK)
    }

    fn hello(&mut self, id: ClientId, words: Words<'_>) -> Result<Reply, Failure> {
        let chosen = words.get(1).map(|word| protocol(word)).transpose()?;
        let mut options = words.iter().skip(2);
        while let Some(option) = options.next() {
            if option.eq_ignore_ascii_case(b"auth") && options.len() >= 2 {
                let (user, _) = (options.next(), options.next());
                if user.is_none_or(|user| user != b"default") {
                    return Err(wrong_pass());
                }
            } else if option.eq_ignore_ascii_case(b"setname") && options.len() >= 1 {
                let name = options.next().expect("one is left");
                self.set_client_name(id, name)?;
            } else {
                let text = [b"Syntax error in HELLO option '", &option[..], b"'"].concat();
                return Err(Failure::text(text));
            }
        }
        let Some(client) = self.clients.get_mut(id) else { return Ok(Reply::Nothing) };
        client.protocol = chosen.unwrap_or(client.protocol);
        let entry = |key: &str, value| (Reply::bulk(key), value);
        Ok(Reply::Map(vec![
            entry("server", Reply::bulk("redis")),
            entry("version", Reply::bulk(VERSION)),
            entry("proto", Reply::Integer(client.protocol.number())),
            entry("id", Reply::Integer(id)),
            entry("mode", Reply::bulk("sentinel")),
            entry("modules", Reply::Array(Vec::new())),
        ]))
    }

    /// Only other Sentinels publish here, and only hellos.
    fn publish(&mut self, words: Words<'_>) -> Result<Reply, Failure> {
        if words[1] != HELLO_CHANNEL.as_bytes() {
            let text = "Only HELLO messages are accepted by Sentinel instances.";
            return Err(Failure::text(text));
        }
        self.take_hello(&String::from_utf8_lossy(&words[2]));
        Ok(Reply::Integer(1))
    }

    fn master_named(&self, name: &[u8]) -> Result<Id, Failure> {
        let name = std::str::from_utf8(name).ok();
        let found = name.and_then(|name| self.masters.get(name)).copied();
        found.ok_or_else(|| Failure::text("No such master with that name"))
    }

    fn execute_sentinel(&mut self, name: &str, words: Words<'_>) -> Result<Reply, Failure> {
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
        let majority = usable > (master.sentinels.len() + 1) / 2;
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

fn ping(listens: bool, words: Words<'_>) -> Result<Reply, Failure> {
    match &words[1..] {
        [] if listens => Ok(Reply::Array(vec![Reply::bulk("pong"), Reply::bulk("")])),
        [text] if listens => Ok(Reply::Array(vec![Reply::bulk("pong"), Reply::bulk(text)])),
        [] => Ok(Reply::Simple("PONG")),
        [text] => Ok(Reply::bulk(text)),
        _ => Err(Failure::Arity("ping".to_owned())),
    }
}

fn auth(words: Words<'_>) -> Result<Reply, Failure> {
    match &words[1..] {
        [_] => Err(Failure::text(
            "AUTH <password> called without any password configured for the default user. Are you \
             sure your configuration is correct?",
        )),
        [user, _] if user == b"default" => Ok(Reply::OK),
        [_, _] => Err(wrong_pass()),
        _ => Err(Failure::Syntax),
    }
}

fn wrong_pass() -> Failure {
    let text = b"WRONGPASS invalid username-password pair or user is disabled.";
    Failure::Other(text.to_vec())
}

fn protocol(word: &[u8]) -> Result<Protocol, Failure> {
    let text = "Protocol version is not an integer or out of range";
    match integer(word).ok_or_else(|| Failure::text(text))? {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(Failure::Other(b"NOPROTO unsupported protocol version".to_vec())),
    }
}
