//! Commands on streams: adding and trimming, ranges, reading (which may wait; `consume` is what a
//! consumer gets), groups of consumers, what is pending for them, claiming that, and information.

mod add;
mod claim;
mod consume;
mod groups;
mod ids;
mod info;
mod pending;
mod ranges;
mod read;

use super::{Command, Failure, Reply, up_to_zero};
use crate::redis::request::Request;
use crate::redis::values::stream::{Entry, Group, Id, Pending};

pub(super) const TABLES: [&[Command]; 7] = [
    add::TABLE,
    claim::TABLE,
    groups::TABLE,
    info::TABLE,
    pending::TABLE,
    ranges::TABLE,
    read::TABLE,
];

/// An entry, as every command tells it.
fn told((id, fields): Entry<'_>) -> Reply {
    let fields = Reply::Array(fields.iter().map(Reply::bulk).collect());
    Reply::Array(vec![told_id(id), fields])
}

fn told_id(id: Id) -> Reply {
    Reply::bulk(id.to_string())
}

/// There is no such key, or it has no such group.
fn no_group(key: &[u8], group: &[u8], where_: &str) -> Failure {
    let (key, group) = (up_to_zero(key), up_to_zero(group));
    let start = &b"NOGROUP No such key '"[..];
    let text = [start, key, b"' or consumer group '", group, b"'", where_.as_bytes()].concat();
    Failure::Other(text)
}

/// What replicas hear when an entry was delivered, claimed, or found to be deleted.
fn claim_request(key: &[u8], (name, group): (&[u8], &Group), id: Id, pending: &Pending) -> Request {
    let Pending { consumer, delivered_ms, deliveries } = pending;
    let text = |text: String| text.into_bytes();
    vec![
        b"XCLAIM".to_vec(),
        key.to_vec(),
        name.to_vec(),
        consumer.clone(),
        b"0".to_vec(),
        text(id.to_string()),
        b"TIME".to_vec(),
        text(delivered_ms.to_string()),
        b"RETRYCOUNT".to_vec(),
        text(deliveries.to_string()),
        b"FORCE".to_vec(),
        b"JUSTID".to_vec(),
        b"LASTID".to_vec(),
        text(group.last_id.to_string()),
    ]
}

/// What replicas hear when a group has read on and nothing is pending for that.
fn set_id_request(key: &[u8], name: &[u8], group: &Group) -> Request {
    vec![
        b"XGROUP".to_vec(),
        b"SETID".to_vec(),
        key.to_vec(),
        name.to_vec(),
        group.last_id.to_string().into_bytes(),
        b"ENTRIESREAD".to_vec(),
        group.entries_read.unwrap_or(-1).to_string().into_bytes(),
    ]
}
