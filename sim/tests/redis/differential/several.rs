//! Several clients and a replica: after each step, what every one of them was sent must be the same.
//!
//! A client that waits sends nothing. A connection of its own asks the real server twice after each
//! step: when the second reply is there, everything that the step caused has been sent.

use imsim::redis::Instance;
use imsim::redis::instance::DATABASES;

use super::real::{Connection, Real, start_ms};
use super::{Step, Words, compare, scripts, single, told};

/// How many clients there are.
pub const CLIENTS: usize = 3;

/// Lines of `CLIENT LIST` while there is nobody but the two connections of our own: with the header
/// and the end of the reply.
const OWN: usize = 4;

/// What becomes of expired keys when time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// All are removed, after those clients have given up whose time is over.
    Go,
    /// They stay until somebody uses them. Nobody may wait for a time.
    Stay,
}

/// A real server, its replica, and a connection by which it is led.
pub struct Pair {
    real: Real,
    control: Connection,
    replica: Connection,
    expired: Expired,
}

/// The simulated one, its clients and its replica.
struct Ours {
    instance: Instance,
    clients: Vec<i64>,
    replica: i64,
    now_ms: i64,
}

impl Pair {
    /// Starts the real one.
    pub fn start(expired: Expired) -> Self {
        let real = Real::start();
        let (control, replica) = (real.connect(), real.follow());
        Self { real, control, replica, expired }
    }

    /// Runs the steps on both, from nothing; how many commands that were, or what differed.
    pub fn compare(&mut self, steps: &[Step]) -> Result<u64, String> {
        let mut theirs = self.connect_all(scripts::are_in(steps));
        let mut ours = Ours::start(theirs[0].id());
        let mut count = 0;
        for step in steps {
            match step {
                Step::Command(client, _) if ours.is_blocked(*client) => continue,
                Step::Command(client, words) => {
                    count += 1;
                    // By chance it comes upon expired keys and removes them; here all go first.
                    if words[0].eq_ignore_ascii_case(b"RANDOMKEY") {
                        self.pass(&mut ours, 0);
                    }
                    theirs[*client].send(words);
                    ours.execute(ours.clients[*client], words);
                }
                Step::Pass(ms) => self.pass(&mut ours, *ms),
            }
            self.settle();
            for (client, connection) in theirs.iter_mut().enumerate() {
                let (mine, theirs) = (ours.output(ours.clients[client]), connection.arrived());
                let same = match step {
                    Step::Command(sender, words) if *sender == client => {
                        compare::same(words, &mine, &theirs)
                    }
                    _ => mine == theirs,
                };
                if !same {
                    return Err(difference(step, &format!("client {client}"), &mine, &theirs));
                }
            }
            let (mine, theirs) = (ours.output(ours.replica), self.replica.arrived());
            // Keys that go together go in no order.
            let unordered = match step {
                Step::Command(_, words) => words[0].eq_ignore_ascii_case(b"RANDOMKEY"),
                Step::Pass(_) => true,
            };
            if mine != theirs && !(unordered && compare::lines(&mine) == compare::lines(&theirs)) {
                return Err(difference(step, "the replica", &mine, &theirs));
            }
        }
        Ok(count)
    }

    /// Empties the real one; new clients of it.
    fn connect_all(&mut self, without_scripts: bool) -> Vec<Connection> {
        self.real.set_now(start_ms());
        // Those of the sequence before must be gone: they would listen.
        while self.control.ask(&["CLIENT", "LIST"]).iter().filter(|byte| **byte == b'\n').count()
            > OWN
        {}
        self.control.ask(&["FLUSHALL"]);
        self.control.ask(&single::LIMITS.split(' ').collect::<Vec<_>>());
        if without_scripts {
            self.control.ask(&["SCRIPT", "FLUSH"]);
        }
        FIRST.iter().for_each(|words| drop(self.control.ask(words)));
        self.settle();
        self.replica.arrived();
        (0..CLIENTS).map(|_| self.real.connect()).collect()
    }

    fn pass(&mut self, ours: &mut Ours, ms: i64) {
        ours.now_ms += ms;
        self.real.set_now(ours.now_ms);
        if self.expired == Expired::Stay {
            return;
        }
        // Clients give up first, then expired keys go: a scan removes them.
        self.control.ask(&["PING"]);
        let scan = |database: usize| {
            [words(&["SELECT", &database.to_string()]), words(&["SCAN", "0", "COUNT", "1000"])]
        };
        self.control.ask_all(&(0..DATABASES).flat_map(scan).collect::<Vec<_>>());
        ours.instance.tick(ours.now_ms);
    }

    /// Waits until everything is sent.
    fn settle(&mut self) {
        self.control.ask(&["PING"]);
        self.control.ask(&["PING"]);
    }
}

/// After these a replica has chosen a database, whatever was before, which no sequence uses.
const FIRST: [&[&str]; 3] = [&["SELECT", "9"], &["PUBLISH", "news", "start"], &["SELECT", "0"]];

impl Ours {
    /// Its first client gets this number.
    fn start(first: i64) -> Self {
        let mut instance = Instance::default();
        instance.replication.settings.diskless_delay_s = 0;
        let (control, replica) = (instance.connect(), instance.connect());
        let mut ours = Self { instance, clients: Vec::new(), replica, now_ms: start_ms() };
        for line in ["REPLCONF capa eof", "PSYNC ? -1"] {
            ours.execute(replica, &words(&line.split(' ').collect::<Vec<_>>()));
        }
        ours.instance.tick(ours.now_ms);
        ours.execute(replica, &words(&["REPLCONF", "ACK", "0"]));
        FIRST.iter().for_each(|line| ours.execute(control, &words(line)));
        ours.output(replica);
        ours.instance.number_clients_from(first);
        ours.clients = (0..CLIENTS).map(|_| ours.instance.connect()).collect();
        // The first has asked for its number.
        ours.execute(ours.clients[0], &words(&["CLIENT", "ID"]));
        ours.output(ours.clients[0]);
        ours
    }

    fn is_blocked(&self, client: usize) -> bool {
        self.instance.is_blocked(self.clients[client])
    }

    fn execute(&mut self, client: i64, words: &Words) {
        self.instance.execute(client, self.now_ms, words);
    }

    fn output(&mut self, client: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.instance.take_output(client, &mut bytes);
        bytes
    }
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn difference(step: &Step, who: &str, ours: &[u8], theirs: &[u8]) -> String {
    let (step, ours, theirs) = (step.told(), told(ours), told(theirs));
    format!("{step}: {who}\n ours   {ours}\n theirs {theirs}")
}
