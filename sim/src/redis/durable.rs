//! A record that outlives power losses: it is replaced as a whole, and what was before stays intact
//! until the new one is synced.
//!
//! There is no renaming of files, so two of them take turns: each holds one record with a number and
//! a checksum, and the newest that is intact counts.

use std::io;
use std::marker::PhantomData;

use im::env::Env;
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// The files of a record.
pub(super) struct Durable<E, T> {
    env: E,
    files: [&'static str; 2],
    /// The number of the newest record.
    number: u64,
    /// Which file it lies in.
    newest: usize,
    record: PhantomData<T>,
}

impl<E: Env, T: Serialize + DeserializeOwned> Durable<E, T> {
    /// Opens the files, with what they say if they say anything. Fails when the disk does not work.
    pub(super) async fn open(env: E, files: [&'static str; 2]) -> io::Result<(Self, Option<T>)> {
        let mut durable = Self { env, files, number: 0, newest: 0, record: PhantomData };
        let mut record = None;
        for (place, file) in files.iter().enumerate() {
            let bytes = durable.env.disk_read(file).await?;
            let Some((number, known)) = read(&bytes) else { continue };
            if number > durable.number {
                (durable.number, durable.newest) = (number, place);
                record = Some(known);
            }
        }
        Ok((durable, record))
    }

    /// Makes it durable. What was before stays intact until then, and after a failure.
    pub(super) async fn keep(&mut self, record: &T) -> io::Result<()> {
        let (number, place) = (self.number + 1, 1 - self.newest);
        self.env.disk_truncate(self.files[place], 0)?;
        self.env.disk_append(self.files[place], &write(number, record))?;
        self.env.disk_sync(self.files[place]).await?;
        (self.number, self.newest) = (number, place);
        Ok(())
    }
}

/// Checksum, number, and the rest as JSON; one line.
fn write<T: Serialize>(number: u64, record: &T) -> Vec<u8> {
    let record = serde_json::to_string(record).expect("records consist of texts and numbers");
    let line = format!("{number} {record}\n");
    format!("{:016x} {line}", xxh3_64(line.as_bytes())).into_bytes()
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<(u64, T)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (sum, line) = text.split_once(' ')?;
    if u64::from_str_radix(sum, 16) != Ok(xxh3_64(line.as_bytes())) {
        return None;
    }
    let (number, record) = line.split_once(' ')?;
    Some((number.parse().ok()?, serde_json::from_str(record).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_intact_records_count() {
        let record = "a".repeat(40);
        let bytes = write(3, &record);
        assert_eq!(read(&bytes), Some((3, record)));
        assert_eq!(read::<String>(&bytes[..bytes.len() - 2]), None);
        assert_eq!(read::<String>(b""), None);
        let mut damaged = bytes;
        damaged[30] ^= 1;
        assert_eq!(read::<String>(&damaged), None);
    }
}
