//! The rule of "Feeding Frenzy" (Silberstein et al., SIGMOD 2010) held against the reference IM: to push
//! messages to a member pays if and only if the member consumes often enough, where "enough" follows from what
//! a push costs and what a pull costs.
//!
//! With a push of cost H for each message and member and a pull of cost L for each time that a member opens the
//! conversation, pushing is cheaper from H/L opens per message on. What a pull costs for each message that it
//! brings is no part of L, which is paid for asking; H is what a push costs more than that. H and L are measured
//! in runs of a single strategy; the crossover of the two strategies is searched for without a look at them; then
//! hybrid fan-out is given H/L as its threshold. Costs are those of servers, between the end of a warm-up and the
//! end of the load.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::AtomicBool;

use im::client::Question;
use im::env::Nanos;
use im_reports::comparison::{Crossover, CrossoverPoint, Estimate};

use super::crossover::{self, Search};
use super::statistics;
use crate::campaign;
use crate::engine::Kind;
use crate::history::What;
use crate::run::{self, Observed};
use crate::scenario::Scenario;

/// Where measuring begins, as a share of the load: by then hybrid fan-out knows members' habits, devices know
/// which conversations to ask for, and what was left to them meanwhile is pulled.
const WARM_UP: f64 = 0.6;

/// Opens per message and member in the runs that give the prices of pulls: few that bring many messages, many
/// that find nothing, and some in between.
const OPENS_PER_MESSAGE: [f64; 3] = [0.1, 0.7, 4.0];

/// Opens per second and member at which pulls cost nothing that could be measured.
const HARDLY_EVER: f64 = 0.001;

/// The key that is searched.
const CONSUME_RATE: &str = "workload.groups.consume_rate";

/// A scenario with one workload of groups, called `groups`, and one device per user.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// What it is called.
    pub name: String,
    /// The scenario.
    pub text: String,
    /// What differs from its text, as `--set` takes it.
    pub sets: Vec<String>,
    /// Messages per second in each group.
    pub produce_per_s: f64,
}

/// What the servers spent between the end of the warm-up and the end of the load, and on what.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spent {
    /// Busy time of processors, in microseconds.
    pub cpu_us: f64,
    /// Rows that the store wrote or read.
    pub rows: f64,
    /// Messages that were committed.
    pub messages: f64,
    /// Copies that were written for members: pushes, in the words of the paper.
    pub copies: f64,
    /// Times a device was answered that had opened a conversation, and got messages.
    pub pulls: f64,
    /// The same where there were none.
    pub empty_pulls: f64,
    /// Messages that pulls brought.
    pub pulled: f64,
}

/// What is held to be the cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// Busy time of processors.
    Cpu,
    /// Rows that the store touched.
    Rows,
}

/// What a push and a pull cost, and what follows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Prices {
    /// Cost of a message of which nobody hears.
    pub message: f64,
    /// H: what a push adds, per message and member, beyond `carried`.
    pub push: f64,
    /// What a pull adds for each message that it brings.
    pub carried: f64,
    /// What a pull adds that brings messages, whatever their number.
    pub full_pull: f64,
    /// What a pull adds that finds nothing.
    pub empty_pull: f64,
    /// L: the mean of the two at the rate below.
    pub pull: f64,
    /// The rate at which a member opens the conversation from which pushing is cheaper, per second.
    pub rate_per_s: f64,
}

impl Prices {
    /// The middle of every price over the seeds.
    fn middle(of: &[Self]) -> Self {
        let of = |price: fn(&Self) -> f64| middle(&of.iter().map(price).collect::<Vec<_>>());
        Self {
            message: of(|one| one.message),
            push: of(|one| one.push),
            carried: of(|one| one.carried),
            full_pull: of(|one| one.full_pull),
            empty_pull: of(|one| one.empty_pull),
            pull: of(|one| one.pull),
            rate_per_s: of(|one| one.rate_per_s),
        }
    }
}

/// What the rule says, and what is found.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What was held to be the cost.
    pub cost: Cost,
    /// From runs of a single strategy: the middle over seeds.
    pub prices: Prices,
    /// The rate that follows from the prices, seed by seed.
    pub rule: Estimate,
    /// From the search: read fan-out over write fan-out.
    pub crossover: Crossover,
    /// Hybrid fan-out over the better of the other two, at multiples of the rate that the rule gives.
    pub hybrid: Vec<(f64, Estimate)>,
}

impl Finding {
    /// Whether the intervals of the rule's rate and of the search have a rate in common.
    pub fn agrees(&self) -> bool {
        self.crossover.at.is_some_and(|at| at.low <= self.rule.high && self.rule.low <= at.high)
    }
}

impl Cost {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Rows];

    /// What it is called, with its unit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "processors, µs",
            Self::Rows => "store, rows",
        }
    }

    fn per_message(self, spent: &Spent) -> f64 {
        let cost = match self {
            Self::Cpu => spent.cpu_us,
            Self::Rows => spent.rows,
        };
        cost / spent.messages
    }
}

/// Runs one setting's variants on the same seeds, each only once.
pub struct Lab<'a> {
    setting: &'a Setting,
    seeds: &'a [u64],
    jobs: usize,
    done: BTreeMap<Vec<String>, Vec<Spent>>,
}

impl<'a> Lab<'a> {
    /// Nothing has run yet.
    pub fn new(setting: &'a Setting, seeds: &'a [u64], jobs: usize) -> Self {
        Self { setting, seeds, jobs, done: BTreeMap::new() }
    }

    /// Holds the rule against what happens, by one cost.
    pub fn examine(&mut self, cost: Cost) -> Result<Finding, String> {
        let by_seed = self.prices(cost)?;
        let rates: Vec<f64> = by_seed.iter().map(|prices| prices.rate_per_s).collect();
        let rule = statistics::median(&rates, &format!("{} by the rule", cost.name()));
        let (rule, prices) = (rule.ok_or("no seeds")?, Prices::middle(&by_seed));
        let produce = self.setting.produce_per_s;
        let search = Search {
            key: CONSUME_RATE.to_owned(),
            low: produce / 16.0,
            high: produce * 16.0,
            unit: "/s".to_owned(),
            whole: false,
        };
        let crossover =
            crossover::search(&search, cost.name(), "read", |rate| self.look(cost, rate))?;
        let percent = (100.0 * rule.mid / produce).round().max(1.0);
        let by_rule = ["im.fanout=hybrid".to_owned(), format!("im.hybrid_opens_percent={percent}")];
        let mut hybrid = Vec::new();
        for multiple in [0.25, 0.5, 1.0, 2.0, 4.0] {
            let rate = rule.mid * multiple;
            let [write, read] =
                [self.run(&write(), rate)?, self.run(&read(), rate)?].map(|of| costs(cost, &of));
            let ours = costs(cost, &self.run(&by_rule, rate)?);
            let better = write.iter().zip(&read).map(|(write, read)| write.min(*read));
            let ratios: Vec<f64> =
                ours.iter().zip(better).map(|(ours, other)| ours / other).collect();
            let name = format!("{} hybrid at {multiple}", cost.name());
            hybrid.push((multiple, statistics::median(&ratios, &name).ok_or("no seeds")?));
        }
        Ok(Finding { cost, prices, rule, crossover, hybrid })
    }

    /// H and L on each seed. A pull that finds nothing is cheaper than one that brings messages, so L depends on the rate.
    /// What each of them costs, and each message that they bring, follows from runs that have more of the one
    /// and less of the other.
    fn prices(&mut self, cost: Cost) -> Result<Vec<Prices>, String> {
        let produce = self.setting.produce_per_s;
        let (unheard, written) =
            (self.run(&read(), HARDLY_EVER)?, self.run(&write(), HARDLY_EVER)?);
        let mut pulled = Vec::new();
        for opens in OPENS_PER_MESSAGE {
            pulled.push(self.run(&read(), opens * produce)?);
        }
        let of_seed = |seed: usize| {
            let pulled: Vec<Spent> = pulled.iter().map(|of| of[seed]).collect();
            prices(cost, produce, &unheard[seed], &written[seed], &pulled)
        };
        Ok((0..self.seeds.len()).map(of_seed).collect())
    }

    /// Read fan-out over write fan-out when members open the conversation so often.
    fn look(&mut self, cost: Cost, rate: f64) -> Result<CrossoverPoint, String> {
        let [read, write] = [read(), write()].map(|sets| self.run(&sets, rate));
        let ratios: Vec<f64> = costs(cost, &read?)
            .iter()
            .zip(costs(cost, &write?))
            .map(|(read, write)| read / write)
            .collect();
        let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
        let ratio = statistics::median(&ratios, &format!("{} at {rate}", cost.name()));
        let p = statistics::signed_rank_p(&logarithms);
        Ok(CrossoverPoint { value: rate, ratio: ratio.ok_or("no seeds")?, p })
    }

    /// A variant on every seed, when members open their conversations at that rate.
    fn run(&mut self, variant: &[String], rate_per_s: f64) -> Result<Vec<Spent>, String> {
        let rate = format!("{CONSUME_RATE}={rate_per_s:.6}/s");
        let sets: Vec<String> =
            self.setting.sets.iter().chain(variant).cloned().chain([rate]).collect();
        if let Some(done) = self.done.get(&sets) {
            return Ok(done.clone());
        }
        let scenario = Scenario::from_str(&self.setting.name, &self.setting.text, &sets)
            .map_err(|error| error.to_string())?;
        let spent = run_all(&scenario, self.seeds, self.jobs)?;
        self.done.insert(sets, spent.clone());
        Ok(spent)
    }
}

/// The prices of one seed: from a run in which nobody hears of messages, one in which they are pushed, and runs in
/// which they are pulled.
fn prices(cost: Cost, produce: f64, unheard: &Spent, written: &Spent, pulled: &[Spent]) -> Prices {
    let message = cost.per_message(unheard);
    let pushed = (cost.per_message(written) - message) * written.messages / written.copies;
    let equation = |of: &Spent| {
        let factors = [of.pulled, of.pulls, of.empty_pulls].map(|count| count / of.messages);
        (factors, cost.per_message(of) - message)
    };
    let equations: Vec<([f64; 3], f64)> = pulled.iter().map(equation).collect();
    let [carried, full_pull, empty_pull] = solve(&equations);
    let push = pushed - carried;
    let opens = opens_per_message(push, full_pull, empty_pull);
    let pull = (full_pull + empty_pull * opens) / (1.0 + opens);
    Prices { message, push, carried, full_pull, empty_pull, pull, rate_per_s: opens * produce }
}

fn write() -> [String; 1] {
    ["im.fanout=write".to_owned()]
}

fn read() -> [String; 1] {
    ["im.fanout=read".to_owned()]
}

fn costs(cost: Cost, spent: &[Spent]) -> Vec<f64> {
    spent.iter().map(|of| cost.per_message(of)).collect()
}

/// The three unknowns of three linear equations, by Cramer's rule: their factors, and what they add up to.
fn solve(equations: &[([f64; 3], f64)]) -> [f64; 3] {
    let rows: [[f64; 3]; 3] = std::array::from_fn(|row| equations[row].0);
    let whole = determinant(&rows);
    std::array::from_fn(|unknown| {
        let mut replaced = rows;
        for (row, (_, sum)) in replaced.iter_mut().zip(equations) {
            row[unknown] = *sum;
        }
        determinant(&replaced) / whole
    })
}

fn determinant([[a, b, c], [d, e, f], [g, h, i]]: &[[f64; 3]; 3]) -> f64 {
    a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

/// The opens per message from which a push is the cheaper way. Opens and messages are Poisson, so of `r` opens
/// per message `r / (1 + r)` find messages, and a member's pulls cost as much as a push where
/// `full r / (1 + r) + empty r² / (1 + r) = push`: there `r` is H/L, L being the mean price of a pull.
fn opens_per_message(push: f64, full: f64, empty: f64) -> f64 {
    let half = (push - full) / (2.0 * empty);
    half + (half * half + push / empty).sqrt()
}

fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

/// One run for each seed, in their order.
fn run_all(scenario: &Scenario, seeds: &[u64], jobs: usize) -> Result<Vec<Spent>, String> {
    let mut spent = BTreeMap::new();
    let job = |seed, progress: &run::Progress| {
        let observed = run::live_through(scenario, seed, Kind::Sim, progress);
        observed.map(|observed| of_run(scenario, &observed)).map_err(|error| error.to_string())
    };
    let mut failed = None;
    let never = AtomicBool::new(false);
    campaign::run_seeds(seeds.iter().copied(), jobs, &never, job, |seed, ran| {
        match ran.and_then(|ran| ran) {
            Ok(of_seed) => drop(spent.insert(seed, of_seed)),
            Err(why) => failed = Some(format!("seed {seed}: {why}")),
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match failed {
        Some(why) => Err(why),
        None => Ok(spent.into_values().collect()),
    }
}

fn of_run(scenario: &Scenario, observed: &Observed) -> Spent {
    let load = scenario.duration.0;
    let from = (load as f64 * WARM_UP) as Nanos;
    let at = |when: Nanos| {
        let place = observed.samples.iter().position(|sample| sample.at >= when);
        &observed.samples[place.expect("a load has a sample at each whole second")]
    };
    let (before, after) = (at(from), at(load));
    let window: Range<Nanos> = observed.origin + before.at..observed.origin + after.at;
    let counted = |name: &str| {
        let of = |sample: &run::world::Sample| -> u64 {
            sample.counters.values().filter_map(|of_role| of_role.get(name)).sum()
        };
        (of(after) - of(before)) as f64
    };
    let busy = |sample: &run::world::Sample| sample.busy_ns.values().sum::<u64>() as f64;
    let events = observed.history.events.iter().filter(|event| window.contains(&event.at));
    let (mut pulls, mut empty_pulls, mut pulled) = (0.0, 0.0, 0.0);
    for event in events {
        match event.what {
            What::Answered { question: Question::Open, rows: 0, .. } => empty_pulls += 1.0,
            What::Answered { question: Question::Open, rows, .. } => {
                pulls += 1.0;
                pulled += f64::from(rows);
            }
            _ => {}
        }
    }
    Spent {
        cpu_us: (busy(after) - busy(before)) / 1e3,
        rows: counted("store_rows_written") + counted("store_rows_read"),
        messages: counted("commits"),
        copies: counted("inbox_copies"),
        pulls,
        empty_pulls,
        pulled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_solve_their_equations_and_the_rule_is_h_over_l() {
        let (carried, full, empty, push) = (0.5, 5.0, 1.0, 4.0);
        let equation = |a: f64, b: f64, c: f64| ([a, b, c], a * carried + b * full + c * empty);
        let equations =
            [equation(1.0, 0.2, 0.05), equation(0.9, 0.5, 0.5), equation(1.0, 0.8, 3.2)];
        for (found, price) in solve(&equations).into_iter().zip([carried, full, empty]) {
            assert!((found - price).abs() < 1e-9, "{found} for {price}");
        }
        let opens = opens_per_message(push, full, empty);
        let pull = (full + empty * opens) / (1.0 + opens);
        assert!((opens - push / pull).abs() < 1e-9, "{opens} opens at {pull}");
        // Where every pull costs the same, the rule needs no mean.
        assert!((opens_per_message(3.0, 2.0, 2.0) - 1.5).abs() < 1e-9);
    }
}
