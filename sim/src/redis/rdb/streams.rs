//! Streams in snapshots.

use std::collections::BTreeMap;

use super::Damaged;
use super::wire::{Source, length, string};
use crate::redis::values::Stream;
use crate::redis::values::stream::{Group, Id, Parts, Pending};

/// Writes a stream behind its key.
pub(super) fn write(out: &mut Vec<u8>, stream: &Stream) {
    let parts = stream.parts();
    length(out, parts.nodes.len());
    for (first, bytes) in &parts.nodes {
        string(out, &first.bytes());
        string(out, bytes);
    }
    length(out, parts.len);
    [parts.last_id, parts.first_id, parts.max_deleted_id].iter().for_each(|id| write_id(out, *id));
    number(out, parts.entries_added);
    length(out, parts.groups.len());
    for (name, group) in &parts.groups {
        string(out, name);
        write_group(out, group);
    }
}

fn write_group(out: &mut Vec<u8>, group: &Group) {
    write_id(out, group.last_id);
    number(out, group.entries_read.unwrap_or(-1));
    length(out, group.pending().len());
    for (id, pending) in group.pending() {
        out.extend(id.bytes());
        out.extend(pending.delivered_ms.to_le_bytes());
        number(out, pending.deliveries);
    }
    length(out, group.consumers().len());
    for (name, consumer) in group.consumers() {
        string(out, name);
        out.extend(consumer.seen_ms.to_le_bytes());
        length(out, consumer.pending().len());
        consumer.pending().iter().for_each(|id| out.extend(id.bytes()));
    }
}

fn number(out: &mut Vec<u8>, number: i64) {
    length(out, number as usize);
}

fn write_id(out: &mut Vec<u8>, id: Id) {
    length(out, id.ms as usize);
    length(out, id.seq as usize);
}

/// Reads a stream that has so many nodes.
pub(super) fn read(nodes: usize, from: &mut Source<'_>) -> Result<Stream, Damaged> {
    let mut parts = Parts::default();
    for _ in 0..nodes {
        let first = from.string()?.try_into().map_err(|_| Damaged("a node without an id"))?;
        parts.nodes.push((Id::from_bytes(first), from.string()?));
    }
    parts.len = from.length()?;
    parts.last_id = read_id(from)?;
    parts.first_id = read_id(from)?;
    parts.max_deleted_id = read_id(from)?;
    parts.entries_added = from.length()? as i64;
    for _ in 0..from.length()? {
        let name = from.string()?;
        parts.groups.insert(name, read_group(from)?);
    }
    Stream::from_parts(parts).ok_or(Damaged("the parts of a stream do not fit"))
}

fn read_group(from: &mut Source<'_>) -> Result<Group, Damaged> {
    let last_id = read_id(from)?;
    let entries_read = Some(from.length()? as i64).filter(|read| *read >= 0);
    let mut group = Group::new(last_id, entries_read);
    let mut deliveries = BTreeMap::new();
    for _ in 0..from.length()? {
        let id = Id::from_bytes(from.array()?);
        let delivered_ms = i64::from_le_bytes(from.array()?);
        deliveries.insert(id, (delivered_ms, from.length()? as i64));
    }
    for _ in 0..from.length()? {
        let consumer = from.string()?;
        group.create_consumer(&consumer, i64::from_le_bytes(from.array()?));
        for _ in 0..from.length()? {
            let id = Id::from_bytes(from.array()?);
            let known = deliveries.remove(&id);
            let (delivered_ms, deliveries) = known.ok_or(Damaged("an entry is pending twice"))?;
            let consumer = consumer.clone();
            group.assign(id, Pending { consumer, delivered_ms, deliveries });
        }
    }
    if deliveries.is_empty() { Ok(group) } else { Err(Damaged("an entry is pending for nobody")) }
}

fn read_id(from: &mut Source<'_>) -> Result<Id, Damaged> {
    Ok(Id { ms: from.length()? as u64, seq: from.length()? as u64 })
}
