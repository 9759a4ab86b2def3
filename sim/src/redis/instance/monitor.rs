//! `MONITOR`: clients that are told of every command that runs.

use super::Instance;
use super::session::ClientId;
use crate::redis::commands::{Command, flags};
use crate::redis::reply::Reply;

impl Instance {
    /// A command is about to run: what tells of itself in parts is told of first.
    pub(super) fn tell_of_start(&mut self, id: ClientId, command: &Command, words: &[Vec<u8>]) {
        if command.has(flags::SKIP_MONITOR) {
            self.tell(id, command, words);
        }
    }

    /// A command has run. Nobody is told of those for administrators.
    pub(super) fn tell_of_end(&mut self, id: ClientId, command: &Command, words: &[Vec<u8>]) {
        if command.has(flags::ADMIN | flags::SKIP_MONITOR) {
            return;
        }
        self.tell(id, command, words);
    }

    /// Who hears a command of his own hears the reply first.
    pub(super) fn tell_monitors(&mut self) {
        for (id, line) in std::mem::take(&mut self.monitored) {
            self.reply(id, &Reply::Status(line));
            self.woken.insert(id);
        }
    }

    fn tell(&mut self, id: ClientId, command: &Command, words: &[Vec<u8>]) {
        let monitors = self.clients.iter().filter(|(_, session)| session.monitors);
        let monitors: Vec<ClientId> = monitors.map(|(id, _)| *id).collect();
        let (false, Some(session)) = (monitors.is_empty(), self.clients.get(&id)) else { return };
        let (seconds, rest) = (self.now_ms / 1000, self.now_ms % 1000 * 1000);
        let from = if self.in_script() { "lua" } else { &session.peer };
        let mut line = format!("{seconds}.{rest:06} [{} {from}]", session.database).into_bytes();
        let secret = |place: usize| match command.name {
            "auth" => place > 0,
            "hello" => words[..place].iter().any(|word| word.eq_ignore_ascii_case(b"auth")),
            _ => false,
        };
        for (place, word) in words.iter().enumerate() {
            line.push(b' ');
            line.extend(quoted(if secret(place) { b"(redacted)" } else { word }));
        }
        self.monitored.extend(monitors.into_iter().map(|id| (id, line.clone())));
    }
}

/// A word as it could be typed.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in word {
        match byte {
            b'\\' | b'"' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            b'\r' => text.extend(b"\\r"),
            b'\t' => text.extend(b"\\t"),
            7 => text.extend(b"\\a"),
            8 => text.extend(b"\\b"),
            b' '..=b'~' => text.push(*byte),
            _ => text.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    text.push(b'"');
    text
}
