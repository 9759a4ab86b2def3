//! A write-ahead log of typed records on the Env disk, with group commit.
//!
//! A record is a length, a CRC-32 and a postcard value. On opening, everything up to the first
//! record that is torn or damaged is replayed and the rest is cut off. A disk without room refuses
//! records; a disk that fails otherwise ends the process, which then replays what is durable.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{Env, Work};
use crate::stats::{self, Stats};
use crate::wire;

const HEADER_BYTES: usize = 8;
/// What the checksum of the first record is chained to; not 0, so that zeros are no record.
const CHAIN_START: u32 = 0x6a6f_7572;

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
    stats: Arc<Stats>,
    appended: Cell<u64>,
    /// The checksum of the last record.
    chain: Cell<u32>,
    synced: Cell<u64>,
    sync: RefCell<Syncing>,
}

/// The sync under way and who waits for it. Whoever waits first drives it; no task of its own does.
#[derive(Default)]
struct Syncing {
    /// Up to where it makes durable; completes only if it does.
    under_way: Option<(u64, LocalBoxFuture<'static, ()>)>,
    /// Whether one of those who wait drives it.
    driven: bool,
    waiting: Vec<Waker>,
}

/// One who waits for syncs.
struct Waiting<'a, E: Env> {
    inner: &'a Rc<Inner<E>>,
    drives: bool,
}

/// The disk has no room: nothing was appended. Any other failure of a disk ends the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the disk has no room")]
pub struct NoRoom;

impl<E: Env, R: Serialize + DeserializeOwned> Journal<E, R> {
    /// Opens `file` and replays its records. They are synced before this returns: after a crash of
    /// the process alone they may still have lain in the page cache. Ends the process when the disk
    /// fails.
    pub async fn open(env: E, file: &str, stats: Arc<Stats>) -> (Self, Vec<R>) {
        match Self::try_open(&env, file, &stats).await {
            Ok(opened) => opened,
            Err(error) => {
                stats::bump(&stats.fail_stops);
                match env.fail_stop(&format!("{file} cannot be opened: {error}")).await {}
            }
        }
    }

    async fn try_open(env: &E, file: &str, stats: &Arc<Stats>) -> io::Result<(Self, Vec<R>)> {
        let bytes = env.disk_read(file).await?;
        let Replayed { records, len, chain } = replay(&bytes);
        env.work(Work::Decode, records.len() as u64);
        env.work(Work::CodedByte, len as u64);
        if len < bytes.len() {
            env.disk_truncate(file, len as u64)?;
        }
        if !bytes.is_empty() {
            env.disk_sync(file).await?;
        }
        let inner = Rc::new(Inner {
            env: env.clone(),
            file: file.to_owned(),
            stats: stats.clone(),
            appended: Cell::new(len as u64),
            chain: Cell::new(chain),
            synced: Cell::new(len as u64),
            sync: RefCell::default(),
        });
        Ok((Self { inner, records: PhantomData }, records))
    }

    /// Appends a record; returns the position behind it. It is not durable yet.
    pub fn append(&self, record: &R) -> Result<u64, NoRoom> {
        let inner = &self.inner;
        let body = wire::encode(record);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        let chain = checksum(inner.chain.get(), &body);
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&chain.to_le_bytes());
        bytes.extend_from_slice(&body);
        inner.env.work(Work::JournalRecord, 1);
        inner.env.work(Work::JournalByte, bytes.len() as u64);
        if let Err(error) = inner.env.disk_append(&inner.file, &bytes) {
            inner.take_back(&error);
            return Err(NoRoom);
        }
        stats::add(&inner.stats.wal_bytes, bytes.len() as u64);
        inner.chain.set(chain);
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

    /// Completes when more has become durable than was at the call, whoever asked for it.
    pub async fn advanced(&self) {
        let before = self.inner.synced.get();
        let mut waiting = Waiting { inner: &self.inner, drives: false };
        poll_fn(|cx| waiting.poll(cx, before + 1, false)).await;
    }

    /// Completes once everything before `position` is durable. Waiters share syncs. A sync that
    /// fails ends the process, so that nobody goes on from it.
    pub async fn durable(&self, position: u64) {
        let mut waiting = Waiting { inner: &self.inner, drives: false };
        poll_fn(|cx| waiting.poll(cx, position, true)).await;
    }
}

impl<E: Env> Waiting<'_, E> {
    /// Ready once everything before `position` is durable; begins syncs for that if it `may_begin` any.
    fn poll(&mut self, cx: &mut Context<'_>, position: u64, may_begin: bool) -> Poll<()> {
        loop {
            if self.inner.synced.get() >= position {
                return Poll::Ready(());
            }
            let mut sync = self.inner.sync.borrow_mut();
            let under_way = match sync.driven && !self.drives {
                true => None,
                false => sync.under_way.take(),
            };
            let may_begin = may_begin && !sync.driven;
            let Some((target, mut done)) =
                under_way.or_else(|| may_begin.then(|| self.inner.begin_sync()))
            else {
                sync.waiting.push(cx.waker().clone());
                return Poll::Pending;
            };
            sync.driven = true;
            self.drives = true;
            // What fails ends the process, and may drop others who wait here.
            drop(sync);
            let polled = done.poll_unpin(cx);
            let mut sync = self.inner.sync.borrow_mut();
            if polled.is_pending() {
                sync.under_way = Some((target, done));
                return Poll::Pending;
            }
            sync.driven = false;
            self.drives = false;
            drop(sync);
            self.inner.end_sync(target);
        }
    }
}

impl<E: Env> Drop for Waiting<'_, E> {
    /// Somebody else goes on with the sync.
    fn drop(&mut self) {
        if self.drives {
            let mut sync = self.inner.sync.borrow_mut();
            sync.driven = false;
            let waiting = std::mem::take(&mut sync.waiting);
            drop(sync);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl<E: Env> Inner<E> {
    /// What makes durable all that is appended by now. A disk that fails ends the process, since nobody knows
    /// then what the file holds, and a later sync would not tell.
    fn begin_sync(&self) -> (u64, LocalBoxFuture<'static, ()>) {
        self.env.work(Work::JournalSync, 1);
        let (env, stats) = (self.env.clone(), self.stats.clone());
        let (file, synced) = (self.file.clone(), self.env.disk_sync(&self.file));
        let done = async move {
            if let Err(error) = synced.await {
                stats::bump(&stats.fail_stops);
                match env.fail_stop(&format!("{file} cannot be synced: {error}")).await {}
            }
        };
        (self.appended.get(), done.boxed_local())
    }

    fn end_sync(&self, target: u64) {
        self.synced.set(target);
        stats::bump(&self.stats.fsyncs);
        let waiting = std::mem::take(&mut self.sync.borrow_mut().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// An append has failed: cuts off what it may have left, so that the next record does not stand
    /// behind it, where no replay would find it. Ends the process unless there was only no room.
    fn take_back(&self, error: &io::Error) {
        stats::bump(&self.stats.appends_failed);
        let cut = match error.kind() {
            io::ErrorKind::StorageFull => self.env.disk_truncate(&self.file, self.appended.get()),
            _ => Err(error.kind().into()),
        };
        if cut.is_err() {
            stats::bump(&self.stats.fail_stops);
            // The process ends here; this task with the next time it waits.
            drop(self.env.fail_stop(&format!("{} cannot be written: {error}", self.file)));
        }
    }
}

/// The checksum of a record behind a record with the checksum `before`. As each covers all that
/// stand before it, a record that an earlier life of the file has left at the same place is none.
fn checksum(before: u32, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(body);
    hasher.finalize()
}

struct Replayed<R> {
    /// The whole records at the start of the file.
    records: Vec<R>,
    /// How many bytes they take.
    len: usize,
    /// The checksum of the last one.
    chain: u32,
}

fn replay<R: DeserializeOwned>(bytes: &[u8]) -> Replayed<R> {
    let mut replayed = Replayed { records: Vec::new(), len: 0, chain: CHAIN_START };
    while let Some(header) = bytes.get(replayed.len..replayed.len + HEADER_BYTES) {
        let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
        let sum = u32::from_le_bytes(header[4..].try_into().expect("four bytes"));
        let from = replayed.len + HEADER_BYTES;
        let Some(body) = bytes.get(from..from + len) else { break };
        if checksum(replayed.chain, body) != sum {
            break;
        }
        let Ok(record) = wire::decode(body) else { break };
        replayed.records.push(record);
        (replayed.len, replayed.chain) = (from + len, sum);
    }
    replayed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[&str]) -> Vec<u8> {
        let (mut bytes, mut chain) = (Vec::new(), CHAIN_START);
        for record in records {
            let body = wire::encode(record);
            chain = checksum(chain, &body);
            bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&chain.to_le_bytes());
            bytes.extend_from_slice(&body);
        }
        bytes
    }

    fn replayed(bytes: &[u8]) -> (Vec<String>, usize) {
        let replayed = replay::<String>(bytes);
        (replayed.records, replayed.len)
    }

    #[test]
    fn a_torn_or_damaged_tail_is_cut_off() {
        let whole = file(&["one", "two"]);
        assert_eq!(replayed(&whole), (vec!["one".into(), "two".into()], whole.len()));
        let first = file(&["one"]).len();
        for cut in first..whole.len() {
            assert_eq!(replayed(&whole[..cut]), (vec!["one".into()], first), "cut at {cut}");
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().expect("not empty") ^= 1;
        assert_eq!(replayed(&damaged), (vec!["one".into()], first));
        let mut zeroed = whole;
        zeroed[first..].fill(0);
        assert_eq!(replayed(&zeroed), (vec!["one".into()], first));
    }

    #[test]
    fn records_of_an_earlier_life_of_the_file_are_none() {
        let mut bytes = file(&["one", "six"]);
        let first = file(&["one"]).len();
        bytes[..first].copy_from_slice(&file(&["two"]));
        assert_eq!(replayed(&bytes), (vec!["two".into()], first));
    }
}
