//! The last part of the stream, for replicas that come back.

use std::collections::VecDeque;

/// What is kept at most: `repl-backlog-size`, at its default.
pub(crate) const BACKLOG_BYTES_MAX: usize = 1024 * 1024;

/// The end of the stream. Bytes are counted from 1.
#[derive(Debug)]
pub(crate) struct Backlog {
    bytes: VecDeque<u8>,
    /// The offset of the first byte that is kept.
    pub(crate) first: i64,
}

impl Backlog {
    /// Keeps what comes after so many bytes.
    pub(crate) fn after(offset: i64) -> Self {
        Self { bytes: VecDeque::new(), first: offset + 1 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(BACKLOG_BYTES_MAX);
        self.bytes.drain(..over);
        self.first += over as i64;
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Everything from the byte of this offset on, if it is kept or the next to come.
    pub(crate) fn since(&self, offset: i64) -> Option<Vec<u8>> {
        let skipped = usize::try_from(offset - self.first).ok()?;
        (skipped <= self.bytes.len()).then(|| self.bytes.iter().skip(skipped).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_bytes_go_first() {
        let mut backlog = Backlog::after(10);
        backlog.push(b"abc");
        assert_eq!(backlog.since(12).as_deref(), Some(&b"bc"[..]));
        assert_eq!(backlog.since(14).as_deref(), Some(&b""[..]));
        assert_eq!((backlog.since(10), backlog.since(15)), (None, None));
        backlog.push(&[0; BACKLOG_BYTES_MAX]);
        assert_eq!((backlog.first, backlog.len()), (14, BACKLOG_BYTES_MAX));
    }
}
