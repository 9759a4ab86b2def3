//! A write-ahead log of typed records on the Env disk, with group commit.
//!
//! A record is a length, a CRC-32 and a postcard value. On opening, everything up to the first
//! record that is torn or damaged is replayed and the rest is cut off.

use std::cell::{Cell, RefCell};
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::env::{Env, Work};
use crate::stats::{self, Stats};
use crate::wire;

const HEADER_BYTES: usize = 8;

/// An open write-ahead log. Clones share it.
pub struct Journal<E: Env, R> {
    inner: Rc<Inner<E>>,
    records: PhantomData<R>,
}

impl<E: Env, R> Clone for Journal<E, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), records: PhantomData }
    }
}

struct Inner<E: Env> {
    env: E,
    file: String,
    stats: Rc<Stats>,
    appended: Cell<u64>,
    synced: Cell<u64>,
    syncing: Cell<bool>,
    advanced: Notify,
    failed: RefCell<Option<io::ErrorKind>>,
}

impl<E: Env, R: Serialize + DeserializeOwned> Journal<E, R> {
    /// Opens `file` and replays its records. They are synced before this returns: after a crash of
    /// the process alone they may still have lain in the page cache.
    pub async fn open(env: E, file: &str, stats: Rc<Stats>) -> io::Result<(Self, Vec<R>)> {
        let bytes = env.disk_read(file).await?;
        let (records, valid) = replay(&bytes);
        env.work(Work::Decode, records.len() as u64);
        env.work(Work::CodedByte, valid as u64);
        if valid < bytes.len() {
            env.disk_truncate(file, valid as u64)?;
        }
        if valid > 0 {
            env.disk_sync(file).await?;
        }
        let inner = Rc::new(Inner {
            env,
            file: file.to_owned(),
            stats,
            appended: Cell::new(valid as u64),
            synced: Cell::new(valid as u64),
            syncing: Cell::new(false),
            advanced: Notify::new(),
            failed: RefCell::new(None),
        });
        Ok((Self { inner, records: PhantomData }, records))
    }

    /// Appends a record; returns the position behind it. It is not durable yet.
    pub fn append(&self, record: &R) -> io::Result<u64> {
        let body = wire::encode(record);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        let inner = &self.inner;
        inner.env.work(Work::JournalRecord, 1);
        inner.env.work(Work::JournalByte, bytes.len() as u64);
        inner.env.disk_append(&inner.file, &bytes)?;
        stats::add(&inner.stats.wal_bytes, bytes.len() as u64);
        inner.appended.set(inner.appended.get() + bytes.len() as u64);
        Ok(inner.appended.get())
    }

    /// The position behind the last record.
    pub fn position(&self) -> u64 {
        self.inner.appended.get()
    }

    /// The position up to which everything is durable.
    pub fn synced(&self) -> u64 {
        self.inner.synced.get()
    }

    /// Completes at the next sync, whoever asked for it.
    pub async fn advanced(&self) {
        self.inner.advanced.notified().await;
    }

    /// Completes once everything before `position` is durable. Waiters share syncs.
    pub async fn durable(&self, position: u64) -> io::Result<()> {
        let inner = &self.inner;
        loop {
            if inner.synced.get() >= position {
                return Ok(());
            }
            if let Some(kind) = *inner.failed.borrow() {
                return Err(kind.into());
            }
            let advanced = inner.advanced.notified();
            if !inner.syncing.replace(true) {
                let syncer = inner.clone();
                inner.env.spawn(async move { syncer.sync().await });
            }
            advanced.await;
        }
    }
}

impl<E: Env> Inner<E> {
    async fn sync(&self) {
        let target = self.appended.get();
        match self.env.disk_sync(&self.file).await {
            Ok(()) => self.synced.set(target),
            Err(error) => *self.failed.borrow_mut() = Some(error.kind()),
        }
        stats::bump(&self.stats.fsyncs);
        self.syncing.set(false);
        self.advanced.notify_waiters();
    }
}

/// The whole records at the start of `bytes`, and how many bytes they take.
fn replay<R: DeserializeOwned>(bytes: &[u8]) -> (Vec<R>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + HEADER_BYTES) {
        let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
        let crc = u32::from_le_bytes(header[4..].try_into().expect("four bytes"));
        let Some(body) = bytes.get(at + HEADER_BYTES..at + HEADER_BYTES + len) else { break };
        if crc32fast::hash(body) != crc {
            break;
        }
        let Ok(record) = wire::decode(body) else { break };
        records.push(record);
        at += HEADER_BYTES + len;
    }
    (records, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            let body = wire::encode(record);
            bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
            bytes.extend_from_slice(&body);
        }
        bytes
    }

    #[test]
    fn a_torn_or_damaged_tail_is_cut_off() {
        let whole = file(&["one", "two"]);
        assert_eq!(replay::<String>(&whole), (vec!["one".into(), "two".into()], whole.len()));
        let first = file(&["one"]).len();
        for cut in first..whole.len() {
            assert_eq!(
                replay::<String>(&whole[..cut]),
                (vec!["one".into()], first),
                "cut at {cut}"
            );
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().expect("not empty") ^= 1;
        assert_eq!(replay::<String>(&damaged), (vec!["one".into()], first));
    }
}
