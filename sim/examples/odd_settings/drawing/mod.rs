//! From a campaign's seed and a run's number to a scenario.
//!
//! A scenario is drawn table by table, each from a random stream of its own, so that one more key in
//! a table moves nothing in the others. It is written as TOML and goes the way of any scenario file;
//! what validation refuses is drawn again, and what was refused is kept for the tally.

mod cluster;
mod dice;
mod faults;
mod im;
mod load;

use std::collections::BTreeSet;

use ::im::config::Sabotage;
use ::im::units::Span;
use imsim::engine::rng;
use imsim::scenario::{Family, Scenario, ScenarioError, settle_floor};

use dice::Dice;

/// A scenario that validation takes.
pub struct Drawn {
    /// As TOML.
    pub text: String,
    /// As it was read.
    pub scenario: Scenario,
    /// The seed to run it with.
    pub seed: u64,
    /// Promises that one of its variants is known to break.
    pub may_break: BTreeSet<&'static str>,
    /// What was drawn: keys and values.
    pub choices: Vec<(String, String)>,
    /// What was drawn before and refused.
    pub refused: Vec<Refused>,
}

/// A scenario that validation does not take.
pub struct Refused {
    /// What was drawn.
    pub choices: Vec<(String, String)>,
    /// The keys that are wrong, without the numbers of array elements, and why.
    pub problems: Vec<(String, String)>,
}

/// What a campaign demands of its scenarios.
#[derive(Clone)]
pub struct Bias {
    /// A bug to plant; then only variants that are sound without it, and more load than the cluster
    /// can take.
    pub planted: Option<Sabotage>,
    /// Faults that are drawn more often than others, and the role that they strike, if it is one.
    pub favoured: Vec<(Family, Option<&'static str>)>,
    /// Also settings that leave nobody the time that it takes: timeouts below round trips, standing loss
    /// and links that hardly let anything through, disks that are slower than whoever waits for them.
    pub wild: bool,
    /// So many times the time to settle, to tell what is late from what is lost.
    pub settle_times: u64,
}

impl Bias {
    /// Nothing.
    pub fn none() -> Self {
        Self { planted: None, favoured: Vec::new(), settle_times: 1, wild: false }
    }
}

/// What tables must know of each other.
struct Facts {
    /// Virtual time of the load.
    duration_ms: u64,
    /// Promises that may break.
    may_break: BTreeSet<&'static str>,
    bias: Bias,
    /// Conversations must be opened.
    on_open: bool,
    /// Queues in Redis, which one device per user empties.
    queues_in_redis: bool,
    redlock: bool,
    hybrid: bool,
    /// A hundred times the default costs.
    slow: bool,
    /// All hosts share so few processors.
    cores: Option<u64>,
    gateways: u64,
    chats: u64,
    dispatchers: u64,
    shards: u64,
    replicas: u64,
    sentinels: u64,
    lock_masters: u64,
    redis_clients: u64,
    regions: Vec<&'static str>,
    users: u64,
    /// Names of group workloads.
    groups: Vec<String>,
}

/// Draws a table, and tells the ones after it what they must know.
type Table = fn(&mut Dice, &mut Facts);

/// Draws the scenario of a run.
pub fn draw(campaign: u64, run: u64, bias: &Bias) -> Drawn {
    let mut refused = Vec::new();
    for attempt in 0_u64.. {
        match attempted(campaign, run, attempt, bias) {
            Ok(drawn) => return Drawn { refused, ..drawn },
            Err(wrong) => refused.push(wrong),
        }
        assert!(attempt < 1_000, "validation refuses whatever is drawn for run {run}");
    }
    unreachable!("attempts have a bound")
}

fn attempted(campaign: u64, run: u64, attempt: u64, bias: &Bias) -> Result<Drawn, Refused> {
    let dice = |table: &str| {
        let name = format!("odd settings {run} {attempt} {table}");
        Dice::new(rng::stream(campaign, &name), bias.wild)
    };
    let mut facts = Facts::new(bias);
    let mut tables = Vec::new();
    let mut choices = Vec::new();
    let order: [(&str, Table); 9] = [
        ("im", im::draw),
        ("cluster", cluster::draw),
        ("cpu", cluster::cpu),
        ("network", cluster::network),
        ("disk", cluster::disk),
        ("load", load::draw),
        ("changes", load::changes),
        ("faults", faults::draw),
        ("swarm", faults::swarm),
    ];
    for (name, of) in order {
        let mut dice = dice(name);
        of(&mut dice, &mut facts);
        choices.append(&mut dice.choices);
        tables.push(dice.text);
    }
    let mut top = dice("top");
    let slack = *top.pick("settle over its floor", &[100_u64, 100, 130, 200]);
    if top.now_and_then(30) {
        top.key("schedule", "\"random\"");
    }
    choices.append(&mut top.choices);
    let (head, body) = (top.text, tables.concat());
    let written = |settle: Span| {
        let duration = facts.duration_ms;
        format!("duration = \"{duration}ms\"\nsettle = \"{settle}\"\n{head}\n{body}")
    };
    match settled(&written, slack * bias.settle_times) {
        Ok((text, scenario)) => Ok(Drawn {
            text,
            scenario,
            seed: run,
            may_break: facts.may_break,
            choices,
            refused: Vec::new(),
        }),
        Err(problems) => Err(Refused { choices, problems }),
    }
}

/// The scenario with a `settle` that is the least that validation takes, times `slack` percent.
fn settled(
    written: &dyn Fn(Span) -> String,
    slack: u64,
) -> Result<(String, Scenario), Vec<(String, String)>> {
    let generous = read(&written(Span::s(1_000_000)))?;
    let late = generous.faults.iter().map(|fault| fault.aftermath().0).max().unwrap_or(0);
    let drawn = generous.swarm.iter().flat_map(|swarm| &swarm.families);
    let late = drawn.map(|family| family.aftermath_max().0).fold(late, u64::max);
    let mut settle = Span((settle_floor(&generous.im).0 + late) / 100 * slack);
    // Validation may have more to count than this.
    for _ in 0..20 {
        let text = written(settle);
        match read(&text) {
            Ok(scenario) => return Ok((text, scenario)),
            Err(problems) if problems.iter().all(|(key, _)| key == "settle") => {
                settle = Span(settle.0 + settle.0 / 4 + Span::ms(1).0);
            }
            Err(problems) => return Err(problems),
        }
    }
    let text = written(Span::s(1_000_000));
    Ok((text, generous))
}

fn read(text: &str) -> Result<Scenario, Vec<(String, String)>> {
    let problem = |one: &imsim::scenario::Problem| {
        let steps: Vec<&str> = one
            .key
            .split('.')
            .map(|step| if step.parse::<u32>().is_ok() { "N" } else { step })
            .collect();
        (steps.join("."), one.message.clone())
    };
    Scenario::from_str("odd-settings", text, &[]).map_err(|error| match error {
        ScenarioError::Refused(problems) => problems.iter().map(problem).collect(),
        other => vec![(String::new(), other.to_string())],
    })
}

impl Facts {
    fn new(bias: &Bias) -> Self {
        Self {
            duration_ms: 0,
            may_break: BTreeSet::new(),
            bias: bias.clone(),
            on_open: false,
            queues_in_redis: false,
            redlock: false,
            hybrid: true,
            slow: false,
            cores: None,
            gateways: 2,
            chats: 2,
            dispatchers: 2,
            shards: 2,
            replicas: 0,
            sentinels: 0,
            lock_masters: 0,
            redis_clients: 0,
            regions: Vec::new(),
            users: 0,
            groups: Vec::new(),
        }
    }

    /// A variant that is known to break promises; only where no bug is to be shown.
    fn unsound(&mut self, breaks: &[&'static str]) {
        self.may_break.extend(breaks);
    }
}
