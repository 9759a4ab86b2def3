//! Administration: fixed scripts of commands by several clients, whose replies must be equal.
//!
//! A line is a command; `b: ` in front makes it another client's; `+100` lets milliseconds pass. What
//! is compared otherwise than byte by byte stands in [`plain`].

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the real server takes real time"
)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use imsim::redis::Instance;

use super::real::{Real, array, start_ms};
use super::{Words, told};

/// The real server may answer so late.
const PATIENCE: Duration = Duration::from_secs(2);

/// What it should not have sent arrives at once if it does.
const GRACE: Duration = Duration::from_millis(3);

/// A reply without what must differ: order where Redis has none, places, sizes and times.
fn plain(line: &str, reply: &[u8]) -> String {
    let text = told(reply);
    let upper = line.to_ascii_uppercase();
    if ["CONFIG GET", "COMMAND LIST"].iter().any(|start| upper.starts_with(start)) {
        let mut words: Vec<&str> = text.split("\\r\\n").collect();
        words.sort_unstable();
        return words.join("|");
    }
    if ["CLIENT LIST", "CLIENT INFO"].iter().any(|start| upper.starts_with(start)) {
        let told = [
            "id", "name", "flags", "db", "sub", "psub", "ssub", "multi", "cmd", "user", "redir",
            "resp",
        ];
        let text = text.replace("\\r\\n", " ").replace("\\n", " ");
        let fields = text
            .split(' ')
            .filter(|field| told.contains(&field.split('=').next().unwrap_or_default()));
        // The real server knows that its clients came by a socket that is a file.
        let fields = fields.map(|field| match field.strip_prefix("flags=") {
            Some("U") => "flags=N".to_owned(),
            Some(flags) => format!("flags={}", flags.replace('U', "")),
            None => field.to_owned(),
        });
        return fields.collect::<Vec<_>>().join(" ");
    }
    // Monitors tell where a command came from, and both call it differently.
    let lines = text.split("\\r\\n").map(|line| {
        let place =
            line.split_once(" [").and_then(|(time, rest)| Some((time, rest.split_once("] ")?)));
        match place {
            Some((time, (_, command))) if time.starts_with('+') => format!("{time} {command}"),
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("|")
}

/// A client of both, and what each has sent it.
struct Client {
    theirs: UnixStream,
    ours: i64,
    got: [Vec<u8>; 2],
    /// Who has hung up.
    gone: [bool; 2],
}

impl Client {
    /// Takes what has arrived from the real server.
    fn read(&mut self) {
        let read = self.theirs.read_to_end(&mut self.got[0]);
        let gone = read.map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true);
        self.gone[0] |= gone;
    }
}

/// Both servers, and their clients by name.
struct Both {
    real: Real,
    instance: Instance,
    now_ms: i64,
    clients: BTreeMap<String, Client>,
}

impl Both {
    fn start() -> Self {
        let (real, now_ms) = (Real::start(), start_ms());
        real.set_now(now_ms);
        let mut instance = Instance::default();
        // The connection that asks for its number has it no more when it is closed.
        instance.number_clients_from(real.connect().id() + 1);
        instance.tick(now_ms);
        Self { real, instance, now_ms, clients: BTreeMap::new() }
    }

    fn client(&mut self, name: &str) -> &mut Client {
        if !self.clients.contains_key(name) {
            let theirs = self.real.connect().stream;
            theirs.set_nonblocking(true).expect("a socket");
            let (ours, got) = (self.instance.connect(), [Vec::new(), Vec::new()]);
            let client = Client { theirs, ours, got, gone: [false; 2] };
            self.clients.insert(name.to_owned(), client);
        }
        self.clients.get_mut(name).expect("it was just made")
    }

    /// Does what the line says; what was answered otherwise.
    fn step(&mut self, line: &str) -> Vec<String> {
        let (name, command) = line.split_once(": ").unwrap_or(("a", line));
        if let Some(ms) = line.strip_prefix('+') {
            self.now_ms += ms.parse::<i64>().expect("milliseconds");
            self.real.set_now(self.now_ms);
            self.instance.tick(self.now_ms);
        } else {
            let word = |word: &str| word.replace('#', " ").replace("''", "").into_bytes();
            let words: Words = command.split(' ').map(word).collect();
            let client = self.client(name);
            client.theirs.write_all(&array(&words)).expect("the server reads");
            let ours = client.ours;
            self.instance.execute(ours, self.now_ms, &words);
        }
        self.exchange();
        let mut wrong = Vec::new();
        for (to, client) in &mut self.clients {
            let [theirs, ours] = std::mem::take(&mut client.got);
            let [theirs, ours] = [theirs, ours].map(|reply| plain(command, &reply));
            let [theirs, ours] = [(theirs, 0), (ours, 1)].map(|(reply, who)| {
                if client.gone[who] { format!("{reply}, and hangs up") } else { reply }
            });
            if ours != theirs {
                wrong.push(format!("{line}\n {to} ours   {ours}\n {to} theirs {theirs}"));
            }
        }
        wrong
    }

    /// Waits for as much from the real server as ours has sent, and a little longer.
    fn exchange(&mut self) {
        for client in self.clients.values_mut() {
            let mut out = Vec::new();
            self.instance.take_output(client.ours, &mut out);
            client.got[1].extend(out);
            if self.instance.is_closing(client.ours) && !client.gone[1] {
                self.instance.disconnect(client.ours);
                client.gone[1] = true;
            }
        }
        let start = Instant::now();
        loop {
            std::thread::sleep(GRACE);
            self.clients.values_mut().for_each(Client::read);
            let behind = |client: &Client| {
                client.got[0].len() < client.got[1].len() || (client.gone[1] && !client.gone[0])
            };
            if !self.clients.values().any(behind) || start.elapsed() > PATIENCE {
                return;
            }
        }
    }
}

/// Runs a script on both; they must agree on every line.
pub fn compare(script: &str) {
    let mut both = Both::start();
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let wrong: Vec<String> = lines.flat_map(|line| both.step(line)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn clients_are_listed_paused_and_ended_alike() {
    compare(
        "
        CLIENT
        CLIENT LIST TYPE foo
        CLIENT LIST TYPE normal x
        CLIENT LIST ID
        CLIENT LIST ID x
        CLIENT LIST ID 1 2
        CLIENT LIST FOO
        CLIENT INFO
        CLIENT INFO x
        CLIENT SETNAME me
        CLIENT INFO
        CLIENT PAUSE
        CLIENT PAUSE x
        CLIENT PAUSE -1
        CLIENT PAUSE 10 foo
        CLIENT UNPAUSE x
        CLIENT UNPAUSE
        CLIENT REPLY
        CLIENT REPLY foo
        CLIENT REPLY SKIP
        PING
        PING
        CLIENT REPLY OFF
        PING
        CLIENT REPLY SKIP
        PING
        CLIENT REPLY ON
        CLIENT NO-EVICT foo
        CLIENT NO-EVICT on
        CLIENT INFO
        CLIENT NO-EVICT off
        CLIENT TRACKING foo
        CLIENT TRACKING off
        CLIENT CACHING yes
        CLIENT GETREDIR
        CLIENT TRACKINGINFO
        CLIENT SETINFO lib-name x
        CLIENT KILL
        CLIENT KILL 1.2.3.4:5
        CLIENT KILL ADDR 1.2.3.4:5
        CLIENT KILL ID 0
        CLIENT KILL ID 99
        CLIENT KILL ID x
        CLIENT KILL TYPE foo
        CLIENT KILL USER nobody
        CLIENT KILL SKIPME foo
        CLIENT KILL FOO bar
        CLIENT KILL a b c
        CLIENT KILL TYPE normal
        CLIENT UNBLOCK 99
        CLIENT UNBLOCK x
        CLIENT UNBLOCK 99 foo
        b: BLPOP l 0
        c: MULTI
        c: SET k v
        c: FOO
        d: HELLO 3 SETNAME you
        d: SUBSCRIBE x y
        d: PSUBSCRIBE p
        e: SELECT 3
        e: WATCH k
        e: MULTI
        +2500
        CLIENT LIST
        SELECT 3
        SET k v
        SELECT 0
        CLIENT LIST
        CLIENT LIST TYPE pubsub
        CLIENT KILL TYPE pubsub
        CLIENT KILL TYPE normal SKIPME yes
        CLIENT LIST
        f: PING
        f: CLIENT KILL TYPE normal SKIPME no
        ",
    );
}

#[test]
fn pauses_hold_the_same_commands_back() {
    compare(
        "
        a: PING
        b: PING
        c: PING
        d: PING
        e: PING
        s: SUBSCRIBE ch
        a: SET old v PX 50
        b: CLIENT PAUSE 1000 WRITE
        a: GET k
        a: SET k v
        c: PUBLISH ch x
        d: MULTI
        d: INCR n
        e: MULTI
        e: GET k
        e: EXEC
        b: CLIENT LIST
        +400
        e: GET old
        e: DBSIZE
        b: CLIENT UNPAUSE
        d: EXEC
        e: DBSIZE
        b: CLIENT PAUSE 1000 WRITE
        a: EVAL return#1 0
        b: CLIENT PAUSE 100 ALL
        b: GET k
        d: PING
        +800
        e: PING
        +250
        b: PING
        a: DEBUG SLEEP 0
        b: CLIENT PAUSE 0
        b: CLIENT PAUSE 100
        +50
        a: SET k w
        +51
        b: GET k
        ",
    );
}

#[test]
fn passwords_are_asked_for_alike() {
    compare(
        "
        AUTH x
        AUTH default x
        AUTH default x y
        AUTH
        AUTH foo bar
        HELLO 2 AUTH default x
        ACL WHOAMI
        ACL USERS
        CONFIG SET requirepass secret
        PING
        b: PING
        b: GET
        b: FOO
        b: MULTI
        b: CLIENT ID
        b: COMMAND COUNT
        b: SUBSCRIBE x
        b: RESET
        b: QUIT
        c: HELLO 3
        c: HELLO 3 AUTH default wrong
        c: HELLO 3 AUTH default secret SETNAME me
        c: CLIENT GETNAME
        c: RESET
        c: PING
        d: AUTH wrong
        d: AUTH secret
        d: PING
        d: CONFIG GET requirepass
        e: AUTH default secret
        e: HELLO 3
        CONFIG SET requirepass ''
        f: PING
        f: AUTH secret
        d: RESET
        d: PING
        ",
    );
}

#[test]
fn settings_are_read_and_written_alike() {
    compare(
        "
        CONFIG
        CONFIG FOO
        CONFIG GET
        CONFIG SET maxmemory 1kb maxmemory 2
        CONFIG SET foo 1
        CONFIG SET maxmemory
        CONFIG SET maxmemory 1x
        CONFIG SET maxmemory -1
        CONFIG SET maxmemory 1kb hz 0
        CONFIG GET hz
        CONFIG SET maxmemory 100mb hz 0
        CONFIG GET hz
        CONFIG SET hz 1000
        CONFIG GET hz maxmemory
        CONFIG SET maxmemory-policy foo
        CONFIG SET maxmemory-policy ALLKEYS-LRU
        CONFIG GET maxmemory-policy
        CONFIG SET maxmemory-policy noeviction
        CONFIG SET appendonly maybe
        CONFIG SET hz x
        CONFIG SET hz 1.5
        CONFIG SET databases 3
        CONFIG SET maxmemory 100 foo 1
        CONFIG SET maxmemory 7 hz x
        CONFIG GET maxmemory
        CONFIG SET maxmemory 0
        CONFIG GET slave-priority REPLICA-PRIORITY
        CONFIG GET nosuch
        CONFIG GET *priority
        CONFIG GET Min-S[kl]*
        CONFIG RESETSTAT x
        CONFIG RESETSTAT
        CONFIG REWRITE
        CONFIG SET save foo
        CONFIG SET save 100
        CONFIG SET save 900#1#300#10
        CONFIG GET save
        CONFIG SET save ''
        CONFIG GET save
        CONFIG SET notify-keyspace-events KEA
        CONFIG GET notify-keyspace-events
        CONFIG SET notify-keyspace-events foo
        CONFIG SET notify-keyspace-events ''
        CONFIG SET min-replicas-to-write 1
        SET k v
        MULTI
        SET k v
        EXEC
        EVAL return#redis.call('set','x','y') 0
        CONFIG SET min-slaves-to-write 0
        SET k v
        CONFIG SET repl-backlog-size 16kb
        CONFIG GET repl-backlog-size
        CONFIG SET repl-backlog-size 1mb
        CONFIG SET maxclients 0
        CONFIG SET timeout -1
        CONFIG SET replicaof 1.2.3.4#5
        CONFIG GET replicaof
        CONFIG GET client-output-buffer-limit
        CONFIG SET appendfsync sometimes
        CONFIG SET hash-max-listpack-entries -1
        CONFIG SET tcp-keepalive 9999999999999999999
        CONFIG SET repl-timeout 0
        CONFIG SET lua-time-limit 100
        CONFIG GET busy-reply-threshold lua-time-limit
        ",
    );
}

#[test]
fn what_else_is_asked_of_a_server_is_answered_alike() {
    compare(
        "
        SET s hello
        DEBUG FOO
        DEBUG
        DEBUG SLEEP 0
        DEBUG SLEEP x
        DEBUG OBJECT nokey
        DEBUG SET-ACTIVE-EXPIRE 0
        DEBUG CHANGE-REPL-ID
        DEBUG QUICKLIST-PACKED-THRESHOLD 0
        LATENCY LATEST
        LATENCY RESET
        LATENCY RESET foo
        LATENCY HISTORY foo
        LATENCY FOO
        SLOWLOG GET -2
        SLOWLOG GET x
        SLOWLOG FOO
        FUNCTION FLUSH
        FUNCTION FLUSH SYNC
        FUNCTION FLUSH foo
        FUNCTION LIST
        FUNCTION FOO
        FUNCTION KILL
        COMMAND FOO
        COMMAND DOCS nosuch
        COMMAND INFO nosuch
        COMMAND LIST FILTERBY PATTERN xr*
        COMMAND LIST FILTERBY FOO x
        COMMAND LIST foo
        COMMAND GETKEYS GET
        COMMAND GETKEYS MSET a 1 b 2
        MODULE LIST
        ACL FOO
        ACL LOG
        CLUSTER INFO
        CLUSTER SLOTS
        READONLY
        READWRITE
        ASKING
        TIME x
        MONITOR x
        OBJECT FOO s
        OBJECT ENCODING
        SELECT 16
        SWAPDB 0 16
        SWAPDB 0 x
        SWAPDB 0 1
        SELECT 1
        GET s
        MOVE s 1
        MOVE s 0
        MOVE s 0
        FLUSHDB ASYNC
        FLUSHDB foo
        DBSIZE
        COPY s s2 DB 0
        COPY s s2 DB 0 REPLACE
        FLUSHALL SYNC
        RESET x
        QUIT
        ",
    );
}

#[test]
fn monitors_are_told_the_same() {
    compare(
        r#"
        m: MONITOR
        m: PING
        m: GET k
        SET q a\"b
        b: HELLO 3 AUTH default secret
        b: AUTH default secret
        b: CLIENT SETNAME x
        MULTI
        INCR n
        EXEC
        FOO
        GET
        CONFIG GET hz
        EVAL redis.call('set','x','y')#return#redis.call('get','x') 0
        SUBSCRIBE ch
        m: RESET
        b: PING
        m: GET n
        "#,
    );
}

#[test]
fn memory_is_estimated_and_refused_alike() {
    compare(
        "
        SET s hello
        SET i 12
        SET long 0123456789012345678901234567890123456789012345
        RPUSH l a b c
        HSET h f v
        HSET h2 field1 value1 field2 12345
        SADD st a b
        SADD is 1 2 3
        ZADD z 1 a
        ZADD z2 1.5 a 2 bcd
        SET a-key-of-more-than-thirty-one-bytes x
        MEMORY USAGE s
        MEMORY USAGE i
        MEMORY USAGE long
        MEMORY USAGE l
        MEMORY USAGE h
        MEMORY USAGE h2
        MEMORY USAGE st
        MEMORY USAGE is
        MEMORY USAGE z
        MEMORY USAGE z2
        MEMORY USAGE a-key-of-more-than-thirty-one-bytes
        MEMORY USAGE nokey
        MEMORY USAGE s SAMPLES 0
        MEMORY USAGE s SAMPLES -1
        MEMORY USAGE s SAMPLES x
        MEMORY USAGE s FOO
        MEMORY FOO
        MEMORY PURGE
        OBJECT FREQ s
        OBJECT FREQ nokey
        OBJECT IDLETIME nokey
        CONFIG SET maxmemory-policy allkeys-lfu
        OBJECT IDLETIME s
        CONFIG SET maxmemory-policy noeviction
        CONFIG SET maxmemory 1
        SET x y
        APPEND s y
        LPUSH l x
        GET s
        LPOP l
        DEL i
        MULTI
        SET x y
        EXEC
        MULTI
        GET s
        DISCARD
        EVAL return#redis.call('set','x','y') 0
        EVAL return#redis.call('get','s') 0
        EVAL redis.call('del','h')#return#redis.call('set','x','y') 0
        CONFIG SET maxmemory 0
        MULTI
        SET x y
        CONFIG SET maxmemory 1
        EXEC
        MULTI
        CONFIG SET maxmemory 0
        SET t 1 PX 100000
        CONFIG SET maxmemory-policy volatile-lru
        DBSIZE
        CONFIG SET maxmemory 1
        GET t
        SET x y
        DBSIZE
        CONFIG SET maxmemory-policy allkeys-random
        PING
        DBSIZE
        SET x y
        CONFIG SET maxmemory 0
        SET x y
        ",
    );
}
