//! What came of the campaign: how runs ended, what was refused, what was drawn how often.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use imsim::campaign::digest_of;

use super::drawing::Drawn;
use super::live::{Ended, Judged};
use super::pool::Came;

/// Of each kind of trouble so many runs are named.
const NAMED: usize = 12;
/// So many of the dearest runs are named.
const DEAREST: usize = 5;

/// The tally of a campaign.
pub struct Tally {
    out: PathBuf,
    seed: u64,
    runs: u64,
    digests: BTreeMap<u64, String>,
    held: u64,
    overloaded: u64,
    nothing_owed: u64,
    /// Kind of ending, to (run, what was seen).
    trouble: BTreeMap<Kind, Vec<(u64, String)>>,
    not_set_up: BTreeMap<String, Vec<u64>>,
    /// Key and value, to how often they ran and how often they were refused.
    values: BTreeMap<(String, String), [u64; 2]>,
    refusals: BTreeMap<String, (u64, String)>,
    wall_s: f64,
    dearest: Vec<(f64, u64, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Violation,
    Panic,
    Hang,
    TooLong,
    Forgiven,
    Undecided,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Violation => "broke a promise",
            Self::Panic => "panicked",
            Self::Hang => "hung at one instant",
            Self::TooLong => "took too long",
            Self::Forgiven => "broke what a variant of theirs is known to break",
            Self::Undecided => "were undecided",
        }
    }

    /// Whether there must be none.
    fn counts(self) -> bool {
        matches!(self, Self::Violation | Self::Panic | Self::Hang | Self::TooLong)
    }
}

impl Tally {
    pub fn new(out: &Path, seed: u64) -> Self {
        Self {
            out: out.to_owned(),
            seed,
            runs: 0,
            digests: BTreeMap::new(),
            held: 0,
            overloaded: 0,
            nothing_owed: 0,
            trouble: BTreeMap::new(),
            not_set_up: BTreeMap::new(),
            values: BTreeMap::new(),
            refusals: BTreeMap::new(),
            wall_s: 0.0,
            dearest: Vec::new(),
        }
    }

    /// Takes a run in.
    pub fn add(&mut self, number: u64, wall_s: f64, came: Came<(Drawn, Ended)>) {
        self.runs += 1;
        self.wall_s += wall_s;
        match came {
            Came::Never(clock) => self.note(Kind::Hang, number, stopped_at(clock), None),
            Came::TooLong((drawn, _), clock) => {
                self.note(Kind::TooLong, number, stopped_at(clock), Some(&drawn));
            }
            Came::Back((drawn, ended)) => {
                self.count_values(&drawn);
                match ended {
                    Ended::Judged(judged) => self.judged(number, wall_s, &drawn, &judged),
                    Ended::Panicked(what) => self.note(Kind::Panic, number, what, Some(&drawn)),
                    Ended::NotSetUp(why) => self.not_set_up.entry(why).or_default().push(number),
                    Ended::Stopped => unreachable!("it came back by itself"),
                }
            }
        }
    }

    fn judged(&mut self, number: u64, wall_s: f64, drawn: &Drawn, judged: &Judged) {
        self.dearest.push((wall_s, judged.events, number));
        self.dearest.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.dearest.truncate(DEAREST);
        self.digests.insert(number, judged.digest.clone());
        self.overloaded += u64::from(judged.was_overloaded());
        self.nothing_owed += u64::from(judged.owed == 0);
        let allowed = |id: &str| drawn.may_break.contains(id);
        let unforgiven: Vec<&(String, String)> =
            judged.broken.iter().filter(|(id, _)| !allowed(id)).collect();
        if !unforgiven.is_empty() {
            let all: Vec<String> =
                unforgiven.iter().map(|(id, example)| format!("{id}: {example}")).collect();
            self.note(Kind::Violation, number, all.join("; "), Some(drawn));
        } else if !judged.broken.is_empty() {
            let all: Vec<&str> = judged.broken.iter().map(|(id, _)| id.as_str()).collect();
            self.note(Kind::Forgiven, number, all.join(", "), None);
        } else if !judged.undecided.is_empty() {
            self.note(Kind::Undecided, number, judged.undecided.join(", "), None);
        } else {
            self.held += 1;
        }
    }

    /// Keeps a trouble, and the scenario of it where it must not be.
    fn note(&mut self, kind: Kind, number: u64, what: String, drawn: Option<&Drawn>) {
        let mut told = what.clone();
        if let Some(drawn) = drawn.filter(|_| kind.counts()) {
            let path = self.out.join(format!("run-{number}.toml"));
            let replay = format!("imsim run {} --seed {}", path.display(), drawn.seed);
            let text = format!(
                "# Campaign {}, run {number}: {}.\n#\n#   {replay}\n\n{}",
                self.seed,
                what.replace('\n', " "),
                drawn.text
            );
            let written = fs::create_dir_all(&self.out).and_then(|()| fs::write(&path, text));
            match written {
                Ok(()) => told += &format!("\n      {replay}"),
                Err(error) => told += &format!("\n      {} not written: {error}", path.display()),
            }
        }
        if kind.counts() {
            eprintln!("run {number} {}: {told}", kind.words());
        }
        self.trouble.entry(kind).or_default().push((number, told));
    }

    fn count_values(&mut self, drawn: &Drawn) {
        for (key, value) in &drawn.choices {
            self.values.entry((key.clone(), value.clone())).or_default()[0] += 1;
        }
        for refused in &drawn.refused {
            for (key, value) in &refused.choices {
                self.values.entry((key.clone(), value.clone())).or_default()[1] += 1;
            }
            for (key, message) in &refused.problems {
                let kept = self.refusals.entry(key.clone()).or_insert((0, message.clone()));
                kept.0 += 1;
            }
        }
    }

    /// A line on stderr now and then.
    pub fn tell_progress(&self, total: u64) {
        if self.runs.is_multiple_of(100) && self.runs < total {
            let bad: usize = self.counted().map(|(_, runs)| runs.len()).sum();
            eprintln!(
                "{} of {total} runs, {bad} in trouble, {:.2} s a run",
                self.runs,
                self.wall_s / self.runs as f64
            );
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&Kind, &Vec<(u64, String)>)> {
        self.trouble.iter().filter(|(kind, _)| kind.counts())
    }

    /// Whether nothing happened that must not.
    pub fn is_clean(&self) -> bool {
        self.counted().next().is_none()
    }

    /// The answer, in words.
    pub fn told(&self, values: bool) -> String {
        let mut text = format!(
            "{} runs of campaign {}: {} held; {} overloaded, in {} nothing was owed; {:.2} s wall a \
             run\n  digest {:016x} over all that were judged\n",
            self.runs,
            self.seed,
            self.held,
            self.overloaded,
            self.nothing_owed,
            self.wall_s / self.runs.max(1) as f64,
            digest_of(self.digests.iter().map(|(number, digest)| (*number, digest.as_str())))
        );
        for (kind, runs) in &self.trouble {
            let _ = writeln!(text, "\n{} {}:", runs.len(), kind.words());
            for (number, what) in runs.iter().take(NAMED) {
                let _ = writeln!(text, "  run {number}: {what}");
            }
            if runs.len() > NAMED {
                let _ = writeln!(text, "  and {} more", runs.len() - NAMED);
            }
        }
        if !self.not_set_up.is_empty() {
            text += "\nThe cluster did not come up:\n";
        }
        for (why, runs) in &self.not_set_up {
            let first: Vec<String> = runs.iter().take(NAMED).map(u64::to_string).collect();
            let _ = writeln!(text, "  {} × {why} (runs {})", runs.len(), first.join(", "));
        }
        text += "\nRefused by validation and drawn again, by key:\n";
        for (key, (count, example)) in &self.refusals {
            let _ = writeln!(text, "  {count:6} {key}: {example}");
        }
        self.tell_dearest(&mut text);
        self.tell_values(&mut text, values);
        text
    }

    fn tell_dearest(&self, text: &mut String) {
        *text += "\nThe dearest runs:\n";
        for (wall_s, events, number) in &self.dearest {
            let _ = writeln!(text, "  run {number}: {wall_s:.1} s wall, {events} events");
        }
    }

    /// Values that never ran, and all of them if asked for.
    fn tell_values(&self, text: &mut String, all: bool) {
        let never: Vec<String> = self
            .values
            .iter()
            .filter(|(_, [ran, _])| *ran == 0)
            .map(|((key, value), [_, refused])| format!("{key} = {value} ({refused} × refused)"))
            .collect();
        let _ = writeln!(
            text,
            "\n{} values were drawn, of which {} never ran",
            self.values.len(),
            never.len()
        );
        for one in never {
            let _ = writeln!(text, "  {one}");
        }
        if all {
            *text += "\nHow often each value ran, and how often it was in a scenario that was refused:\n";
            for ((key, value), [ran, refused]) in &self.values {
                let _ = writeln!(text, "  {ran:6} {refused:6}  {key} = {value}");
            }
        }
    }

    /// Every trouble in full.
    pub fn findings(&self) -> String {
        let mut text = String::new();
        for (kind, runs) in &self.trouble {
            for (number, what) in runs {
                let _ = writeln!(text, "run {number} {}: {what}", kind.words());
            }
        }
        text
    }
}

fn stopped_at(clock_ns: u64) -> String {
    format!("its clock stood at {:.3} s after the start of the load", clock_ns as f64 / 1e9)
}
