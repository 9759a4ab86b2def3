//! Lengths, strings and the checksum of snapshots.

use super::Damaged;

/// The polynomial of the checksum (Jones), lowest bit first.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// The checksum of a snapshot.
pub(super) fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u64::from(*byte), |sum: u64, _| (sum >> 1) ^ (POLYNOMIAL * (sum & 1)))
    })
}

/// Writes a length: in one byte, two, five or nine.
pub(super) fn length(out: &mut Vec<u8>, len: usize) {
    if len < 1 << 6 {
        out.push(len as u8);
    } else if len < 1 << 14 {
        out.extend(((len as u16) | 0x4000).to_be_bytes());
    } else if let Ok(len) = u32::try_from(len) {
        out.push(0x80);
        out.extend(len.to_be_bytes());
    } else {
        out.push(0x81);
        out.extend((len as u64).to_be_bytes());
    }
}

/// Writes bytes behind their length.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend(bytes);
}

/// Undoes LZF: runs of bytes as they are, and copies of what came before.
fn inflated(mut bytes: &[u8], len: usize) -> Result<Vec<u8>, Damaged> {
    const WRONG: Damaged = Damaged("compressed bytes are damaged");
    let mut out: Vec<u8> = Vec::new();
    while let Some((mark, rest)) = bytes.split_first() {
        let mark = usize::from(*mark);
        bytes = rest;
        if mark < 32 {
            let (run, rest) = bytes.split_at_checked(mark + 1).ok_or(WRONG)?;
            out.extend(run);
            bytes = rest;
            continue;
        }
        let mut next = || -> Result<usize, Damaged> {
            let (byte, rest) = bytes.split_first().ok_or(WRONG)?;
            bytes = rest;
            Ok(usize::from(*byte))
        };
        // A copy of seven bytes and more tells in the next byte how many more.
        let count = if mark >> 5 == 7 { 9 + next()? } else { 2 + (mark >> 5) };
        let back = ((mark & 0x1f) << 8 | next()?) + 1;
        for _ in 0..count {
            let at = out.len().checked_sub(back).ok_or(WRONG)?;
            out.push(out[at]);
        }
        if out.len() > len {
            return Err(WRONG);
        }
    }
    if out.len() == len { Ok(out) } else { Err(WRONG) }
}

/// A snapshot that is read.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let end = self.at.checked_add(count).ok_or(Damaged("a length that cannot be"))?;
        let taken = self.bytes.get(self.at..end).ok_or(Damaged("it ends too early"))?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        Ok(self.take(N)?.try_into().expect("so many were taken"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn length(&mut self) -> Result<usize, Damaged> {
        let first = self.byte()?;
        Ok(match (first >> 6, first) {
            (0, _) => usize::from(first),
            (1, _) => usize::from(first & 0x3f) << 8 | usize::from(self.byte()?),
            (_, 0x80) => u32::from_be_bytes(self.array()?) as usize,
            (_, 0x81) => u64::from_be_bytes(self.array()?) as usize,
            _ => return Err(Damaged("a length was expected")),
        })
    }

    /// Bytes behind their length, a small integer in place of its digits, or compressed bytes.
    pub(super) fn string(&mut self) -> Result<Vec<u8>, Damaged> {
        let number = match self.bytes.get(self.at) {
            Some(0xc0) => i32::from(i8::from_le_bytes(self.after_mark()?)),
            Some(0xc1) => i32::from(i16::from_le_bytes(self.after_mark()?)),
            Some(0xc2) => i32::from_le_bytes(self.after_mark()?),
            Some(0xc3) => {
                self.at += 1;
                let (packed, len) = (self.length()?, self.length()?);
                return inflated(self.take(packed)?, len);
            }
            _ => {
                let len = self.length()?;
                return Ok(self.take(len)?.to_vec());
            }
        };
        Ok(number.to_string().into_bytes())
    }

    fn after_mark<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.at += 1;
        self.array()
    }

    /// How long the snapshot is, if the checksum that comes next is that of all before; 0 is none.
    pub(super) fn checked(&mut self) -> Result<usize, Damaged> {
        let sum = crc64(&self.bytes[..self.at]);
        let told = u64::from_le_bytes(self.array()?);
        if told == 0 || told == sum { Ok(self.at) } else { Err(Damaged("the checksum differs")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_read() {
        // Three bytes as they are, and a copy of fourteen from three back.
        assert_eq!(inflated(b"\x02abc\xe0\x05\x02", 17), Ok(b"abcabcabcabcabcab".to_vec()));
        assert!(inflated(b"\x02abc\xe0\x05\x02", 16).is_err());
        assert!(inflated(b"\x02abc\x20\x03", 6).is_err(), "a copy from before the start");
        assert!(inflated(b"\x02ab", 3).is_err() && inflated(b"\xe0", 9).is_err());
    }

    #[test]
    fn the_checksum_is_that_of_redis() {
        assert_eq!(super::crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }
}
