//! Replies taken from a stream of bytes: the counterpart of [`Reply::write`], in both protocols.
//!
//! A parser keeps what it has understood so far, so that a large reply that arrives in pieces is
//! not read again from its start. It knows the protocol and no command.

use super::number::{float, integer};
use super::reply::Reply;
use super::request::ProtocolError;

/// A line must end within so many bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Lists may be nested so deep: `REDIS_READER_STACK_SIZE` of hiredis.
const DEPTH_MAX: usize = 9;

/// Takes replies from the bytes of a connection.
#[derive(Default)]
pub struct Parser {
    buffer: Vec<u8>,
    /// What lies before is used up.
    at: usize,
    /// Lists that are not complete, the outermost first.
    open: Vec<List>,
    /// The kind and length of the bytes that follow, once known.
    bulk: Option<(u8, usize)>,
}

/// A list, set, map or push of which some is still to come.
struct List {
    kind: u8,
    missing: usize,
    items: Vec<Reply>,
}

/// What one line says.
enum Line {
    Whole(Reply),
    Bulk(usize),
    List(usize),
}

impl Parser {
    /// Adds bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next reply, once it is there in full. What the peer says unasked is a [`Reply::Push`]
    /// in the new protocol, and an [`Reply::Array`] in the old one.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ProtocolError> {
        while let Some(value) = self.value()? {
            if let Some(reply) = self.put(value) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Bytes that arrived behind the last reply that was taken, for a stream that changes its
    /// language there, such as a master's.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.buffer.split_off(self.at);
        self.buffer.clear();
        self.at = 0;
        rest
    }

    /// The next reply that is no list with something in it. Lists are opened on the way.
    fn value(&mut self) -> Result<Option<Reply>, ProtocolError> {
        loop {
            if let Some((kind, len)) = self.bulk {
                return Ok(self.bytes(kind, len));
            }
            let Some(line) = self.line()? else { return Ok(None) };
            let kind = line.first().copied().unwrap_or(b' ');
            match understand(kind, line.get(1..).unwrap_or_default())? {
                Line::Whole(reply) => return Ok(Some(reply)),
                Line::Bulk(len) => self.bulk = Some((kind, len)),
                Line::List(0) => return Ok(Some(list(kind, Vec::new()))),
                Line::List(_) if self.open.len() == DEPTH_MAX => return Err(error("too deep")),
                Line::List(missing) => self.open.push(List { kind, missing, items: Vec::new() }),
            }
        }
    }

    /// Puts a value where it belongs; yields what is complete by it and belongs nowhere.
    fn put(&mut self, mut value: Reply) -> Option<Reply> {
        while let Some(innermost) = self.open.last_mut() {
            innermost.items.push(value);
            innermost.missing -= 1;
            if innermost.missing > 0 {
                return None;
            }
            let complete = self.open.pop().expect("it was just looked at");
            value = list(complete.kind, complete.items);
        }
        Some(value)
    }

    fn bytes(&mut self, kind: u8, len: usize) -> Option<Reply> {
        let rest = &self.buffer[self.at..];
        if rest.len() < len + 2 {
            return None;
        }
        let bytes = rest[..len].to_vec();
        self.at += len + 2;
        self.bulk = None;
        Some(match kind {
            b'!' => Reply::Error(bytes),
            // The format comes first, as in `txt:`.
            b'=' => Reply::Text(String::from_utf8_lossy(bytes.get(4..).unwrap_or_default()).into()),
            _ => Reply::Bulk(bytes),
        })
    }

    /// Takes what stands before the next `\r\n`.
    fn line(&mut self) -> Result<Option<Vec<u8>>, ProtocolError> {
        let rest = &self.buffer[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let Some(end) = end else {
            return if rest.len() > LINE_BYTES_MAX {
                Err(error("too long a line"))
            } else {
                Ok(None)
            };
        };
        let line = rest[..end].to_vec();
        self.at += end + 2;
        Ok(Some(line))
    }
}

fn error(text: &str) -> ProtocolError {
    ProtocolError(format!("Protocol error: {text}").into_bytes())
}

fn understand(kind: u8, text: &[u8]) -> Result<Line, ProtocolError> {
    let number = || integer(text).ok_or_else(|| error("no number where there must be one"));
    let whole = match kind {
        b'+' => Reply::Status(text.to_vec()),
        b'-' => Reply::Error(text.to_vec()),
        b':' => Reply::Integer(number()?),
        b'_' => Reply::Null,
        b'#' => Reply::Bool(text == b"t"),
        b',' => Reply::Double(float(text).ok_or_else(|| error("no number"))?),
        b'(' => Reply::bulk(text),
        b'$' | b'=' | b'!' => match usize::try_from(number()?) {
            Ok(len) => return Ok(Line::Bulk(len)),
            Err(_) => Reply::Null,
        },
        b'*' | b'~' | b'>' | b'%' => match usize::try_from(number()?) {
            Ok(pairs) if kind == b'%' => return Ok(Line::List(pairs * 2)),
            Ok(items) => return Ok(Line::List(items)),
            Err(_) => Reply::NullArray,
        },
        _ => return Err(error("unknown kind of reply")),
    };
    Ok(Line::Whole(whole))
}

fn list(kind: u8, items: Vec<Reply>) -> Reply {
    match kind {
        b'~' => Reply::Set(items),
        b'>' => Reply::Push(items),
        b'%' => {
            let (mut pairs, mut items) = (Vec::new(), items.into_iter());
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Reply::Map(pairs)
        }
        _ => Reply::Array(items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::reply::Protocol;

    fn samples() -> Vec<Reply> {
        vec![
            Reply::Status(b"OK".to_vec()),
            Reply::Error(b"ERR no".to_vec()),
            Reply::Integer(-7),
            Reply::bulk("a\r\nb"),
            Reply::bulk(""),
            Reply::Array(vec![]),
            Reply::Array(vec![
                Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![])]),
                Reply::bulk("x"),
            ]),
        ]
    }

    #[test]
    fn what_is_written_is_read_again_byte_by_byte() {
        let mut new = samples();
        new.extend([
            Reply::Null,
            Reply::Bool(true),
            Reply::Double(1.5),
            Reply::Text("for people".into()),
            Reply::Set(vec![Reply::bulk("m")]),
            Reply::Map(vec![(Reply::bulk("k"), Reply::Map(vec![]))]),
            Reply::Push(vec![Reply::bulk("message"), Reply::bulk("c"), Reply::bulk("p")]),
        ]);
        for (protocol, replies) in [(Protocol::Resp2, samples()), (Protocol::Resp3, new)] {
            let mut bytes = Vec::new();
            replies.iter().for_each(|reply| reply.write(protocol, &mut bytes));
            let (mut parser, mut read) = (Parser::default(), Vec::new());
            for byte in bytes {
                parser.feed(&[byte]);
                read.extend(parser.next_reply().expect("it was written so"));
            }
            assert_eq!(read, replies);
        }
    }

    #[test]
    fn nothing_has_two_forms_in_the_old_protocol() {
        let mut parser = Parser::default();
        parser.feed(b"$-1\r\n*-1\r\n*1\r\n$-1\r\n");
        assert_eq!(parser.next_reply(), Ok(Some(Reply::Null)));
        assert_eq!(parser.next_reply(), Ok(Some(Reply::NullArray)));
        assert_eq!(parser.next_reply(), Ok(Some(Reply::Array(vec![Reply::Null]))));
    }

    #[test]
    fn the_rest_can_be_taken_as_it_is() {
        let mut parser = Parser::default();
        parser.feed(b"+CONTINUE\r\n*1\r\n$4\r\nPI");
        assert_eq!(parser.next_reply(), Ok(Some(Reply::Status(b"CONTINUE".to_vec()))));
        assert_eq!(parser.take_rest(), b"*1\r\n$4\r\nPI");
        assert_eq!(parser.next_reply(), Ok(None));
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        for bytes in [&b"hello\r\n"[..], b":x\r\n", b"$x\r\n", b"\r\n", &[b'+'; LINE_BYTES_MAX + 1]]
        {
            let mut parser = Parser::default();
            parser.feed(bytes);
            assert!(parser.next_reply().is_err());
        }
        let mut parser = Parser::default();
        parser.feed(&b"*1\r\n".repeat(DEPTH_MAX + 1));
        assert!(parser.next_reply().is_err());
    }
}
