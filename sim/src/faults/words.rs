//! What a drawn fault is aimed at, in words.

use std::collections::BTreeMap;

use super::{Act, Drawn, OfMaster, On};
use crate::scenario::{Role, Target, Way};

/// Names that are listed before the rest is counted.
const NAMES_MAX: usize = 4;

/// Whoever it is.
const MASTER: &str = "the Redis master";

impl Drawn {
    /// What it is aimed at and how, as reports say it.
    pub fn target(&self) -> String {
        match &self.act {
            Act::Lose { on, rate } => format!("{}, {rate}", where_to(on)),
            Act::LoseInBursts { on, bursts } => {
                let mean = bursts.mean_loss() * 100.0;
                format!("{}, {mean:.1}% in bursts", where_to(on))
            }
            Act::Delay { on, by } => format!("{}, {by}", where_to(on)),
            Act::Narrow { on, rate, .. } => format!("{}, {rate}", where_to(on)),
            Act::Cut { side, from, way } => {
                let arrow = if *way == Way::Both { '↔' } else { '→' };
                let from = from.as_deref().map_or_else(|| "everybody".to_owned(), names);
                format!("{} {arrow} {from}", names(side))
            }
            Act::Reset { on, with, every } => {
                let with = with.as_deref().map(|with| format!(" with {}", names(with)));
                let every = every.map(|span| format!(", every {span}"));
                format!("{}{}{}", names(on), with.unwrap_or_default(), every.unwrap_or_default())
            }
            Act::Crash { node, point: None } => node.to_string(),
            Act::Crash { node, point: Some((point, nth)) } => {
                format!("{node} at {} #{nth}", point.name())
            }
            Act::PowerLoss { node, torn: true } => format!("{node}, last write torn"),
            Act::PowerLoss { node, torn: false } => node.to_string(),
            Act::Pause { node } | Act::FillDisk { node } | Act::FailDisk { node } => {
                node.to_string()
            }
            Act::StepClock { node, by } => format!("{node}, {by}"),
            Act::DriftClock { node, ppm } => format!("{node}, {ppm:+} ppm"),
            Act::SlowDisk { node, times, by } => match by.0 {
                0 => format!("{node}, {times} times slower"),
                _ => format!("{node}, {times} times slower plus {by}"),
            },
            Act::OfRedisMaster(OfMaster::Crash | OfMaster::Pause) => MASTER.to_owned(),
            Act::OfRedisMaster(OfMaster::Slow { by }) => format!("{MASTER}, {by}"),
            Act::OfRedisMaster(OfMaster::Cut { with }) if with.is_empty() => {
                format!("{MASTER} ↔ everybody")
            }
            Act::OfRedisMaster(OfMaster::Cut { with }) => {
                format!("{MASTER}, {} ↔ everybody", names(with))
            }
            Act::Churn { workload, rate } => format!("{workload}, {rate}"),
        }
    }
}

fn where_to(on: &On) -> String {
    match on {
        On::Links(links) => links.words().to_owned(),
        On::Nodes(nodes) => names(nodes),
    }
}

/// The targets by name, or when they are many, how many there are of each role.
fn names(targets: &[Target]) -> String {
    if targets.is_empty() {
        return "nobody".to_owned();
    }
    if targets.len() <= NAMES_MAX {
        let all: Vec<String> = targets.iter().map(Target::to_string).collect();
        return all.join(", ");
    }
    let mut counts: BTreeMap<Role, usize> = BTreeMap::new();
    let mut parts = Vec::new();
    for target in targets {
        match target {
            Target::Node(node) => *counts.entry(node.role).or_default() += 1,
            whole => parts.push(whole.to_string()),
        }
    }
    parts.extend(counts.into_iter().map(|(role, count)| match count {
        1 => format!("1 {role}"),
        more => format!("{more} {role}s"),
    }));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn targets_are_named_while_they_are_few_and_counted_when_they_are_many() {
        let text = r#"
            faults = [
                { kind = "loss", on = ["chat-0", "redis"], rate = "5%", at = "1s", lasts = "1s" },
                { kind = "partition", between = ["store", "chat-1"], way = "one-way", at = "2s", lasts = "1s" },
                { kind = "partition", halves = "servers", at = "3s", lasts = "1s" },
                { kind = "reset-storm", on = "chat", with = "store", every = "100ms", at = "4s", lasts = "1s" },
                { kind = "crash", node = "chat-0", point = "chat-committed", at = "5s", lasts = "1s" },
                { kind = "clock-drift", node = "chat-0", ppm = 40, at = "6s", lasts = "1s" },
                { kind = "disk-slow", node = "log-0", times = 3, by = "2ms", at = "7s", lasts = "1s" },
            ]
        "#;
        let scenario = Scenario::from_str("test", text, &[]).expect("valid");
        let drawn = crate::faults::draw(&scenario, 1);
        let words: Vec<String> = drawn.iter().map(Drawn::target).collect();
        let halves = &words[2];
        assert!(halves.contains(" ↔ ") && halves.contains("1 log"), "{halves}");
        let others: Vec<&str> =
            words.iter().filter(|words| *words != halves).map(String::as_str).collect();
        assert_eq!(
            others,
            [
                "chat-0, redis, 5%",
                "store → chat-1",
                "chat with store, every 100ms",
                "chat-0 at chat-committed #1",
                "chat-0, +40 ppm",
                "log-0, 3 times slower plus 2ms",
            ]
        );
    }
}
