//! A replica's connection to its master: the handshake, the snapshot, the stream and the acks.

use std::io;

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::LinkState;
use super::master::encode;
use crate::redis::request::Reader;
use crate::redis::server::Server;

const SECOND: Nanos = 1_000_000_000;

/// A line of the handshake is at most so long.
const LINE_BYTES_MAX: usize = 1024;

/// What is read before it is understood.
struct Incoming<E: Env> {
    env: E,
    stream: E::Stream,
    bytes: Vec<u8>,
    silence: Nanos,
}

fn broken(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl<E: Env> Incoming<E> {
    /// Waits for more; a master that stays silent for too long is gone.
    async fn more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        let count = self.env.timeout(self.silence, self.stream.read(&mut chunk)).await;
        match count.ok_or(io::ErrorKind::TimedOut)?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.bytes.extend(&chunk[..count]);
                Ok(())
            }
        }
    }

    /// The next line that is not empty: empty ones are signs of life.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !line.is_empty() {
                    return Ok(line);
                }
            } else if self.bytes.len() > LINE_BYTES_MAX {
                return Err(broken("a line without an end"));
            } else {
                self.more().await?;
            }
        }
    }

    async fn ask(&mut self, words: &[&str]) -> io::Result<String> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let mut bytes = Vec::new();
        encode(&words, &mut bytes);
        self.stream.write_all(&bytes).await?;
        self.line().await
    }

    /// The snapshot: of a length that is told first, or up to a mark.
    async fn snapshot(&mut self) -> io::Result<Vec<u8>> {
        let head = self.line().await?;
        if let Some(mark) = head.strip_prefix("$EOF:") {
            let mark = mark.as_bytes();
            let mut looked = 0;
            loop {
                let found = self.bytes[looked..].windows(mark.len()).position(|part| part == mark);
                if let Some(at) = found {
                    let snapshot = self.bytes.drain(..looked + at).collect();
                    self.bytes.drain(..mark.len());
                    return Ok(snapshot);
                }
                looked = self.bytes.len().saturating_sub(mark.len());
                self.more().await?;
            }
        }
        let len = head.strip_prefix('$').and_then(|len| len.parse().ok());
        let len: usize = len.ok_or_else(|| broken("no snapshot"))?;
        while self.bytes.len() < len {
            self.more().await?;
        }
        Ok(self.bytes.drain(..len).collect())
    }
}

impl<E: Env> Server<E> {
    /// Follows whoever is the master, for ever.
    pub(crate) async fn follow_masters(&self, names: Names, port: u16) {
        loop {
            let (epoch, master) = {
                let instance = self.instance.borrow();
                (instance.replication.epoch, instance.replication.master.clone())
            };
            let Some(master) = master else {
                self.role_changed.notified().await;
                continue;
            };
            let ip = master.host.parse().ok();
            let node = ip.and_then(|ip| names.node(ip));
            tokio::select! {
                biased;
                () = self.role_changed.notified() => {}
                streamed = async {
                    let Some(node) = node else { return false };
                    self.follow(Addr { node, port: master.port }, port).await
                } => {
                    if self.instance.borrow().replication.epoch == epoch {
                        let now_ms = self.now_ms();
                        self.instance.borrow_mut().set_time(now_ms);
                        self.instance.borrow_mut().end_master_client();
                        self.wake();
                    }
                    // A link that worked is made again at once; otherwise the next second tries.
                    if !streamed {
                        tokio::select! {
                            biased;
                            () = self.role_changed.notified() => {}
                            () = self.env.sleep(SECOND) => {}
                        }
                    }
                }
            }
        }
    }

    /// Follows a master until the link breaks; whether the stream had begun to flow.
    async fn follow(&self, master: Addr, port: u16) -> bool {
        self.link_is(LinkState::Connecting);
        let silence = {
            let instance = self.instance.borrow();
            instance.replication.settings.timeout_s.unsigned_abs() * SECOND
        };
        let Some(Ok(stream)) = self.env.timeout(silence, self.env.connect(master)).await else {
            return false;
        };
        let env = self.env.clone();
        let mut incoming = Incoming { env, stream, bytes: Vec::new(), silence };
        if self.synchronise(&mut incoming, port).await.is_err() {
            return false;
        }
        let _ = self.stream(incoming).await;
        true
    }

    fn link_is(&self, state: LinkState) {
        if let Some(master) = &mut self.instance.borrow_mut().replication.master {
            master.state = state;
        }
    }

    async fn synchronise(&self, from: &mut Incoming<E>, port: u16) -> io::Result<()> {
        let pong = from.ask(&["PING"]).await?;
        if pong.starts_with('-') && !pong.starts_with("-NOAUTH") {
            return Err(broken("the master does not answer"));
        }
        let (user, password) = {
            let config = &self.instance.borrow().config;
            let text = |name| String::from_utf8_lossy(config.text(name)).into_owned();
            (text("masteruser"), text("masterauth"))
        };
        let refused = match (user.as_str(), password.as_str()) {
            (_, "") => false,
            ("", password) => from.ask(&["AUTH", password]).await?.starts_with('-'),
            (user, password) => from.ask(&["AUTH", user, password]).await?.starts_with('-'),
        };
        if refused {
            return Err(broken("the master does not take the password"));
        }
        // Older masters know none of these; that does not matter.
        from.ask(&["REPLCONF", "listening-port", &port.to_string()]).await?;
        let ip = self.instance.borrow().replication.own_ip.clone();
        if !ip.is_empty() {
            from.ask(&["REPLCONF", "ip-address", &ip]).await?;
        }
        from.ask(&["REPLCONF", "capa", "eof", "capa", "psync2"]).await?;
        let (id, offset) = {
            let instance = self.instance.borrow();
            let replication = &instance.replication;
            match replication.resumable {
                true => (replication.id.clone(), replication.offset + 1),
                false => ("?".to_owned(), -1),
            }
        };
        let answer = from.ask(&["PSYNC", &id, &offset.to_string()]).await?;
        let words: Vec<&str> = answer.split(' ').collect();
        match words[..] {
            ["+CONTINUE"] => self.instance.borrow_mut().resume(None),
            ["+CONTINUE", id] => self.instance.borrow_mut().resume(Some(id)),
            ["+FULLRESYNC", id, offset] => {
                let offset = offset.parse().map_err(|_| broken("no offset"))?;
                self.link_is(LinkState::Sync);
                let snapshot = from.snapshot().await?;
                if !self.instance.borrow_mut().load_snapshot(id, offset, &snapshot) {
                    return Err(broken("a damaged snapshot"));
                }
            }
            _ => return Err(broken("no synchronisation")),
        }
        self.wake();
        Ok(())
    }

    /// Applies the stream, and says every second how far.
    async fn stream(&self, incoming: Incoming<E>) -> io::Result<()> {
        let Incoming { env, stream, bytes, silence } = incoming;
        let id = self.instance.borrow_mut().begin_master_client();
        let (mut from, mut to) = tokio::io::split(stream);
        let (mut reader, mut raw, mut chunk) = (Reader::default(), Vec::new(), [0; 16 * 1024]);
        let mut out = self.ack();
        self.apply_all(id, &bytes, &mut reader, &mut raw, &mut out);
        let (mut ack_at, mut heard_at) = (env.now() + SECOND, env.now());
        loop {
            self.append_changes().await;
            // Reading goes on while the master does not read.
            tokio::select! {
                biased;
                count = to.write(&out), if !out.is_empty() => {
                    out.drain(..count?);
                }
                count = from.read(&mut chunk) => {
                    let count = count?;
                    if count == 0 {
                        return Ok(());
                    }
                    heard_at = env.now();
                    self.apply_all(id, &chunk[..count], &mut reader, &mut raw, &mut out);
                }
                () = env.sleep_until(ack_at) => {
                    if env.now() > heard_at + silence {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    ack_at = env.now() + SECOND;
                    out.extend(self.ack());
                }
            }
        }
    }

    fn ack(&self) -> Vec<u8> {
        let offset = self.instance.borrow().replication.offset.to_string();
        let mut bytes = Vec::new();
        encode(&["REPLCONF", "ACK", &offset].map(|word| word.as_bytes().to_vec()), &mut bytes);
        bytes
    }

    fn apply_all(
        &self,
        id: i64,
        bytes: &[u8],
        reader: &mut Reader,
        raw: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let now_ms = self.now_ms();
        reader.feed(bytes);
        let mut instance = self.instance.borrow_mut();
        while instance.is_master_client(id) {
            let Ok(Some(words)) = reader.next_request() else { break };
            // Masters write every request in the one canonical way.
            encode(&words, raw);
            instance.apply(id, now_ms, &words, raw);
        }
        let mut replies = Vec::new();
        instance.take_output(id, &mut replies);
        out.extend(replies);
        drop(instance);
        self.expect_time();
        self.wake();
    }
}
