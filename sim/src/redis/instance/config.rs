//! The settings that `CONFIG` reads and writes: one table of their names, kinds and defaults.
//!
//! It checks values and keeps them as texts; what a setting does is done by whoever asks for it.

use std::collections::BTreeMap;

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// `yes` or `no`.
    Switch,
    /// A number from one to another.
    Number(i64, i64),
    /// A number of bytes.
    Memory,
    /// Times, and numbers of changes.
    Saves,
    /// Letters for kinds of events.
    Events,
    /// A number that is brought between one and another.
    Clamped(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything.
    Text,
    /// What was chosen at the start.
    Fixed,
}

use Kind::{Choice, Clamped, Events, Fixed, Memory, Number, Saves, Switch, Text};

/// The largest number that an `int` of C holds.
const INT_MAX: i64 = i32::MAX as i64;

const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

/// A setting: its name, its older name, what it may be, what it is at first.
type Entry = (&'static str, &'static str, Kind, &'static str);

const TABLE: &[Entry] = &[
    ("activedefrag", "", Switch, "no"),
    ("appendfilename", "", Fixed, "appendonly.aof"),
    ("appendfsync", "", Choice(&["everysec", "always", "no"]), "everysec"),
    ("appendonly", "", Switch, "no"),
    ("busy-reply-threshold", "lua-time-limit", Number(0, i64::MAX), "5000"),
    (
        "client-output-buffer-limit",
        "",
        Text,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    ("databases", "", Fixed, "16"),
    ("dbfilename", "", Text, "dump.rdb"),
    ("hash-max-listpack-entries", "hash-max-ziplist-entries", Number(0, i64::MAX), "512"),
    ("hash-max-listpack-value", "hash-max-ziplist-value", Number(0, i64::MAX), "64"),
    ("hz", "", Clamped(1, 500), "10"),
    ("latency-monitor-threshold", "", Number(0, i64::MAX), "0"),
    ("list-compress-depth", "", Number(0, INT_MAX), "0"),
    ("list-max-listpack-size", "list-max-ziplist-size", Number(-INT_MAX - 1, INT_MAX), "-2"),
    ("masterauth", "", Text, ""),
    ("masteruser", "", Text, ""),
    ("maxclients", "", Number(1, u32::MAX as i64), "10000"),
    ("maxmemory", "", Memory, "0"),
    ("maxmemory-policy", "", Choice(POLICIES), "noeviction"),
    ("maxmemory-samples", "", Number(1, INT_MAX), "5"),
    ("min-replicas-max-lag", "min-slaves-max-lag", Number(0, INT_MAX), "10"),
    ("min-replicas-to-write", "min-slaves-to-write", Number(0, INT_MAX), "0"),
    ("notify-keyspace-events", "", Events, ""),
    ("port", "", Fixed, "6379"),
    ("proto-max-bulk-len", "", Memory, "536870912"),
    ("repl-backlog-size", "", Memory, "1048576"),
    ("repl-diskless-sync", "", Switch, "yes"),
    ("repl-diskless-sync-delay", "", Number(0, INT_MAX), "5"),
    ("repl-ping-replica-period", "repl-ping-slave-period", Number(1, INT_MAX), "10"),
    ("repl-timeout", "", Number(1, INT_MAX), "60"),
    ("replica-announced", "", Switch, "yes"),
    ("replica-priority", "slave-priority", Number(0, INT_MAX), "100"),
    ("replica-read-only", "slave-read-only", Switch, "yes"),
    ("replica-serve-stale-data", "slave-serve-stale-data", Switch, "yes"),
    ("replicaof", "slaveof", Fixed, ""),
    ("requirepass", "", Text, ""),
    ("save", "", Saves, ""),
    ("set-max-intset-entries", "", Number(0, i64::MAX), "512"),
    ("slowlog-log-slower-than", "", Number(-1, i64::MAX), "10000"),
    ("slowlog-max-len", "", Number(0, i64::MAX), "128"),
    ("stream-node-max-bytes", "", Memory, "4096"),
    ("stream-node-max-entries", "", Number(0, i64::MAX), "100"),
    ("tcp-keepalive", "", Number(0, INT_MAX), "300"),
    ("timeout", "", Number(0, INT_MAX), "0"),
    ("zset-max-listpack-entries", "zset-max-ziplist-entries", Number(0, i64::MAX), "128"),
    ("zset-max-listpack-value", "zset-max-ziplist-value", Number(0, i64::MAX), "64"),
];

/// Settings that the simulator reads at the start only.
const STILL: [&str; 3] = ["appendfsync", "appendonly", "port"];

/// The settings of an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// What the server was started with.
    started: BTreeMap<&'static str, Vec<u8>>,
    /// What was set since.
    changed: BTreeMap<&'static str, Vec<u8>>,
}

impl Config {
    /// Names, old ones too, with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        TABLE.iter().flat_map(|entry| {
            let names = [entry.0, entry.1].into_iter().filter(|name| !name.is_empty());
            names.map(|name| (name, self.of(entry)))
        })
    }

    fn of(&self, entry: &'static Entry) -> &[u8] {
        let set = self.changed.get(entry.0).or_else(|| self.started.get(entry.0));
        set.map_or(entry.3.as_bytes(), Vec::as_slice)
    }

    /// The value of a setting that there is.
    pub(crate) fn text(&self, name: &str) -> &[u8] {
        self.of(find(name.as_bytes()).expect("only settings of the table are asked for"))
    }

    /// The value of a setting that is a number.
    pub(crate) fn number(&self, name: &str) -> i64 {
        let text = std::str::from_utf8(self.text(name)).expect("numbers are written in ASCII");
        text.parse().expect("it was checked when it was set")
    }

    /// What was set since the start.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.changed.iter().map(|(name, value)| (*name, value.as_slice()))
    }

    /// The server is started with this.
    pub(crate) fn begin_with(&mut self, name: &'static str, value: String) {
        self.started.insert(name, value.into_bytes());
    }

    /// Sets what there is by this name; or says why not.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) -> Result<&'static str, String> {
        let entry = find(name).ok_or("")?;
        let value = checked(entry.2, value)?;
        if STILL.contains(&entry.0) && value != self.of(entry) {
            return Err("changing it is not simulated".to_owned());
        }
        self.changed.insert(entry.0, value);
        Ok(entry.0)
    }
}

/// The one name of a setting, if there is one by this or an older name.
pub(crate) fn name_of(name: &[u8]) -> Option<&'static str> {
    find(name).map(|entry| entry.0)
}

fn find(name: &[u8]) -> Option<&'static Entry> {
    let is = |other: &str| !other.is_empty() && other.as_bytes().eq_ignore_ascii_case(name);
    TABLE.iter().find(|entry| is(entry.0) || is(entry.1))
}

/// The value as it is told.
fn checked(kind: Kind, value: &[u8]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(value);
    match kind {
        Fixed => Err("can't set immutable config".into()),
        Text => Ok(value.to_vec()),
        Switch if text.eq_ignore_ascii_case("yes") => Ok(b"yes".to_vec()),
        Switch if text.eq_ignore_ascii_case("no") => Ok(b"no".to_vec()),
        Switch => Err("argument must be 'yes' or 'no'".into()),
        Choice(words) => {
            let chosen = words.iter().find(|word| word.eq_ignore_ascii_case(&text));
            let chosen = chosen.map(|word| word.as_bytes().to_vec());
            chosen.ok_or_else(|| {
                format!("argument(s) must be one of the following: {}", words.join(", "))
            })
        }
        Saves => {
            let numbers: Vec<&str> = text.split_ascii_whitespace().collect();
            let good = numbers.iter().all(|one| one.parse::<u32>().is_ok());
            match good && numbers.len().is_multiple_of(2) {
                true => Ok(numbers.join(" ").into_bytes()),
                false => Err("Invalid save parameters".into()),
            }
        }
        Events => events(&text)
            .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
        Clamped(least, most) => {
            let number = whole(&text)?.clamp(least, most);
            Ok(number.to_string().into_bytes())
        }
        Number(least, most) => {
            let number = whole(&text)?;
            match (least..=most).contains(&number) {
                true => Ok(number.to_string().into_bytes()),
                false => Err(format!("argument must be between {least} and {most} inclusive")),
            }
        }
        Memory => {
            let bytes = memory(&text).ok_or("argument must be a memory value")?;
            Ok(bytes.to_string().into_bytes())
        }
    }
}

fn whole(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "argument couldn't be parsed into an integer")
}

/// Kinds of events in the order in which they are told; `A` stands for most of them.
fn events(text: &str) -> Option<Vec<u8>> {
    const ALL: &str = "g$lshzxetd";
    if !text.chars().all(|letter| "AKEmn".contains(letter) || ALL.contains(letter)) {
        return None;
    }
    let named =
        |letter: char| text.contains(letter) || (text.contains('A') && ALL.contains(letter));
    let kinds = if ALL.chars().all(named) {
        "A".to_owned()
    } else {
        ALL.chars().filter(|letter| named(*letter)).collect()
    };
    let others = "KEmn".chars().filter(|letter| text.contains(*letter));
    Some(kinds.chars().chain(others).collect::<String>().into_bytes())
}

/// A number of bytes, perhaps with a unit.
fn memory(text: &str) -> Option<i64> {
    let end = text.find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[end..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<i64>().ok()?.checked_mul(unit)
}
