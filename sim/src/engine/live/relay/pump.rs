//! One direction of a connection: bytes, their end or a reset go from one leg to the other, held
//! while the path is cut and as late as is imposed, in order.
//!
//! A pump has two halves with a queue between them, so that what is delayed does not stop what
//! comes behind it. It must not know the other direction.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::conditions::{Conditions, Path};

/// Most bytes that are read at a time.
const CHUNK_BYTES: usize = 64 * 1_024;
/// Most bytes that wait in the queue; as much as a pipe of the `sim` engine holds.
const QUEUE_BYTES: usize = 256 * 1_024;

/// What a leg gave.
enum Item {
    Bytes(Vec<u8>),
    /// There will be no more bytes.
    End,
    /// The leg failed.
    Reset,
}

/// One half of a leg.
pub struct Leg<'a, Half> {
    half: Half,
    /// Whether a write to the leg has failed. The kernel tells of a reset once: a read that comes
    /// behind that write meets a mere end.
    broken: &'a AtomicBool,
}

impl<'a, Half> Leg<'a, Half> {
    pub fn new(half: Half, broken: &'a AtomicBool) -> Self {
        Self { half, broken }
    }
}

struct Queued {
    item: Item,
    /// Not before; `None` where nothing is delayed.
    due: Option<Instant>,
    /// What the item takes up of the queue, until it is handed on.
    room: OwnedSemaphorePermit,
}

/// Carries what comes from `source` to `target`, until the end of `source` has been handed on. Fails
/// when either leg has failed, as soon as the other one would hear of it.
pub async fn pump(
    conditions: &Conditions,
    path: Path,
    source: Leg<'_, ReadHalf<'_>>,
    target: Leg<'_, WriteHalf<'_>>,
) -> io::Result<()> {
    // The room that items hold bounds the channel.
    let (sender, queue) = unbounded_channel();
    let taking = async {
        take_in(conditions, path, &source, sender).await;
        Ok(())
    };
    tokio::try_join!(hand_on(conditions, path, queue, target), taking).map(|_| ())
}

/// Reads until the end. What is read on a cut path is held before anything more is read, so that
/// the source's kernel soon takes no more.
async fn take_in(
    conditions: &Conditions,
    path: Path,
    source: &Leg<'_, ReadHalf<'_>>,
    sender: UnboundedSender<Queued>,
) {
    let room = Arc::new(Semaphore::new(QUEUE_BYTES));
    loop {
        let item = read(source).await;
        conditions.hold(&[path]).await;
        let delay = conditions.delay(&[path]);
        let due = (!delay.is_zero()).then(|| Instant::now() + delay);
        let (bytes, last) = match &item {
            Item::Bytes(bytes) => (bytes.len() as u32, false),
            Item::End | Item::Reset => (0, true),
        };
        let room = room.clone().acquire_many_owned(bytes).await.expect("never closed");
        if sender.send(Queued { item, due, room }).is_err() || last {
            return;
        }
    }
}

async fn read(source: &Leg<'_, ReadHalf<'_>>) -> Item {
    loop {
        if source.half.readable().await.is_err() {
            return Item::Reset;
        }
        // Only for as long as there is something to read: thousands of connections may be idle.
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        match source.half.try_read_buf(&mut bytes) {
            Ok(0) if source.broken.load(Ordering::Relaxed) => return Item::Reset,
            Ok(0) => return Item::End,
            Ok(_) => {
                bytes.shrink_to_fit();
                return Item::Bytes(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Item::Reset,
        }
    }
}

async fn hand_on(
    conditions: &Conditions,
    path: Path,
    mut queue: UnboundedReceiver<Queued>,
    mut target: Leg<'_, WriteHalf<'_>>,
) -> io::Result<()> {
    while let Some(Queued { item, due, room }) = queue.recv().await {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        // It may have been cut since the item was queued.
        conditions.hold(&[path]).await;
        let handed_on = match &item {
            Item::Bytes(bytes) => target.half.write_all(bytes).await,
            Item::End => target.half.shutdown().await,
            Item::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        };
        if let Err(error) = handed_on {
            target.broken.store(true, Ordering::Relaxed);
            come_back(conditions, path).await;
            return Err(error);
        }
        drop(room);
    }
    Ok(())
}

/// The target's answer to bytes that it cannot take is a reset, which has its own way to go.
async fn come_back(conditions: &Conditions, (from, to): Path) {
    let back = (to, from);
    conditions.hold(&[back]).await;
    let delay = conditions.delay(&[back]);
    if !delay.is_zero() {
        tokio::time::sleep_until(Instant::now() + delay).await;
    }
}
