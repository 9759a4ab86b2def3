//! `--set key.path=value`: changes to the raw scenario from the command line.
//!
//! A value is a TOML value or, failing that, a bare string. Elements of arrays are addressed by
//! their `name` (`workload.groups.rate=10/s`) or by their index (`faults.0.at=5s`). Whether the
//! key exists and the value fits is for the decoder to say.

use super::explain::{did_you_mean, list};
use super::tree::{Node, Origin, Path, Value, position};

/// Applies `--set` number `number`.
pub(super) fn apply(root: &mut Node, number: usize, argument: &str) -> Result<(), String> {
    let (path, text) = split(argument)?;
    let origin = Origin::Set(number);
    let value = Node::from_toml_value(text, origin)
        .unwrap_or_else(|| Node { value: Value::Text(text.to_owned()), origin });
    let mut here = root;
    for (depth, step) in path.iter().enumerate() {
        here = child(here, &path[..depth], step, origin)?;
    }
    *here = value;
    Ok(())
}

fn split(argument: &str) -> Result<(Path, &str), String> {
    let refuse = || {
        format!(
            "`{argument}` is not a key and a value; write key=value, as in \
             workload.groups.rate=10/s"
        )
    };
    let (path, text) = argument.split_once('=').ok_or_else(refuse)?;
    let path: Path = path.trim().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(refuse());
    }
    Ok((path, text.trim()))
}

/// The value one step further down, added if a table lacks it.
fn child<'a>(
    parent: &'a mut Node,
    above: &[String],
    step: &str,
    origin: Origin,
) -> Result<&'a mut Node, String> {
    name_to_table(parent, above);
    let here = above.join(".");
    match &mut parent.value {
        Value::Table(entries) => {
            Ok(entries.entry(step.to_owned()).or_insert_with(|| absent(above, step, origin)))
        }
        Value::Array(items) => match position(items, step) {
            Some(index) => Ok(&mut items[index]),
            None => Err(no_such_element(items, &here, step)),
        },
        _ => Err(format!("`{here}` is a single value and has no `{step}`; set `{here}` itself")),
    }
}

/// A profile under `[network]` may be given as a bare name: it becomes the table that says the
/// same, so that one number of it can be set.
fn name_to_table(node: &mut Node, path: &[String]) {
    let is_profile = path.len() == 2 && path[0] == "network";
    if is_profile && matches!(node.value, Value::Text(_)) {
        let mut table = Node::table(node.origin);
        std::mem::swap(node, &mut table);
        if let Value::Table(entries) = &mut node.value {
            entries.insert("profile".to_owned(), table);
        }
    }
}

/// What stands for a key that is not there yet: the default, if that is an array, so that its elements
/// can be addressed; else an empty table.
fn absent(above: &[String], step: &str, origin: Origin) -> Node {
    let path: Vec<&str> = above.iter().map(String::as_str).chain([step]).collect();
    let default = path.iter().try_fold(&defaults(), |here, step| here.get(step)).cloned();
    match default.filter(|node| matches!(node.value, Value::Array(_))) {
        Some(array) => Node { origin, ..array },
        None => Node::table(origin),
    }
}

/// The tables that have arrays, as they are when the file says nothing.
fn defaults() -> Node {
    Node::from_json(&serde_json::json!({
        "cluster": super::Cluster::default(),
        "im": im::config::Config::default(),
        "swarm": super::Swarm::default(),
        "workload": [],
        "changes": [],
        "faults": [],
    }))
}

fn no_such_element(items: &[Node], here: &str, step: &str) -> String {
    let names: Vec<String> = items
        .iter()
        .enumerate()
        .map(|(index, item)| item.name().map_or_else(|| index.to_string(), str::to_owned))
        .collect();
    if names.is_empty() {
        return format!("there is no `{step}` in `{here}`: it is empty; add it to the file first");
    }
    let known = || names.iter().map(String::as_str);
    match did_you_mean(step, known()).as_str() {
        "" => format!("there is no `{step}` in `{here}`; it has {}", list(known())),
        hint => format!("there is no `{step}` in `{here}`{hint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, argument: &str) -> Result<Node, String> {
        let mut root = Node::from_toml(text).expect(text);
        apply(&mut root, 7, argument).map(|()| root)
    }

    fn value(root: &Node, path: &str) -> Option<Value> {
        path.split('.').try_fold(root, Node::get).map(|node| node.value.clone())
    }

    const TEXT: &str = "network.clients = \"edge\"\n[[workload]]\nname = \"groups\"\n[[faults]]\n";

    #[test]
    fn values_are_toml_or_bare_strings() {
        for (argument, expected) in [
            ("a.b=5", Value::Integer(5)),
            ("a.b = 0.5", Value::Float(0.5)),
            ("a.b=true", Value::Boolean(true)),
            ("a.b=\"5\"", Value::Text("5".into())),
            ("a.b=hybrid", Value::Text("hybrid".into())),
            ("a.b=10/s", Value::Text("10/s".into())),
            ("a.b=60s", Value::Text("60s".into())),
            ("a.b=1%", Value::Text("1%".into())),
            ("a.b=4g-good", Value::Text("4g-good".into())),
            ("a.b=device-12", Value::Text("device-12".into())),
            ("a.b=x=y", Value::Text("x=y".into())),
            ("a.b=", Value::Text(String::new())),
        ] {
            let root = set("", argument).expect(argument);
            assert_eq!(value(&root, "a.b"), Some(expected), "{argument}");
        }
    }

    #[test]
    fn elements_are_addressed_by_name_or_index() {
        let root = set(TEXT, "workload.groups.rate=10/s").expect("named");
        assert_eq!(value(&root, "workload.0.rate"), Some(Value::Text("10/s".into())));
        let root = set(TEXT, "faults.0.at=5s").expect("indexed");
        assert_eq!(value(&root, "faults.0.at"), Some(Value::Text("5s".into())));
        let root = set(TEXT, "faults=[]").expect("whole");
        assert_eq!(value(&root, "faults"), Some(Value::Array(Vec::new())));
    }

    #[test]
    fn elements_of_arrays_that_the_file_leaves_at_their_default_are_reached() {
        let text = |of: &str| Some(Value::Text(of.into()));
        let root = set("", "im.push_retry.1=7s").expect("indexed");
        let waits = ["0", "1", "2"].map(|step| value(&root, &format!("im.push_retry.{step}")));
        assert_eq!(waits, [text("1s"), text("7s"), text("5s")]);
        let root = set("im.push_retry = [\"9s\"]", "im.push_retry.0=7s").expect("written");
        assert_eq!(value(&root, "im.push_retry.0"), text("7s"));
        assert_eq!(value(&root, "im.push_retry.1"), None, "what is written is no default");
        let root = set("", "swarm.families.0=crash").expect("indexed");
        assert_eq!(value(&root, "swarm.families.0"), text("crash"));
        assert_eq!(value(&root, "swarm.families.1"), text("delay-spike"));
        for (argument, error) in [
            ("im.send_retry.3=1s", "there is no `3` in `im.send_retry`; it has `0`, `1`, `2`"),
            (
                "cluster.regions.0=eu",
                "there is no `0` in `cluster.regions`: it is empty; add it to the file first",
            ),
            (
                "changes.0.at=1s",
                "there is no `0` in `changes`: it is empty; add it to the file first",
            ),
        ] {
            assert_eq!(set("", argument), Err(error.to_owned()));
        }
    }

    /// Every array that a scenario has by default must be known here.
    #[test]
    fn no_default_array_is_forgotten() {
        let plain = r#"workload = [{ kind = "one-to-one", name = "w", pairs = 1, rate = "1/s" }]"#;
        let scenario = super::super::Scenario::from_str("plain", plain, &[]).expect("sound");
        let known = defaults();
        let mut arrays = Vec::new();
        arrays_of(&Node::from_json(&scenario.expanded()), &mut Vec::new(), &mut arrays);
        for path in arrays {
            let found = path.iter().try_fold(&known, |here, step| here.get(step));
            assert!(found.is_some(), "{}", path.join("."));
        }
    }

    fn arrays_of(node: &Node, path: &mut Path, found: &mut Vec<Path>) {
        match &node.value {
            Value::Array(_) => found.push(path.clone()),
            Value::Table(entries) => {
                for (key, below) in entries {
                    path.push(key.clone());
                    arrays_of(below, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    #[test]
    fn a_number_of_a_named_profile_can_be_set() {
        let root = set(TEXT, "network.clients.loss=1%").expect("promoted");
        assert_eq!(value(&root, "network.clients.profile"), Some(Value::Text("edge".into())));
        assert_eq!(value(&root, "network.clients.loss"), Some(Value::Text("1%".into())));
    }

    #[test]
    fn only_what_was_set_has_its_origin() {
        let root = set(TEXT, "workload.groups.rate=10/s").expect("named");
        let origin = |path: &[&str]| {
            let path: Path = path.iter().map(|step| (*step).to_owned()).collect();
            root.locate(&path).origin
        };
        assert_eq!(origin(&["workload", "0", "rate"]), Origin::Set(7));
        assert_eq!(origin(&["workload", "0", "name"]), Origin::Line(3));
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_a_remedy() {
        for (argument, error) in [
            (
                "duration",
                "`duration` is not a key and a value; write key=value, as in \
                 workload.groups.rate=10/s",
            ),
            (
                "a..b=1",
                "`a..b=1` is not a key and a value; write key=value, as in \
                 workload.groups.rate=10/s",
            ),
            (
                "workload.group.rate=1/s",
                "there is no `group` in `workload`; did you mean `groups`?",
            ),
            ("faults.3.at=1s", "there is no `3` in `faults`; it has `0`"),
            (
                "workload.groups.name.x=1",
                "`workload.groups.name` is a single value and has no `x`; set \
                 `workload.groups.name` itself",
            ),
        ] {
            assert_eq!(set(TEXT, argument), Err(error.to_owned()));
        }
        assert_eq!(
            set("", "faults.0.at=1s"),
            Err("there is no `0` in `faults`: it is empty; add it to the file first".to_owned())
        );
    }
}
