//! One text on a disk that outlives restarts and is replaced as a whole.
//!
//! There is no renaming of files, so two of them take turns: each holds one record with a number and
//! a checksum, and the newest that is intact counts.

use std::io;

use im::env::Env;
use xxhash_rust::xxh3::xxh3_64;

/// The files of a record.
pub(crate) struct Record<E> {
    env: E,
    files: [String; 2],
    /// The number of the newest text.
    number: u64,
    /// Which file it lies in.
    newest: usize,
}

impl<E: Env> Record<E> {
    /// Opens the files, with what they say if they say anything. Fails when the disk does not work.
    pub(super) async fn open(env: E, name: &str) -> io::Result<(Self, Option<String>)> {
        let files = [0, 1].map(|place| format!("{name}.{place}"));
        let mut record = Self { env, files, number: 0, newest: 0 };
        let mut text = None;
        for place in 0..2 {
            let bytes = record.env.disk_read(&record.files[place]).await?;
            let Some((number, known)) = read(&bytes) else { continue };
            if number > record.number {
                (record.number, record.newest) = (number, place);
                text = Some(known);
            }
        }
        Ok((record, text))
    }

    /// Makes it durable. What was before stays intact until then, and after a failure.
    pub(super) async fn keep(&mut self, text: &str) -> io::Result<()> {
        let (number, place) = (self.number + 1, 1 - self.newest);
        let file = &self.files[place];
        self.env.disk_truncate(file, 0)?;
        self.env.disk_append(file, &write(number, text))?;
        self.env.disk_sync(file).await?;
        (self.number, self.newest) = (number, place);
        Ok(())
    }
}

/// Checksum, number and text.
fn write(number: u64, text: &str) -> Vec<u8> {
    let line = format!("{number} {text}\n");
    format!("{:016x} {line}", xxh3_64(line.as_bytes())).into_bytes()
}

fn read(bytes: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (sum, line) = text.split_once(' ')?;
    if u64::from_str_radix(sum, 16) != Ok(xxh3_64(line.as_bytes())) {
        return None;
    }
    let (number, text) = line.strip_suffix('\n')?.split_once(' ')?;
    Some((number.parse().ok()?, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_intact_records_count() {
        let bytes = write(3, "a text\nof lines\n");
        assert_eq!(read(&bytes), Some((3, "a text\nof lines\n".to_owned())));
        assert_eq!(read(&bytes[..bytes.len() - 2]), None);
        assert_eq!(read(b""), None);
        let mut damaged = bytes;
        damaged[20] ^= 1;
        assert_eq!(read(&damaged), None);
    }
}
