//! Who is there and how much they say: from idle to ten times what the cluster can take.

use super::Facts;
use super::dice::Dice;

/// About so many (message, device) pairs a run may have to show, so that it stays short.
const PAIRS_MAX: f64 = 15_000.0;
/// Nor may more be sent than this.
const SENDS_MAX: f64 = 6_000.0;

/// Hundredths of what saturates the cluster.
const LOADS: [u64; 9] = [0, 1, 10, 30, 60, 100, 150, 300, 1_000];

pub fn draw(dice: &mut Dice, facts: &mut Facts) {
    dice.table("[population]");
    facts.users = *dice.one_of(&[2, 3, 5, 8, 12, 20, 30]);
    dice.key("users", facts.users);
    let second = match facts.queues_in_redis {
        true => dice.draw("second_device", &["\"0%\""]),
        false => dice.draw("second_device", &["\"0%\"", "\"30%\"", "\"100%\""]),
    };
    let devices_each = if second == "\"100%\"" { 2.0 } else { 1.2 };
    let count = dice.between(1, 3);
    let durations = [10_000, 8_000, 5_000, 3_000, 2_000, 1_000];
    facts.duration_ms = *dice.one_of(&durations);
    let chosen: Vec<Workload> =
        (0..count).map(|number| Workload::draw(dice, facts, number)).collect();
    let load = match facts.bias.planted {
        Some(_) => *dice.pick("load, % of saturation", &LOADS[6..]),
        None => *dice.pick("load, % of saturation", &LOADS),
    };
    for one in &chosen {
        let shown = one.members * devices_each;
        let full = saturation(facts, one, shown) / count as f64;
        let rate = (full * load as f64 / 100.0).max(0.05);
        // A load that would take long to simulate lasts less long.
        let seconds = (PAIRS_MAX / shown).min(SENDS_MAX) / count as f64 / rate;
        facts.duration_ms = facts.duration_ms.min((seconds * 1_000.0) as u64).max(1_000);
        one.write(dice, facts, rate);
    }
    redis_clients(dice, facts);
}

/// About how many sends a second of this kind saturate the cluster: what its busiest tier can do or,
/// where work costs next to nothing, one round trip after the other in each conversation.
fn saturation(facts: &Facts, workload: &Workload, shown: f64) -> f64 {
    let in_turn = 12.0 * workload.conversations * workload.members;
    if !facts.slow {
        return in_turn.min(500.0);
    }
    // Seconds of processor time for a send, and for each device that is shown it.
    let gateway = facts.gateways as f64 / (0.002 + 0.0015 * shown);
    let chat = facts.chats as f64 / 0.0016;
    let cores = facts.cores.map_or(f64::INFINITY, |cores| cores as f64 / (0.006 + 0.004 * shown));
    gateway.min(chat).min(cores).min(in_turn * 10.0)
}

struct Workload {
    name: String,
    group: bool,
    conversations: f64,
    members: f64,
    zipf: bool,
}

impl Workload {
    fn draw(dice: &mut Dice, facts: &mut Facts, number: u64) -> Self {
        let group = dice.now_and_then(60);
        let name = format!("{}-{number}", if group { "groups" } else { "pairs" });
        let users = facts.users;
        if !group {
            let most = (users * (users - 1) / 2).min(20);
            let conversations = dice.between(1, most) as f64;
            return Self { name, group, conversations, members: 2.0, zipf: false };
        }
        facts.groups.push(name.clone());
        let conversations = dice.between(1, 6) as f64;
        let members = dice.between(2, users) as f64;
        Self { name, group, conversations, members, zipf: dice.now_and_then(30) }
    }

    fn write(&self, dice: &mut Dice, facts: &Facts, rate: f64) {
        dice.table("[[workload]]");
        dice.write("name", format!("\"{}\"", self.name));
        dice.key("kind", if self.group { "\"group\"" } else { "\"one-to-one\"" });
        let Self { conversations, members, .. } = self;
        match (self.group, self.zipf) {
            (false, _) => dice.write("pairs", conversations),
            (true, false) => {
                dice.write("groups", conversations);
                dice.write("members", members);
            }
            (true, true) => {
                dice.write("groups", conversations);
                let zipf = *dice.pick("members.zipf", &["0.0", "1.2", "10.0"]);
                dice.write("members", format!("{{ zipf = {zipf}, min = 2, max = {members} }}"));
            }
        }
        dice.write("rate", format!("\"{rate:.3}/s\""));
        let opens = ["\"0.01/s\"", "\"0.2/s\"", "\"1/s\"", "\"5/s\""];
        dice.maybe(if facts.on_open { 100 } else { 15 }, "consume_rate", &opens);
        let payloads = [
            "{ bytes = 1 }",
            "{ bytes = 256 }",
            "{ bytes = 1500 }",
            "{ mix = \"wkbench\" }",
            "{ bytes = 20000 }",
            "{ bytes = 1048576 }",
        ];
        // Much of it is for few messages.
        let few = match (dice.is_wild(), rate) {
            (true, rate) if rate < 2.0 => 6,
            (true, _) => 5,
            (false, rate) if rate < 5.0 => 5,
            (false, _) => 4,
        };
        dice.maybe(40, "payload", &payloads[..few]);
    }
}

fn redis_clients(dice: &mut Dice, facts: &mut Facts) {
    if !dice.now_and_then(8) {
        return;
    }
    dice.table("[redis_clients]");
    facts.redis_clients = dice.between(1, 3);
    dice.key("count", facts.redis_clients);
    dice.draw("rate", &["\"1/s\"", "\"50/s\"", "\"300/s\""]);
    dice.maybe(40, "wait_replicas", &["0", "1", "2"]);
    dice.maybe(40, "wait_timeout", &["\"1ms\"", "\"100ms\"", "\"2s\""]);
}

/// A threshold that changes while the cluster runs.
pub fn changes(dice: &mut Dice, facts: &mut Facts) {
    let count = if facts.hybrid && dice.now_and_then(20) { dice.between(1, 3) } else { 0 };
    for _ in 0..count {
        dice.table("[[changes]]");
        let at = dice.below(facts.duration_ms);
        dice.write("at", format!("\"{at}ms\""));
        dice.draw("hybrid_threshold", &["0", "2", "3", "10", "1000"]);
    }
}
