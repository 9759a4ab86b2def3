//! The rolling hash over every event of a run. Two runs of one seed must agree on it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

const BATCH: usize = 1024;

/// A rolling XXH3 hash: words gather in a batch, and each batch is hashed with the last hash as
/// its seed.
pub struct Digest {
    batch: Vec<u8>,
    rolled: u64,
    words: u64,
}

impl Digest {
    pub fn new(seed: u64) -> Self {
        Self { batch: Vec::with_capacity(BATCH), rolled: seed, words: 0 }
    }

    /// Takes one word in.
    pub fn add(&mut self, word: u64) {
        if self.batch.len() == BATCH {
            self.rolled = xxh3_64_with_seed(&self.batch, self.rolled);
            self.batch.clear();
        }
        self.batch.extend_from_slice(&word.to_le_bytes());
        self.words += 1;
    }

    /// Takes the content of `bytes` in.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        self.add(xxh3_64_with_seed(bytes, bytes.len() as u64));
    }

    /// The hash of all words so far.
    pub fn value(&self) -> u64 {
        xxh3_64_with_seed(&self.batch, self.rolled ^ self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: impl IntoIterator<Item = u64>) -> u64 {
        let mut digest = Digest::new(1);
        words.into_iter().for_each(|word| digest.add(word));
        digest.value()
    }

    #[test]
    fn order_count_and_content_all_count() {
        assert_eq!(of(0..1000), of(0..1000));
        assert_ne!(of(0..1000), of((0..1000).rev()));
        assert_ne!(of(0..1000), of(0..999));
        assert_ne!(of([0, 0]), of([0]));
    }
}
