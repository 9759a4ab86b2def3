//! From a file to a scenario: parse raw, apply `--set`, decode each table, validate.
//!
//! Each table is decoded on its own, so that one wrong table does not hide the errors of the next.

use std::fs;
use std::io::ErrorKind;
use std::path::Path as FilePath;

use serde::de::DeserializeOwned;

use super::cpu::{self, Unusable};
use super::decode::{Tagged, decode, decode_tagged};
use super::error::{Place, Problem, ScenarioError, is_harmful};
use super::explain::{did_you_mean, list, nearest};
use super::refusal::Refusal;
use super::tree::{Located, Node, Origin, Path, Value};
use super::validate::validate;
use super::{Cpu, Scenario, default_duration, default_settle, sets};

/// Every key of the file's top level.
const KEYS: [&str; 16] = [
    "about",
    "duration",
    "settle",
    "schedule",
    "cluster",
    "im",
    "network",
    "disk",
    "cpu",
    "population",
    "workload",
    "redis_clients",
    "changes",
    "faults",
    "swarm",
    "expect",
];

impl Scenario {
    /// Loads a scenario file and changes it by `sets`, each `key.path=value`.
    pub fn load(path: &FilePath, sets: &[String]) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => {
                ScenarioError::Missing { path: file.clone(), meant: meant(path) }
            }
            _ => ScenarioError::Unreadable { path: file.clone(), source },
        })?;
        parse(&file, &name_of(path), &text, sets)
    }

    /// Reads a scenario from TOML text; in errors, `name` stands for the file.
    pub fn from_str(name: &str, text: &str, sets: &[String]) -> Result<Self, ScenarioError> {
        parse(name, name, text, sets)
    }

    /// Reads back what [`Scenario::expanded`] wrote, for a replay.
    pub fn from_expanded(name: &str, expanded: &serde_json::Value) -> Result<Self, ScenarioError> {
        Reader { file: name, sets: &[], root: Node::from_json(expanded), problems: vec![] }
            .read(name)
    }
}

fn parse(file: &str, name: &str, text: &str, sets: &[String]) -> Result<Scenario, ScenarioError> {
    let root =
        Node::from_toml(text).map_err(|errors| ScenarioError::Refused(not_toml(file, errors)))?;
    let mut reader = Reader { file, sets, root, problems: vec![] };
    reader.apply_sets();
    reader.read(name)
}

/// The name of a scenario: its file's without extension, as the name of a folder within another one.
fn name_of(path: &FilePath) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let only_dots = stem.chars().all(|c| c == '.');
    let plain = |c: char| if is_harmful(c) || (only_dots && c == '.') { '_' } else { c };
    stem.chars().map(plain).collect()
}

/// A sentence over several lines is one sentence.
fn in_one_line(about: String) -> String {
    match about.contains(['\n', '\r', '\t']) {
        true => about.split_whitespace().collect::<Vec<_>>().join(" "),
        false => about,
    }
}

/// The problems of a text that is not TOML.
pub(super) fn not_toml(file: &str, mut errors: Vec<(usize, String)>) -> Vec<Problem> {
    // What comes after an error in the same line is a consequence of it more often than not.
    errors.dedup_by_key(|(line, _)| *line);
    let problem = |(line, words): (usize, String)| Problem {
        place: Place::File { file: file.to_owned(), line: Some(line) },
        key: String::new(),
        message: format!("this is not TOML: {words}"),
    };
    errors.into_iter().map(problem).collect()
}

/// A file beside the missing one whose name is close to it.
fn meant(path: &FilePath) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name()?.to_str()?;
    let listing = fs::read_dir(folder.unwrap_or(FilePath::new("."))).ok()?;
    let mut names: Vec<String> =
        listing.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|candidate| candidate.ends_with(".toml"));
    names.sort();
    let known = names.iter().map(String::as_str);
    let near = nearest(name, known)?;
    Some(path.with_file_name(near).display().to_string())
}

/// The raw scenario on its way to the checked one, and what was found wrong so far.
struct Reader<'a> {
    file: &'a str,
    sets: &'a [String],
    root: Node,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn apply_sets(&mut self) {
        for (number, argument) in self.sets.iter().enumerate() {
            if let Err(message) = sets::apply(&mut self.root, number, argument) {
                let place = Place::Set(argument.clone());
                self.problems.push(Problem { place, key: String::new(), message });
            }
        }
    }

    fn read(mut self, name: &str) -> Result<Scenario, ScenarioError> {
        let scenario = Scenario {
            name: name.to_owned(),
            about: self.table("about").map(in_one_line).unwrap_or_default(),
            duration: self.table("duration").unwrap_or_else(default_duration),
            settle: self.table("settle").unwrap_or_else(default_settle),
            schedule: self.table("schedule").unwrap_or_default(),
            cluster: self.table("cluster").unwrap_or_default(),
            im: self.table("im").unwrap_or_default(),
            network: self.table("network").unwrap_or_default(),
            disk: self.table("disk").unwrap_or_default(),
            cpu: self.cpu().unwrap_or_default(),
            population: self.table("population").unwrap_or_default(),
            workload: self.tables("workload"),
            redis_clients: self.table("redis_clients"),
            changes: self.table("changes").unwrap_or_default(),
            faults: self.tables("faults"),
            swarm: self.table("swarm"),
            expect: self.table("expect").unwrap_or_default(),
        };
        self.refuse_unknown_keys();
        // Only what was decoded in full can be judged: a default in the place of a wrong table
        // would be blamed for what it does not say.
        if self.problems.is_empty() {
            for violation in validate(&scenario) {
                let problem = self.problem(&violation.keys, violation.message);
                self.problems.push(problem);
            }
        }
        match self.problems.is_empty() {
            true => Ok(scenario),
            false => {
                self.problems.sort_by_key(|problem| problem.place.line());
                Err(ScenarioError::Refused(self.problems))
            }
        }
    }

    /// A top-level key; `None` if it is absent or wrong.
    fn table<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let decoded = decode(self.root.get(key)?);
        self.accept(decoded, &[key.to_owned()])
    }

    /// A top-level array of tagged tables, without those that are wrong.
    fn tables<T: Tagged>(&mut self, key: &str) -> Vec<T> {
        let Some(array) = self.root.get(key) else { return Vec::new() };
        if !matches!(array.value, Value::Array(_)) {
            let message =
                format!("this is not a list of tables; write [[{key}]] above each of them");
            let problem = self.problem(&[vec![key.to_owned()]], message);
            self.problems.push(problem);
            return Vec::new();
        }
        let decoded: Vec<Result<T, Refusal>> = array.items().iter().map(decode_tagged).collect();
        let numbered = decoded.into_iter().enumerate();
        numbered
            .filter_map(|(index, item)| self.accept(item, &[key.to_owned(), index.to_string()]))
            .collect()
    }

    /// The `[cpu]` table, its calibration read; `None` if it is absent or wrong.
    fn cpu(&mut self) -> Option<Cpu> {
        let written: cpu::Written = self.table("cpu")?;
        let folder = FilePath::new(self.file).parent().unwrap_or(FilePath::new(""));
        match written.resolve(folder) {
            Ok(cpu) => return Some(cpu),
            Err(Unusable::File(problems)) => self.problems.extend(problems),
            Err(Unusable::Choice(message)) => {
                let key = ["cpu", "calibration"].map(str::to_owned).to_vec();
                let problem = self.problem(&[key], message);
                self.problems.push(problem);
            }
        }
        None
    }

    fn accept<T>(&mut self, decoded: Result<T, Refusal>, above: &[String]) -> Option<T> {
        match decoded {
            Ok(value) => Some(value),
            Err(refusal) => {
                let (inner, message) = refusal.into_parts();
                let problem = self.problem(&[[above, &inner].concat()], message);
                self.problems.push(problem);
                None
            }
        }
    }

    fn refuse_unknown_keys(&mut self) {
        let Value::Table(entries) = &self.root.value else { return };
        let unknown: Vec<Path> = entries
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
            .map(|key| vec![key.clone()])
            .collect();
        for path in unknown {
            let hint = did_you_mean(&path[0], KEYS);
            let message = match hint.as_str() {
                "" => format!("there is no such key; the keys here are {}", list(KEYS)),
                hint => format!("there is no such key{hint}"),
            };
            let problem = self.problem(&[path], message);
            self.problems.push(problem);
        }
    }

    /// A problem with the first of these keys, in which the others have a part. If one of them came
    /// from a `--set`, that one is to blame; else the first one that stands in the file; else the
    /// table in which the first one is missing.
    fn problem(&self, keys: &[Path], message: String) -> Problem {
        let all: Vec<Located> = keys.iter().map(|path| self.root.locate(path)).collect();
        let written = || all.iter().filter(|located| located.present);
        let set = written().find(|located| matches!(located.origin, Origin::Set(_)));
        let place = match set.or_else(|| written().next()).unwrap_or(&all[0]).origin {
            Origin::Set(number) => Place::Set(self.sets[number].clone()),
            Origin::Line(line) => Place::File { file: self.file.into(), line: Some(line) },
            Origin::Nowhere => Place::File { file: self.file.into(), line: None },
        };
        Problem { place, key: all[0].key.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_the_folder_it_is_for() {
        for (path, name) in [
            ("scenarios/quickstart.toml", "quickstart"),
            ("a.b.toml", "a.b"),
            ("...toml", "__"),
            ("x/..toml", "_"),
            ("....toml", "___"),
            (".toml", ".toml"),
            ("bell\u{7}.toml", "bell_"),
        ] {
            assert_eq!(name_of(FilePath::new(path)), name, "{path}");
        }
    }
}
