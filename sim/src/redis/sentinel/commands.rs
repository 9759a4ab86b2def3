//! What a Sentinel serves: `SENTINEL` and the few other commands that it knows.

use super::clients::ClientId;
use super::core::{Action, Sentinel};
use super::links::HELLO_CHANNEL;
use crate::redis::VERSION;
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

/// The words behind `SENTINEL`; what they do is told in [`super::administration`].
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
