//! Scripts for the core: a Sentinel whose peers are played by the test, at times of its choice.

use std::net::Ipv4Addr;

use im::env::Addr;

use super::core::{Action, Input, Sentinel};
use super::instance::{ConnectionId, Ms, Place};
use super::memory::Memory;
use super::{Config, Events};
use crate::redis::parse::Parser;
use crate::redis::reply::Reply;
use crate::redis::request::Reader;

/// All chance: the timer runs every 76 ms.
const RANDOM: u64 = 3;

const START: Ms = 1_700_000_000_000;
const MASTER: Place = place(1);
const REPLICAS: [Place; 2] = [place(2), place(3)];
const PEERS: [Place; 2] = [place(5), place(6)];

const fn place(last: u8) -> Place {
    Place { ip: Ipv4Addr::new(10, 0, 0, last), port: 6379 }
}

fn run_id(at: Place) -> String {
    format!("{:040x}", u32::from(at.ip))
}

/// What the test plays: who is there, and as what.
struct Play {
    sentinel: Sentinel,
    now: Ms,
    next_tick: Ms,
    /// Connections under way, and what is asked on them.
    open: Vec<(ConnectionId, Place, Reader)>,
    events: Vec<(Ms, String)>,
    flushes: Vec<Memory>,
    told: Vec<u8>,
    down: Vec<Place>,
    master: Place,
    /// Believes to be a master still.
    stale: Option<Place>,
    /// Commands that were sent, but PING, INFO, hellos and names.
    commands: Vec<(Place, String)>,
}

impl Play {
    fn new(down_after_ms: u64) -> Self {
        let config = Config {
            port: 26379,
            master: "m".to_owned(),
            address: Addr::default(),
            quorum: 2,
            down_after_ms,
            failover_timeout_ms: 10_000,
            parallel_syncs: 1,
            events: Events::default(),
        };
        let memory = Memory::first(run_id(place(4)), &config, MASTER);
        Self::remembering(&memory)
    }

    fn remembering(memory: &Memory) -> Self {
        let at = Place { port: 26379, ..place(4) };
        let sentinel = Sentinel::new(at, memory, START, || RANDOM);
        let mut play = Self {
            sentinel,
            now: START,
            next_tick: START + 1,
            open: Vec::new(),
            events: Vec::new(),
            flushes: Vec::new(),
            told: Vec::new(),
            down: Vec::new(),
            master: MASTER,
            stale: None,
            commands: Vec::new(),
        };
        play.perform();
        play.take(Input::ClientCame(1));
        play
    }

    /// One that knows its peers and has seen everybody answer.
    fn settled(down_after_ms: u64) -> Self {
        let mut play = Self::new(down_after_ms);
        play.run(300);
        PEERS.iter().for_each(|peer| play.hello(*peer, 0, MASTER, 0));
        play.run(15_000);
        play
    }

    fn take(&mut self, input: Input) {
        self.sentinel.take(self.now, input);
        self.perform();
    }

    fn run(&mut self, span: Ms) {
        let end = self.now + span;
        while self.next_tick <= end {
            self.now = self.next_tick;
            self.next_tick += self.sentinel.tick(self.now);
            self.perform();
        }
        self.now = end;
    }

    fn perform(&mut self) {
        let mut answers = Vec::new();
        for action in std::mem::take(&mut self.sentinel.actions) {
            match action {
                Action::Open(id, at) => self.open.push((id, at, Reader::default())),
                Action::Close(id) => self.open.retain(|(open, ..)| *open != id),
                Action::Send(id, bytes) => answers.extend(self.answers(id, &bytes)),
                Action::Event(text) => self.events.push((self.now - START, text)),
                Action::Flush(memory) => self.flushes.push(*memory),
                Action::Tell(_, bytes) => self.told.extend(bytes),
                Action::HangUp(_) => {}
            }
        }
        for (id, at, _) in &self.open {
            if self.down.contains(at) {
                answers.push(Input::Closed(*id));
            }
        }
        let down = self.down.clone();
        self.open.retain(|(_, at, _)| !down.contains(at));
        answers.into_iter().for_each(|answer| self.take(answer));
    }

    fn answers(&mut self, id: ConnectionId, bytes: &[u8]) -> Vec<Input> {
        let found = self.open.iter_mut().find(|(open, ..)| *open == id);
        let (_, at, reader) = found.expect("nothing is sent where nothing is open");
        let at = *at;
        reader.feed(bytes);
        let mut asked = Vec::new();
        while let Some(words) = reader.next_request().expect("it speaks the protocol") {
            asked.push(words);
        }
        asked.retain(|_| !self.down.contains(&at));
        asked.iter().map(|words| Input::Reply(id, self.answer(at, words))).collect()
    }

    fn answer(&mut self, at: Place, words: &[Vec<u8>]) -> Reply {
        let text = words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>();
        match &*text[0] {
            "PING" => Reply::Status(b"PONG".to_vec()),
            "INFO" => Reply::bulk(self.info(at)),
            "PUBLISH" => Reply::Integer(3),
            "CLIENT" if text[1] == "SETNAME" => Reply::Status(b"OK".to_vec()),
            "SUBSCRIBE" => Reply::Array(vec![Reply::bulk("subscribe")]),
            "SENTINEL" => {
                self.commands.push((at, text.join(" ")));
                let leader = Reply::bulk(&*text[5]);
                let epoch = if text[5] == "*" { 0 } else { text[4].parse().unwrap() };
                let down = i64::from(self.down.contains(&MASTER));
                Reply::Array(vec![Reply::Integer(down), leader, Reply::Integer(epoch)])
            }
            _ => {
                self.commands.push((at, text.join(" ")));
                if &*text[0] == "SLAVEOF" && text[1] == "NO" {
                    self.master = at;
                }
                Reply::Status(b"OK".to_vec())
            }
        }
    }

    fn info(&self, at: Place) -> String {
        let mut text = format!("# Server\r\nrun_id:{}\r\n# Replication\r\n", run_id(at));
        if at == self.master || self.stale == Some(at) {
            text += "role:master\r\n";
            for (number, replica) in REPLICAS.iter().filter(|one| **one != at).enumerate() {
                let ip = replica.ip;
                text += &format!("slave{number}:ip={ip},port=6379,state=online,offset=1,lag=0\r\n");
            }
        } else {
            let (ip, offset) = (self.master.ip, at.ip.octets()[3]);
            text += &format!(
                "role:slave\r\nmaster_host:{ip}\r\nmaster_port:6379\r\nmaster_link_status:up\r\n\
                 slave_repl_offset:{offset}\r\nslave_priority:100\r\nreplica_announced:1\r\n"
            );
        }
        text
    }

    /// A hello that a peer sends to us.
    fn hello(&mut self, peer: Place, epoch: u64, master: Place, config_epoch: u64) {
        let (ip, id, master_ip) = (peer.ip, run_id(peer), master.ip);
        let text = format!("{ip},6379,{id},{epoch},m,{master_ip},6379,{config_epoch}");
        self.ask(&["PUBLISH", "__sentinel__:hello", &text]);
    }

    /// A client asks.
    fn ask(&mut self, words: &[&str]) -> Reply {
        self.told.clear();
        let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        self.take(Input::Request(1, words));
        let mut parser = Parser::default();
        parser.feed(&self.told);
        parser.next_reply().expect("it speaks the protocol").expect("it answers")
    }

    fn names_since(&self, then: Ms) -> Vec<&str> {
        let names = self.events.iter().filter(|(at, _)| *at + START >= then);
        names.map(|(_, text)| text.split(' ').next().expect("a name")).collect()
    }
}

fn error(text: &str) -> Reply {
    Reply::Error(text.as_bytes().to_vec())
}

#[test]
fn a_new_sentinel_makes_acquaintance() {
    let play = Play::settled(1000);
    let texts: Vec<_> = play.events.iter().map(|(_, text)| text.as_str()).collect();
    let peer = run_id(PEERS[0]);
    assert_eq!(texts[0], "+monitor master m 10.0.0.1 6379 quorum 2");
    assert_eq!(texts[1], "+slave slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379");
    assert_eq!(texts[3], format!("+sentinel sentinel {peer} 10.0.0.5 6379 @ m 10.0.0.1 6379"));
    assert_eq!(texts.len(), 5, "{texts:?}");
}

#[test]
fn a_dead_master_is_replaced_by_the_replica_with_the_most_data() {
    let mut play = Play::settled(1000);
    let then = play.now;
    play.down.push(MASTER);
    play.run(8000);
    let expected = [
        "+sdown",
        "+odown",
        "+new-epoch",
        "+try-failover",
        "+vote-for-leader",
        "+elected-leader",
        "+failover-state-select-slave",
        "+selected-slave",
        "+failover-state-send-slaveof-noone",
        "+failover-state-wait-promotion",
        "+promoted-slave",
        "+failover-state-reconf-slaves",
        "+slave-reconf-sent",
        "+slave-reconf-inprog",
        "+slave-reconf-done",
        "+failover-end",
        "+switch-master",
    ];
    let names = play.names_since(then);
    let mut rest = names.iter();
    for name in expected {
        assert!(rest.any(|one| *one == name), "{name} in {names:?}");
    }
    assert_eq!(play.master, REPLICAS[1]);
    let to_master: Vec<_> = play.commands.iter().filter(|(at, _)| *at == REPLICAS[1]).collect();
    let texts: Vec<_> = to_master.iter().map(|(_, text)| text.as_str()).collect();
    let transaction = [
        "MULTI",
        "SLAVEOF NO ONE",
        "CONFIG REWRITE",
        "CLIENT KILL TYPE normal",
        "CLIENT KILL TYPE pubsub",
        "EXEC",
    ];
    assert_eq!(texts, transaction);
    let address = play.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m"]);
    assert_eq!(address, Reply::Array(["10.0.0.3", "6379"].map(Reply::bulk).to_vec()));
}

#[test]
fn one_vote_per_epoch() {
    let mut play = Play::settled(30_000);
    let mut vote = |epoch: &str, whom: &str| {
        let words = ["SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", epoch, whom]
            .map(str::to_owned);
        play.ask(&words.each_ref().map(String::as_str))
    };
    let answer = |leader: &str, epoch| {
        Reply::Array(vec![Reply::Integer(0), Reply::bulk(leader), Reply::Integer(epoch)])
    };
    assert_eq!(vote("0", "*"), answer("*", 0));
    assert_eq!(vote("4", "a"), answer("a", 4));
    assert_eq!(vote("4", "b"), answer("a", 4));
    assert_eq!(vote("3", "b"), answer("a", 4));
    assert_eq!(vote("5", "b"), answer("b", 5));
}

#[test]
fn a_vote_is_durable_before_anybody_hears_of_it() {
    let mut play = Play::settled(30_000);
    let words = ["SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "7", "a"];
    let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    play.sentinel.take(play.now, Input::Request(1, words));
    let actions = &play.sentinel.actions;
    let flush = actions.iter().rposition(|action| matches!(action, Action::Flush(_)));
    let tell = actions.iter().position(|action| matches!(action, Action::Tell(..)));
    assert!(flush.expect("it is kept") < tell.expect("it is told"));
    play.perform();
    let mut again = Play::remembering(play.flushes.last().expect("it was kept"));
    let words = ["SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "7", "b"];
    let answer = again.ask(&words);
    let Reply::Array(parts) = answer else { panic!("three things are told") };
    assert_eq!(parts[1..], [Reply::bulk("*"), Reply::Integer(7)], "no second vote in the epoch");
}

#[test]
fn a_vote_for_another_delays_ones_own_failover() {
    let mut play = Play::settled(1000);
    let id = run_id(PEERS[0]);
    play.ask(&["SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "1", &id]);
    let then = play.now;
    play.down.push(MASTER);
    play.run(19_000);
    assert!(play.names_since(then).contains(&"+odown"));
    assert!(!play.names_since(then).contains(&"+try-failover"));
    play.run(2000);
    assert!(play.names_since(then).contains(&"+try-failover"), "after twice the timeout");
}

/// The first finding: after a switch nobody may ping the new master for a second. A healthy one is
/// found down then, what the peers said of the old one counts for it, and nothing delays the next
/// failover.
#[test]
fn a_healthy_new_master_may_be_failed_over_again() {
    let mut play = Play::settled(1000);
    let id = play.sentinel.masters["m"];
    play.down.push(MASTER);
    while !play.names_since(START).contains(&"+odown")
        || play.sentinel.one(id).link.reconnected != play.now
    {
        play.run(play.next_tick - play.now);
    }
    // It has just dialled the old master when a peer tells of the switch.
    let then = play.now;
    play.master = REPLICAS[0];
    play.hello(PEERS[0], 2, REPLICAS[0], 2);
    assert!(play.names_since(then).contains(&"+switch-master"));
    play.run(1000);
    assert_eq!(play.sentinel.one(id).link.pinged, 0, "no ping for a second");
    let then = play.now;
    play.run(80);
    let names = play.names_since(then);
    assert_eq!(names[..4], ["+sdown", "+odown", "+new-epoch", "+try-failover"]);
}

/// The third finding: the old master is converted after more than 8 s.
#[test]
fn a_healed_old_master_is_a_master_for_a_while() {
    let mut play = Play::settled(1000);
    play.down.push(MASTER);
    play.run(15_000);
    assert_eq!(play.master, REPLICAS[1]);
    play.down.clear();
    let then = play.now;
    play.stale = Some(MASTER);
    play.run(25_000);
    let found = play.events.iter().find(|(_, text)| text.starts_with("+convert-to-slave"));
    let (at, text) = found.expect("it is converted");
    assert!((8_000..25_000).contains(&(at + START - then)), "{at}");
    assert_eq!(text, "+convert-to-slave slave 10.0.0.1:6379 10.0.0.1 6379 @ m 10.0.0.3 6379");
}

#[test]
fn time_that_jumps_is_not_trusted() {
    let mut play = Play::settled(1000);
    let then = play.now;
    play.now += 5000;
    play.next_tick = play.now;
    play.down.push(MASTER);
    play.run(20_000);
    assert_eq!(play.names_since(then), ["+tilt"]);
    play.run(20_000);
    assert!(play.names_since(then).contains(&"-tilt"));
    assert!(play.names_since(then).contains(&"+sdown"));
}

#[test]
fn clients_are_told_what_the_real_one_tells() {
    let mut play = Play::settled(1000);
    let unknown = error("ERR No such master with that name");
    assert_eq!(play.ask(&["SENTINEL", "master", "x"]), unknown);
    assert_eq!(play.ask(&["SENTINEL", "get-master-addr-by-name", "x"]), Reply::NullArray);
    let arity = error("ERR wrong number of arguments for 'sentinel|master' command");
    assert_eq!(play.ask(&["sentinel", "MASTER"]), arity);
    let setinfo = error("ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.");
    assert_eq!(play.ask(&["CLIENT", "SETINFO", "LIB-NAME", "x"]), setinfo);
    let quorum = "OK 3 usable Sentinels. Quorum and failover authorization can be reached";
    assert_eq!(play.ask(&["SENTINEL", "CKQUORUM", "m"]), Reply::Status(quorum.into()));
    let text = "ERR Unknown option or number of arguments for SENTINEL SET 'quorum'";
    assert_eq!(play.ask(&["SENTINEL", "SET", "m", "parallel-syncs", "2", "quorum"]), error(text));
    play.ask(&["SUBSCRIBE", "+switch-master"]);
    play.told.clear();
    play.hello(PEERS[0], 1, REPLICAS[0], 1);
    let refused = "-ERR Can't execute 'publish': only (P|S)SUBSCRIBE";
    assert!(String::from_utf8_lossy(&play.told).starts_with(refused));
}
