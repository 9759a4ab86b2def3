//! Listpacks: the compact lists of texts and integers in which Redis keeps the entries of a stream,
//! and collections that are small.
//!
//! Behind every element stands how long it is, so that a list can be read from its end as well.

use crate::redis::number::integer;

/// Total length in four bytes and number of elements in two, lowest bytes first.
const HEADER_BYTES: usize = 6;

/// Ends every list.
const END: u8 = 0xff;

/// A list that is written.
#[derive(Default)]
pub(crate) struct Writer {
    elements: Vec<u8>,
    count: usize,
}

impl Writer {
    /// How many bytes the elements have.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(crate) fn count(&mut self, things: usize) {
        self.integer(i64::try_from(things).expect("words are counted in 32 bits"));
    }

    pub(crate) fn integer(&mut self, number: i64) {
        let bytes = number.to_le_bytes();
        match number {
            0..=127 => self.element(&[bytes[0]], &[]),
            -4096..=4095 => self.element(&[0xc0 | (bytes[1] & 0x1f), bytes[0]], &[]),
            -0x8000..=0x7fff => self.element(&[0xf1], &bytes[..2]),
            -0x80_0000..=0x7f_ffff => self.element(&[0xf2], &bytes[..3]),
            -0x8000_0000..=0x7fff_ffff => self.element(&[0xf3], &bytes[..4]),
            _ => self.element(&[0xf4], &bytes),
        }
    }

    /// A text; one that is written as an integer becomes one.
    pub(crate) fn text(&mut self, text: &[u8]) {
        if let Some(number) = integer(text) {
            return self.integer(number);
        }
        let len = u32::try_from(text.len()).expect("no word is that long").to_le_bytes();
        match text.len() {
            0..64 => self.element(&[0x80 | len[0]], text),
            64..4096 => self.element(&[0xe0 | len[1], len[0]], text),
            _ => self.element(&[0xf0, len[0], len[1], len[2], len[3]], text),
        }
    }

    fn element(&mut self, head: &[u8], tail: &[u8]) {
        self.elements.extend(head);
        self.elements.extend(tail);
        let len = head.len() + tail.len();
        // Seven bits in a byte, the highest first; all but the first have the eighth bit set.
        let size = length_size(len);
        for at in (0..size).rev() {
            let mark = if at + 1 == size { 0 } else { 0x80 };
            self.elements.push(((len >> (7 * at)) & 0x7f) as u8 | mark);
        }
        self.count += 1;
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let total = HEADER_BYTES + self.elements.len() + 1;
        let mut out = u32::try_from(total).expect("no list is that long").to_le_bytes().to_vec();
        // So many that they do not fit means that they are not counted.
        out.extend(u16::try_from(self.count).unwrap_or(u16::MAX).to_le_bytes());
        out.extend(self.elements);
        out.push(END);
        out
    }
}

/// In how many bytes the length of an element is written behind it.
fn length_size(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16382 => 2,
        16383..=2097150 => 3,
        2097151..=268435454 => 4,
        _ => 5,
    }
}

/// A list that is read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// An element.
enum Element<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// `None` if these are not the bytes of a list.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let total = u32::from_le_bytes(header[..4].try_into().expect("four bytes"));
        let whole = usize::try_from(total).ok()? == bytes.len() && rest.last() == Some(&END);
        whole.then_some(Self { rest })
    }

    pub(crate) fn integer(&mut self) -> Option<i64> {
        match self.element()? {
            Element::Integer(number) => Some(number),
            Element::Text(_) => None,
        }
    }

    pub(crate) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.integer()?).ok()
    }

    pub(crate) fn text(&mut self) -> Option<Vec<u8>> {
        Some(match self.element()? {
            Element::Integer(number) => number.to_string().into_bytes(),
            Element::Text(text) => text.to_vec(),
        })
    }

    /// Whether nothing is left but the mark at the end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest == [END]
    }

    fn element(&mut self) -> Option<Element<'a>> {
        let (first, rest) = self.rest.split_first()?;
        let number = |len: usize| {
            let bytes = rest.get(..len)?;
            let sign = if bytes[len - 1] & 0x80 == 0 { 0 } else { 0xff };
            let mut all = [sign; 8];
            all[..len].copy_from_slice(bytes);
            Some((1 + len, Element::Integer(i64::from_le_bytes(all))))
        };
        let text = |head: usize, len: usize| {
            Some((head + len, Element::Text(self.rest.get(head..head + len)?)))
        };
        let second = || rest.first().copied();
        let (len, element) = match *first {
            byte @ 0..=0x7f => (1, Element::Integer(byte.into())),
            byte @ 0x80..=0xbf => text(1, usize::from(byte & 0x3f))?,
            byte @ 0xc0..=0xdf => {
                let number = i16::from_be_bytes([byte << 3, second()?]);
                // The sign is that of the thirteenth bit.
                let high = i64::from(number >> 11) << 8;
                (2, Element::Integer(high | i64::from(second()?)))
            }
            byte @ 0xe0..=0xef => text(2, usize::from(byte & 0x0f) << 8 | usize::from(second()?))?,
            0xf0 => {
                let len = u32::from_le_bytes(rest.get(..4)?.try_into().expect("four bytes"));
                text(5, usize::try_from(len).ok()?)?
            }
            0xf1 => number(2)?,
            0xf2 => number(3)?,
            0xf3 => number(4)?,
            0xf4 => number(8)?,
            _ => return None,
        };
        self.rest = self.rest.get(len + length_size(len)..)?;
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let numbers = [0, 127, 128, -1, -4096, 4095, 4096, -32768, 32767, 32768, -8_388_608];
        let larger = [8_388_607, 8_388_608, i64::from(i32::MIN), 1 << 31, i64::MIN, i64::MAX];
        let texts = [0, 1, 63, 64, 127, 128, 4095, 4096, 20_000].map(|len| vec![b'x'; len]);
        let mut out = Writer::default();
        numbers.iter().chain(&larger).for_each(|number| out.integer(*number));
        texts.iter().for_each(|text| out.text(text));
        let bytes = out.finish();
        let mut from = Reader::new(&bytes).expect("it was just written");
        for number in numbers.iter().chain(&larger) {
            assert_eq!(from.integer(), Some(*number));
        }
        for text in &texts {
            assert_eq!(from.text().as_ref(), Some(text));
        }
        assert!(from.text().is_none() && Reader::new(&bytes[1..]).is_none());
    }
}
