//! Planted bugs in drawn scenarios that ask for more than the cluster can do: each must be caught,
//! and in a run that the same scenario without the bug survives.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use im::config::Sabotage;
use imsim::run::Progress;
use imsim::sabotages::{self, Effect};
use imsim::scenario::{Family, Fault, Scenario};

use super::Asked;
use super::drawing::{Bias, Drawn, draw};
use super::live::{Ended, Judged, live};
use super::pool::{Came, Pool};

/// What came of one run with a bug in it.
struct Tried {
    drawn: Drawn,
    /// Promises that it broke and its twin without the bug did not, if it was overloaded.
    broken: Vec<String>,
    overloaded: bool,
    /// Whether the twin broke the same promises, which then say nothing of the bug.
    twin_broke: bool,
}

/// Looks for each bug until it is caught.
pub fn campaign(asked: &Asked, name: &str, pool: &Pool) -> ExitCode {
    // A bug that only delays breaks nothing under overload, where everything is late.
    let breaking = sabotages::ALL.iter().filter(|planted| planted.effect != Effect::Delays);
    let known: Vec<Sabotage> = breaking.map(|planted| planted.bug).collect();
    let named = |bug: &Sabotage| name == "all" || bug.name() == name;
    let bugs: Vec<Sabotage> = known.iter().copied().filter(named).collect();
    if bugs.is_empty() {
        let known: Vec<&str> = known.iter().map(|bug| bug.name()).collect();
        eprintln!("no planted bug `{name}` breaks a promise; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    println!(
        "{:20} {:>6} {:>10}   caught by (first run that broke a promise, overloaded, while the same \
         without the bug held)",
        "planted bug", "runs", "overloaded"
    );
    let mut all = true;
    for bug in bugs {
        all &= hunt(asked, bug, pool);
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs scenarios with the bug in them until one reveals it.
fn hunt(asked: &Asked, bug: Sabotage, pool: &Pool) -> bool {
    let (settle_times, wild) = (asked.settle_times, asked.wild);
    let planted = Bias { planted: Some(bug), favoured: favoured(bug), settle_times, wild };
    let seed = asked.seed;
    let job = move |number, progress: &Progress| tried(draw(seed, number, &planted), progress);
    let (mut runs, mut overloaded, mut false_alarms) = (0, 0, 0);
    let mut caught: Option<(u64, Tried)> = None;
    pool.each(asked.from..asked.from + asked.most, job, |number, _, came| {
        let Came::Back(Some(tried)) = came else { return ControlFlow::Continue(()) };
        runs += 1;
        overloaded += u64::from(tried.overloaded);
        false_alarms += u64::from(tried.twin_broke);
        if !tried.broken.is_empty() && caught.is_none() {
            caught = Some((number, tried));
        }
        if caught.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let answer = match &caught {
        Some((number, tried)) => {
            let path = asked.out.join(format!("{}.toml", bug.name()));
            let _ = std::fs::create_dir_all(&asked.out);
            let written = std::fs::write(&path, &tried.drawn.text);
            let kept = if written.is_ok() { path.display().to_string() } else { String::new() };
            format!("{} in run {number}  {kept}", tried.broken.join(", "))
        }
        None => "not caught".to_owned(),
    };
    let noise = match false_alarms {
        0 => String::new(),
        count => format!("; {count} passed over, which broke the same without the bug"),
    };
    println!("{:20} {runs:6} {overloaded:10}   {answer}{noise}", bug.name());
    caught.is_some()
}

/// The faults of the shipped scenario that reveals the bug: they are drawn more often.
fn favoured(bug: Sabotage) -> Vec<(Family, Option<&'static str>)> {
    let planted = sabotages::ALL.iter().find(|planted| planted.bug == bug).expect("each is known");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let shipped = Scenario::load(&folder.join(planted.scenario), &[]);
    let shipped = shipped.unwrap_or_else(|error| panic!("{error}"));
    let of = |fault: &Fault| {
        let role = fault.holds(&shipped).first().map(|hold| hold.node.role.name());
        (fault.family(), role)
    };
    shipped.faults.iter().map(of).collect()
}

fn tried(drawn: Drawn, progress: &Progress) -> Option<Tried> {
    let Ended::Judged(with_bug) = live(&drawn, progress) else { return None };
    let overloaded = with_bug.was_overloaded();
    let none = Tried { drawn, broken: Vec::new(), overloaded, twin_broke: false };
    if with_bug.broken.is_empty() || !overloaded {
        return Some(none);
    }
    let mut twin = none.drawn.scenario.clone();
    twin.im.sabotage = Sabotage::None;
    let twin = Drawn {
        scenario: twin,
        text: String::new(),
        seed: none.drawn.seed,
        may_break: Default::default(),
        choices: Vec::new(),
        refused: Vec::new(),
    };
    match live(&twin, progress) {
        Ended::Judged(Judged { broken: without_bug, .. }) => {
            let by_bug = |(id, _): &(String, String)| without_bug.iter().all(|(one, _)| one != id);
            let broken: Vec<_> =
                with_bug.broken.into_iter().filter(by_bug).map(|(id, _)| id).collect();
            let twin_broke = broken.is_empty();
            Some(Tried { broken, twin_broke, ..none })
        }
        _ => Some(Tried { twin_broke: true, ..none }),
    }
}
