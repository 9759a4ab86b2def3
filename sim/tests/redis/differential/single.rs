//! One client, whose commands between two moments are sent to the real server all at once.
//!
//! Nothing may wait here, and every command gets one reply.

use imsim::redis::Instance;

use super::real::{Connection, Real, start_ms};
use super::{Step, Words, compare, scripts, told};

/// A real server, and the connection by which it is compared with ours.
pub struct Pair {
    real: Real,
    connection: Connection,
    id: i64,
}

impl Pair {
    /// Starts the real one.
    pub fn start() -> Self {
        let real = Real::start();
        let mut connection = real.connect();
        let id = connection.id();
        Self { real, connection, id }
    }

    /// Runs the steps on both, from nothing; how many commands that were, or what differed.
    pub fn compare(&mut self, steps: &[Step]) -> Result<u64, String> {
        let mut now_ms = start_ms();
        self.real.set_now(now_ms);
        let mut instance = Instance::default();
        instance.number_clients_from(self.id);
        let client = instance.connect();
        let first = ["HELLO 2", "FLUSHALL", "SELECT 0", "CLIENT SETNAME ", LIMITS];
        let mut segment: Vec<Words> = first.iter().map(|line| words(line)).collect();
        if scripts::are_in(steps) {
            segment.push(words("SCRIPT FLUSH"));
        }
        let mut count = 0;
        for step in steps.iter().map(Some).chain([None]) {
            if let Some(Step::Command(_, words)) = step {
                // By chance it comes upon expired keys and removes them; a scan removes all first.
                if words[0].eq_ignore_ascii_case(b"RANDOMKEY") {
                    segment.push(self::words("SCAN 0 COUNT 1000"));
                }
                segment.push(words.clone());
                count += 1;
                continue;
            }
            let theirs = self.connection.ask_all(&segment);
            for (words, theirs) in segment.drain(..).zip(theirs) {
                let mut ours = Vec::new();
                instance.execute(client, now_ms, &words);
                instance.take_output(client, &mut ours);
                if !compare::same(&words, &ours, &theirs) {
                    let asked = told(&words.join(&b' '));
                    let (ours, theirs) = (told(&ours), told(&theirs));
                    return Err(format!("{asked}\n ours   {ours}\n theirs {theirs}"));
                }
            }
            if let Some(Step::Pass(ms)) = step {
                now_ms += ms;
                self.real.set_now(now_ms);
            }
        }
        Ok(count)
    }
}

/// Settings that sequences change.
pub const LIMITS: &str = "CONFIG SET stream-node-max-entries 100 stream-node-max-bytes 4096";

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}
