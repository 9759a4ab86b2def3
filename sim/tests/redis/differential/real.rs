//! A real server of our own, under a clock that the test moves, and connections to it.
//!
//! It knows the protocol as far as finding the end of a reply, and nothing of the simulated Redis.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::Words;

/// At which time every server starts, and every sequence after the one before: in 2027.
const START_MS: i64 = 1_800_000_000_000;

/// Whether changes are sent to a replica is looked at so often.
const STREAM_EVERY: Duration = Duration::from_millis(20);

/// A real server, without a port and without persistence.
pub struct Real {
    process: Child,
    folder: TempDir,
    clock: File,
}

impl Real {
    /// Starts one and waits until it listens. Keys expire when they are used, not by themselves.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("clock.c"), include_str!("clock.c")).expect("a file in our own folder");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([path("clock.so"), path("clock.c")])
            .status()
            .expect("this test needs `cc`, as does every build with cargo");
        assert!(built.success(), "the clock must compile");
        let clock = File::create(path("clock")).expect("a file in our own folder");
        clock.write_all_at(&START_MS.to_ne_bytes(), 0).expect("room for eight bytes");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--enable-debug-command", "local"])
            // A replica is served at once, hears of changes only, and may be silent for ever.
            .args(["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1000000"])
            .args(["--repl-timeout", "2000000000", "--unixsocket"])
            .arg(path("redis"))
            .arg("--dir")
            .arg(folder.path())
            .env("LD_PRELOAD", path("clock.so"))
            .env("IMSIM_CLOCK", path("clock"))
            // Texts are sorted by their bytes.
            .env("LC_ALL", "C")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs `redis-server`: install Debian's package `redis-server`");
        let log = BufReader::new(process.stdout.take().expect("its log is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("ready to accept connections at")),
            "redis-server must start"
        );
        // Its log must go on being read, or the server would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let real = Self { process, folder, clock };
        let off = real.connect().ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        assert_eq!(off, b"+OK\r\n", "keys must not expire by themselves");
        real
    }

    /// A new connection.
    pub fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.folder.path().join("redis")).expect("it listens");
        Connection { stream, unread: Vec::new() }
    }

    /// A connection that is sent what replicas are sent, from now on.
    pub fn follow(&self) -> Connection {
        let (mut control, mut replica) = (self.connect(), self.connect());
        replica.ask(&["REPLCONF", "capa", "eof"]);
        replica.send(&words(&["PSYNC", "?", "-1"]));
        // The server starts to send changes at an acknowledgement that comes after it has noticed
        // the end of the snapshot.
        replica.stream.set_read_timeout(Some(STREAM_EVERY)).expect("a span above zero");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\nstreaming\r\n") {
            replica.send(&words(&["REPLCONF", "ACK", "0"]));
            control.ask(&["PUBLISH", "news", "streaming"]);
            if let Err(error) = replica.stream.read_to_end(&mut bytes) {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "the server goes on sending");
            }
        }
        replica.stream.set_read_timeout(None).expect("a socket");
        replica
    }

    /// Lets the server see this time.
    pub fn set_now(&self, now_ms: i64) {
        self.clock.write_all_at(&now_ms.to_ne_bytes(), 0).expect("room for eight bytes");
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.process.kill().expect("it still runs");
        self.process.wait().expect("it can be waited for");
    }
}

/// The time at the start of a sequence.
pub fn start_ms() -> i64 {
    START_MS
}

/// A connection to a real server.
pub struct Connection {
    /// Where bytes go.
    pub stream: UnixStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Sends one command and reads its reply.
    pub fn ask(&mut self, words: &[&str]) -> Vec<u8> {
        self.ask_all(&[self::words(words)]).remove(0)
    }

    /// The number that the server gave to the connection.
    pub fn id(&mut self) -> i64 {
        let reply = String::from_utf8(self.ask(&["CLIENT", "ID"])).expect("a number");
        reply[1..].trim_end().parse().expect("a number")
    }

    /// Sends all commands at once and reads one reply to each.
    pub fn ask_all(&mut self, commands: &[Words]) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        commands.iter().for_each(|words| bytes.extend(array(words)));
        self.stream.write_all(&bytes).expect("the server reads");
        commands.iter().map(|_| self.reply()).collect()
    }

    /// Sends a command and does not wait for what becomes of it.
    pub fn send(&mut self, words: &Words) {
        self.stream.write_all(&array(words)).expect("the server reads");
    }

    /// What has arrived by now.
    pub fn arrived(&mut self) -> Vec<u8> {
        self.stream.set_nonblocking(true).expect("a socket");
        let mut bytes = std::mem::take(&mut self.unread);
        if let Err(error) = self.stream.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "the server goes on listening");
        }
        self.stream.set_nonblocking(false).expect("a socket");
        bytes
    }

    fn reply(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = end_of_reply(&self.unread) {
                let rest = self.unread.split_off(end);
                return std::mem::replace(&mut self.unread, rest);
            }
            let mut bytes = [0; 16 * 1024];
            let count = self.stream.read(&mut bytes).expect("the server answers");
            assert!(count > 0, "the server goes on listening");
            self.unread.extend(&bytes[..count]);
        }
    }
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Where the first reply in the bytes ends, if all of it is there.
fn end_of_reply(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut replies) = (0, 1);
    while replies > 0 {
        let line = bytes.get(at..)?;
        let length = line.windows(2).position(|two| two == b"\r\n")?;
        let number = || std::str::from_utf8(&line[1..length]).ok()?.parse::<i64>().ok();
        at += length + 2;
        replies -= 1;
        match line[0] {
            b'$' | b'=' => at += usize::try_from(number()?).map_or(0, |length| length + 2),
            b'*' | b'~' | b'>' => replies += number()?.max(0),
            b'%' => replies += 2 * number()?,
            _ => {}
        }
    }
    (at <= bytes.len()).then_some(at)
}

/// A request as it is sent.
pub fn array(words: &Words) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend([word, &b"\r\n"[..]].concat());
    }
    bytes
}
