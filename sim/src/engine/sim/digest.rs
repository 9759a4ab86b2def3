//! The rolling hash over every event of a run. Two runs of one seed must agree on it; where they do
//! not, its checkpoints and a trace tell where they parted.

use std::fmt::Write as _;
use std::ops::Range;

use im::env::Nanos;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Words between two checkpoints.
pub const CHECKPOINT_WORDS: u64 = 1_024;

/// What a word of the digest stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noted {
    /// A sleep is over.
    Timer,
    /// A SYN reaches its target.
    SynArrives,
    /// A SYN-ACK reaches the dialler.
    SynAckArrives,
    /// The dialler's ack reaches the listener.
    HandshakeAckArrives,
    /// A listener answers a SYN again.
    AnswerAgain,
    /// Acks reach a sender that waits for them.
    AcksArrive,
    /// A refusal reaches the dialler.
    RefusalArrives,
    /// A writer learns of new room.
    WindowOpens,
    /// Bytes become readable.
    BytesArrive,
    /// Bytes reach an end without a socket.
    BytesArriveNowhere,
    /// A RST takes effect.
    ResetArrives,
    /// A packet is sent again.
    Retransmission,
    /// A program writes; the word is a hash of the bytes.
    Write,
    /// A socket asks whether its peer is still there.
    KeepAlive,
    /// A processor has time for the next task.
    ProcessorFree,
    /// A process ends itself.
    FailStop,
    /// A supervisor starts a process again.
    Restart,
    /// An ack that was held back leaves, because nothing came that would have taken it along.
    AckLeaves,
}

/// A rolling XXH3 hash: words gather in a batch, and each batch is hashed with the last hash as
/// its seed.
pub struct Digest {
    batch: Vec<u8>,
    rolled: u64,
    words: u64,
    checkpoints: Vec<u64>,
    window: Range<u64>,
    trace: Vec<String>,
}

impl Digest {
    pub fn new(seed: u64) -> Self {
        Self {
            batch: Vec::with_capacity(CHECKPOINT_WORDS as usize * 8),
            rolled: seed,
            words: 0,
            checkpoints: Vec::new(),
            window: 0..0,
            trace: Vec::new(),
        }
    }

    /// Asks for a line about each word of this window.
    pub fn trace(&mut self, window: Range<u64>) {
        self.window = window;
    }

    /// Takes an event in: when it happened, what it was, and about what (fewer than 2^56 things).
    pub fn add_event(&mut self, now: Nanos, noted: Noted, about: u64) {
        self.tell(now, noted, about);
        self.add(now.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (noted as u64) << 56 ^ about);
    }

    /// Takes the content of a write in.
    pub fn add_bytes(&mut self, now: Nanos, bytes: &[u8]) {
        let hash = xxh3_64(bytes);
        self.tell(now, Noted::Write, hash);
        self.add(hash);
    }

    fn add(&mut self, word: u64) {
        if self.batch.len() == CHECKPOINT_WORDS as usize * 8 {
            self.rolled = xxh3_64_with_seed(&self.batch, self.rolled);
            self.checkpoints.push(self.rolled);
            self.batch.clear();
        }
        self.batch.extend_from_slice(&word.to_le_bytes());
        self.words += 1;
    }

    fn tell(&mut self, now: Nanos, noted: Noted, about: u64) {
        if self.window.contains(&self.words) {
            let mut line = String::new();
            let _ = write!(line, "word {} at {now} ns: {noted:?} {about:#x}", self.words);
            self.trace.push(line);
        }
    }

    /// The hash of all words so far.
    pub fn value(&self) -> u64 {
        xxh3_64_with_seed(&self.batch, self.rolled ^ self.words)
    }

    /// The hash after each [`CHECKPOINT_WORDS`] words.
    pub fn checkpoints(&self) -> &[u64] {
        &self.checkpoints
    }

    /// The lines asked for with [`Digest::trace`].
    pub fn traced(&self) -> &[String] {
        &self.trace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: impl IntoIterator<Item = u64>) -> Digest {
        let mut digest = Digest::new(1);
        digest.trace(1_500..1_502);
        words.into_iter().for_each(|word| digest.add_event(7, Noted::BytesArrive, word));
        digest
    }

    #[test]
    fn order_count_and_content_all_count() {
        assert_eq!(of(0..1000).value(), of(0..1000).value());
        assert_ne!(of(0..1000).value(), of((0..1000).rev()).value());
        assert_ne!(of(0..1000).value(), of(0..999).value());
        assert_ne!(of([0, 0]).value(), of([0]).value());
    }

    #[test]
    fn checkpoints_and_trace_tell_where_two_runs_part() {
        let (one, other) = (of(0..5_000), of((0..5_000).map(|w| w + u64::from(w == 1_501))));
        let parted = one.checkpoints().iter().zip(other.checkpoints()).position(|(a, b)| a != b);
        assert_eq!(parted, Some(1));
        assert_eq!(one.traced()[0], other.traced()[0]);
        assert_eq!(one.traced()[1], "word 1501 at 7 ns: BytesArrive 0x5dd");
        assert_ne!(one.traced()[1], other.traced()[1]);
    }
}
