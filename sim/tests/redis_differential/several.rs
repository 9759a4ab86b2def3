//! Several clients: after each step, what every one of them was sent must be the same.
//!
//! A client that waits sends nothing. A connection of its own asks the real server twice after each
//! step: when the second reply is there, everything that the step caused has been sent.

use imsim::redis::Instance;

use super::real::{Connection, Real, start_ms};
use super::{Step, told};

/// How many clients there are.
pub const CLIENTS: usize = 3;

/// Databases whose keys the sequences use.
const DATABASES: [&str; 2] = ["0", "1"];

/// A real server, and a connection by which it is led.
pub struct Pair {
    real: Real,
    control: Connection,
}

impl Pair {
    /// Starts the real one.
    pub fn start() -> Self {
        let real = Real::start();
        let control = real.connect();
        Self { real, control }
    }

    /// Runs the steps on both, from nothing; how many commands that were, or what differed.
    pub fn compare(&mut self, steps: &[Step]) -> Result<u64, String> {
        let mut now_ms = start_ms();
        self.real.set_now(now_ms);
        self.control.ask(&["FLUSHALL"]);
        let mut theirs: Vec<Connection> = (0..CLIENTS).map(|_| self.real.connect()).collect();
        let mut instance = Instance::default();
        instance.number_clients_from(theirs[0].id());
        let ours: Vec<i64> = (0..CLIENTS).map(|_| instance.connect()).collect();
        let mut count = 0;
        for step in steps {
            match step {
                Step::Command(client, _) if instance.is_blocked(ours[*client]) => continue,
                Step::Command(client, words) => {
                    count += 1;
                    theirs[*client].send(words);
                    instance.execute(ours[*client], now_ms, words);
                }
                Step::Pass(ms) => {
                    now_ms += ms;
                    self.real.set_now(now_ms);
                    // Clients give up first, then expired keys go: a scan removes them.
                    self.control.ask(&["PING"]);
                    for database in DATABASES {
                        self.control.ask(&["SELECT", database]);
                        self.control.ask(&["SCAN", "0", "COUNT", "1000"]);
                    }
                    instance.tick(now_ms);
                }
            }
            self.control.ask(&["PING"]);
            self.control.ask(&["PING"]);
            for (client, connection) in theirs.iter_mut().enumerate() {
                let theirs = connection.arrived();
                let mut mine = Vec::new();
                instance.take_output(ours[client], &mut mine);
                if mine != theirs {
                    let (step, mine, theirs) = (step.told(), told(&mine), told(&theirs));
                    return Err(format!(
                        "{step}: client {client}\n ours   {mine}\n theirs {theirs}"
                    ));
                }
            }
        }
        Ok(count)
    }
}
