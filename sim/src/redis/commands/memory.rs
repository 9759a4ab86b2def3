//! `MEMORY`, and what `OBJECT` and `INFO` tell of memory and of uses.

use super::super::instance::Instance;
use super::super::values::size;
use super::flags::READ;
use super::{Command, Context, Failure, Keys, Reply, command, container};
use crate::redis::number::integer;

pub(super) const TABLE: &[Command] = &[container("memory", -2, MEMORY)];

const MEMORY: &[Command] = &[
    command("doctor", 2, 0, Keys::None, doctor),
    command("purge", 2, 0, Keys::None, purge),
    command("usage", -3, READ, Keys::Range(2, 2, 1), usage),
];

fn doctor(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Text("Memory is estimated here: there is nothing to be found.\n".to_owned()))
}

fn purge(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::OK)
}

fn usage(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let mut options = words[3..].iter();
    while let Some(option) = options.next() {
        let value = options.next().filter(|_| option.eq_ignore_ascii_case(b"samples"));
        let samples = integer(value.ok_or(Failure::Syntax)?).ok_or(Failure::NotAnInteger)?;
        if samples < 0 {
            return Err(Failure::Syntax);
        }
    }
    let key = &words[2];
    let value = context.db().look(key);
    Ok(value.map_or(Reply::Null, |value| Reply::count(size::of_entry(key, value))))
}

fn counts_uses(context: &Context<'_>) -> bool {
    context.instance.config.text("maxmemory-policy").ends_with(b"-lfu")
}

pub(super) fn idletime(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    let Some(used_ms) = context.db().used_ms(&words[2]) else { return Ok(Reply::Null) };
    if counts_uses(context) {
        return Err(Failure::text(
            "An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    Ok(Reply::Integer(now_ms / 1000 - used_ms / 1000))
}

/// Uses are not counted.
pub(super) fn freq(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if context.db().used_ms(&words[2]).is_none() {
        return Ok(Reply::Null);
    }
    if counts_uses(context) {
        return Ok(Reply::Integer(0));
    }
    Err(Failure::text(
        "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
         when switching between policies at runtime LRU and LFU data will take some time to adjust.",
    ))
}

/// The section of `INFO`.
pub(super) fn info(context: &Context<'_>) -> String {
    let instance = &*context.instance;
    let (used, empty) = (instance.used_memory(), Instance::empty_memory());
    let setting = |name| String::from_utf8_lossy(instance.config.text(name)).into_owned();
    let limit = setting("maxmemory");
    let dataset = used.saturating_sub(empty);
    [
        ("used_memory", used.to_string()),
        ("used_memory_human", human(used)),
        ("used_memory_rss", used.to_string()),
        ("used_memory_rss_human", human(used)),
        ("used_memory_peak", used.to_string()),
        ("used_memory_peak_human", human(used)),
        ("used_memory_startup", empty.to_string()),
        ("used_memory_dataset", dataset.to_string()),
        ("maxmemory", limit.clone()),
        ("maxmemory_human", human(limit.parse().unwrap_or(0))),
        ("maxmemory_policy", setting("maxmemory-policy")),
        ("mem_fragmentation_ratio", "1.00".to_owned()),
        ("mem_allocator", "imsim".to_owned()),
    ]
    .iter()
    .map(|(name, value)| format!("{name}:{value}\r\n"))
    .collect()
}

fn human(bytes: usize) -> String {
    match (bytes, bytes as f64) {
        (0..0x400, _) => format!("{bytes}B"),
        (0..0x10_0000, size) => format!("{:.2}K", size / 1024.0),
        (0..0x4000_0000, size) => format!("{:.2}M", size / f64::from(1 << 20)),
        (_, size) => format!("{:.2}G", size / f64::from(1 << 30)),
    }
}
