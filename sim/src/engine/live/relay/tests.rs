//! Relays on real sockets: what they carry, hold, delay and reset. Hosts 1 and 3 dial host 2.

use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::*;
use crate::engine::Where;
use crate::engine::rng::{self, Stream};

/// Only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const OPEN: Addr = Addr { node: 2, port: 7 };
const UNKNOWN: Addr = Addr { node: 2, port: 8 };
const CLOSED: Addr = Addr { node: 2, port: 9 };

struct World {
    relays: Relays,
    listener: TcpListener,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let open = listener.local_addr().expect("bound");
        let passing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let closed = passing.local_addr().expect("bound");
        let lookup = move |addr| match addr {
            OPEN => Some(open),
            CLOSED => Some(closed),
            _ => None,
        };
        let kind = |_, _| LinkKind::Backend;
        let relays = Relays::start(Arc::new(lookup), Arc::new(kind)).expect("sockets");
        Self { relays, listener }
    }

    /// A connection from a host to host 2: the dialler's end, and the other one.
    async fn connect(&self, from: HostId) -> (TcpStream, TcpStream) {
        let dial = self.relays.dialler().dial(from, OPEN);
        let (near, far) = soon(async { tokio::join!(dial, self.listener.accept()) }).await;
        (near.expect("dialled"), far.expect("accepted").0)
    }

    /// Comes back once the relays have done what they were about to do: they carry a connection
    /// that nothing holds up.
    async fn settle(&self) {
        let (mut near, mut far) = self.connect(3).await;
        pass(&mut near, &mut far).await;
        pass(&mut far, &mut near).await;
    }

    async fn until_touched(&self, id: ConditionId, count: u64) {
        soon(async {
            while self.relays.shared.conditions.touched(id) < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    fn cut(&self) -> ConditionId {
        self.relays.impose(Condition::Cut(hosts(1), hosts(2)))
    }
}

fn hosts(host: HostId) -> BTreeSet<HostId> {
    BTreeSet::from([host])
}

async fn soon<F: Future>(work: F) -> F::Output {
    timeout(PATIENCE, work).await.expect("happens soon")
}

/// Sends a word and sees it arrive.
async fn pass(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"word").await.expect("connected");
    let mut word = [0; 4];
    soon(to.read_exact(&mut word)).await.expect("connected");
    assert_eq!(&word, b"word");
}

fn assert_silent(stream: &TcpStream) {
    let silent = stream.try_read(&mut [0]).expect_err("nothing to read");
    assert_eq!(silent.kind(), io::ErrorKind::WouldBlock);
}

async fn assert_reset(stream: &mut TcpStream) {
    let error = soon(stream.read(&mut [0])).await.expect_err("reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// Ends the stream as a killed process ends one that it has not read.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().expect("a socket");
}

/// Writes all of it in pieces of random sizes, and reads until the end.
async fn exchange(stream: TcpStream, bytes: &[u8], mut sizes: Stream) -> Vec<u8> {
    let (mut reads, mut writes) = stream.into_split();
    let write = async {
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = rng::below(&mut sizes, 100_000) as usize + 1;
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            writes.write_all(piece).await.expect("connected");
            rest = behind;
        }
        writes.shutdown().await.expect("connected");
    };
    let mut got = Vec::new();
    let ((), read) = soon(async { tokio::join!(write, reads.read_to_end(&mut got)) }).await;
    read.expect("connected");
    got
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways() {
    use rand::Rng as _;
    let world = World::new().await;
    let (near, far) = world.connect(1).await;
    let (mut there, mut back) = (vec![0; 8_000_000], vec![0; 5_000_000]);
    rng::stream(1, "there").fill_bytes(&mut there);
    rng::stream(1, "back").fill_bytes(&mut back);
    let (got_back, got_there) = tokio::join!(
        exchange(near, &there, rng::stream(1, "sizes there")),
        exchange(far, &back, rng::stream(1, "sizes back")),
    );
    assert!(got_there == there && got_back == back);
}

#[tokio::test]
async fn a_half_closed_connection_still_carries_the_other_way() {
    let world = World::new().await;
    let (mut near, mut far) = world.connect(1).await;
    near.shutdown().await.expect("connected");
    assert_eq!(soon(far.read(&mut [0])).await.expect("an end"), 0);
    pass(&mut far, &mut near).await;
}

#[tokio::test]
async fn a_cut_holds_bytes_and_their_end_until_it_is_lifted() {
    let world = World::new().await;
    let (mut near, mut far) = world.connect(1).await;
    let cut = world.cut();
    near.write_all(b"held").await.expect("room");
    near.shutdown().await.expect("connected");
    world.until_touched(cut, 1).await;
    world.settle().await;
    assert_silent(&far);
    assert_eq!(world.relays.lift(cut), 1);
    let mut got = Vec::new();
    soon(far.read_to_end(&mut got)).await.expect("connected");
    assert_eq!(got, b"held");
}

#[tokio::test]
async fn a_cut_hides_that_the_other_end_is_gone() {
    let world = World::new().await;
    let (mut near, far) = world.connect(1).await;
    let cut = world.cut();
    reset(far);
    near.write_all(b"nobody hears it").await.expect("room");
    world.until_touched(cut, 2).await;
    world.settle().await;
    assert_silent(&near);
    assert_eq!(world.relays.lift(cut), 2, "the reset one way, the bytes the other");
    assert_reset(&mut near).await;
}

#[tokio::test]
async fn a_cut_one_way_leaves_the_way_back_open() {
    let world = World::new().await;
    let (mut near, mut far) = world.connect(1).await;
    let cut = world.relays.impose(Condition::CutOneWay(hosts(1), hosts(2)));
    near.write_all(b"word").await.expect("room");
    world.until_touched(cut, 1).await;
    pass(&mut far, &mut near).await;
    assert_silent(&far);
    assert_eq!(world.relays.lift(cut), 1);
    soon(far.read_exact(&mut [0; 4])).await.expect("connected");
}

#[tokio::test]
async fn a_writer_hears_of_a_reset_only_when_the_way_back_is_open() {
    let world = World::new().await;
    let (mut near, far) = world.connect(1).await;
    let cut = world.relays.impose(Condition::CutOneWay(hosts(2), hosts(1)));
    reset(far);
    world.until_touched(cut, 1).await;
    near.write_all(b"answered by a reset").await.expect("room");
    world.until_touched(cut, 2).await;
    world.settle().await;
    assert_silent(&near);
    world.relays.lift(cut);
    assert_reset(&mut near).await;
}

#[tokio::test]
async fn a_writer_is_told_when_the_reader_has_left() {
    let world = World::new().await;
    let (mut near, far) = world.connect(1).await;
    drop(far);
    assert_eq!(soon(near.read(&mut [0])).await.expect("an end"), 0);
    soon(async { while near.write_all(b"nobody reads it").await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_dial_waits_while_a_cut_stands_in_either_direction() {
    for (from, to) in [(1, 2), (2, 1)] {
        let world = World::new().await;
        let cut = world.relays.impose(Condition::CutOneWay(hosts(from), hosts(to)));
        let mut dial = tokio::spawn(world.relays.dialler().dial(1, OPEN));
        world.until_touched(cut, 1).await;
        world.settle().await;
        assert!(!dial.is_finished());
        assert_eq!(world.relays.lift(cut), 1);
        let (mut far, _) = soon(world.listener.accept()).await.expect("dialled");
        let mut near = soon(&mut dial).await.expect("no panic").expect("dialled");
        pass(&mut near, &mut far).await;
    }
}

#[tokio::test]
async fn a_dial_that_was_given_up_never_arrives() {
    let world = World::new().await;
    let cut = world.cut();
    let dial = tokio::spawn(world.relays.dialler().dial(1, OPEN));
    world.until_touched(cut, 1).await;
    dial.abort();
    assert!(soon(dial).await.expect_err("aborted").is_cancelled());
    world.settle().await;
    assert_eq!(world.relays.lift(cut), 1);
    // Were it still under way it would be accepted before this one.
    let (mut near, mut far) = world.connect(1).await;
    pass(&mut near, &mut far).await;
}

#[tokio::test]
async fn a_dial_is_refused_where_nobody_listens() {
    let world = World::new().await;
    for to in [UNKNOWN, CLOSED] {
        let refused = soon(world.relays.dialler().dial(1, to)).await.expect_err("refused");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "{to:?}");
    }
    assert_eq!(world.relays.reset(1, &|_| true), 0, "no connection came of it");
}

#[tokio::test]
async fn a_delay_is_kept_each_way_and_holds_chunks_side_by_side() {
    const DELAY: Duration = Duration::from_millis(200);
    const CHUNKS: u64 = 100;
    let world = World::new().await;
    let on = Where::Links(LinkKind::Backend);
    let delay = world.relays.impose(Condition::Delay(on, DELAY.as_nanos() as u64));
    let start = Instant::now();
    let (mut near, mut far) = world.connect(1).await;
    assert!(start.elapsed() >= 2 * DELAY, "a dial goes there and back");
    let start = Instant::now();
    pass(&mut near, &mut far).await;
    assert!(start.elapsed() >= DELAY);
    let (start, touched) = (Instant::now(), world.relays.shared.conditions.touched(delay));
    for chunk in 1..=CHUNKS {
        near.write_all(&[chunk as u8; 1_000]).await.expect("connected");
        world.until_touched(delay, touched + chunk).await;
    }
    let mut got = vec![0; CHUNKS as usize * 1_000];
    soon(far.read_exact(&mut got)).await.expect("connected");
    assert!(start.elapsed() < DELAY * (CHUNKS as u32) / 2, "{:?}", start.elapsed());
    assert!(got.chunks(1_000).zip(1..).all(|(chunk, n)| chunk == [n; 1_000]), "in order");
    assert_eq!(world.relays.lift(delay), touched + CHUNKS);
    assert_eq!(touched, 2, "a dial and a word");
}

#[tokio::test]
async fn what_is_held_up_is_bounded_and_blocks_the_writer() {
    const FAR_TOO_MUCH: usize = 100_000_000;
    let hour = Condition::Delay(Where::Hosts(hosts(1)), 3_600_000_000_000);
    for condition in [Condition::Cut(hosts(1), hosts(2)), hour] {
        let world = World::new().await;
        let (near, _far) = world.connect(1).await;
        world.relays.impose(condition);
        let (bytes, mut taken, mut before) = (vec![0; 100_000], 0, None);
        while before != Some(taken) {
            assert!(taken < FAR_TOO_MUCH, "{taken} bytes");
            before = Some(taken);
            while let Ok(count) = near.try_write(&bytes) {
                taken += count;
            }
            world.settle().await;
            // Tokio learns of room only when it looks for it.
            let _ = timeout(Duration::ZERO, near.writable()).await;
        }
        assert!(taken >= 100_000);
    }
}

#[tokio::test]
async fn a_reset_reaches_both_ends_of_what_is_meant_even_through_a_cut() {
    let world = World::new().await;
    let (mut near, mut far) = world.connect(1).await;
    let (mut other_near, mut other_far) = world.connect(3).await;
    world.cut();
    assert_eq!(world.relays.reset(2, &|host| host == 1), 1);
    assert_eq!(world.relays.reset(1, &|host| host == 2), 0, "it is reset already");
    assert_reset(&mut near).await;
    assert_reset(&mut far).await;
    pass(&mut other_near, &mut other_far).await;
    drop((other_near, other_far));
    let ended = async {
        while !world.relays.shared.carried().connections.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    soon(ended).await;
}

#[tokio::test]
async fn dropping_the_relays_ends_their_thread_and_every_connection() {
    let world = World::new().await;
    let (mut near, mut far) = world.connect(1).await;
    let cut = world.cut();
    let dialler = world.relays.dialler();
    let waiting = tokio::spawn(dialler.dial(1, OPEN));
    world.until_touched(cut, 1).await;
    let shared = world.relays.shared.clone();
    drop(world.relays);
    assert_eq!(Arc::strong_count(&shared), 1, "the thread holds nothing any more");
    let lost = soon(waiting).await.expect("no panic").expect_err("lost");
    assert_eq!(lost.kind(), io::ErrorKind::ConnectionReset);
    for stream in [&mut near, &mut far] {
        assert!(matches!(soon(stream.read(&mut [0])).await, Ok(0) | Err(_)));
    }
    assert!(soon(dialler.dial(1, OPEN)).await.is_err());
}

#[tokio::test]
#[should_panic(expected = "relays impose delays and cuts, not Loss")]
async fn what_relays_cannot_do_is_refused() {
    let world = World::new().await;
    world.relays.impose(Condition::Loss(Where::Hosts(hosts(1)), 1));
}
