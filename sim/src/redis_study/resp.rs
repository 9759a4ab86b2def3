//! The client's side of the Redis protocol (RESP2), as little of it as the study needs.
//!
//! It must not know which commands there are.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A read takes at most so many bytes.
const READ_BYTES_MAX: usize = 16 * 1024;

/// What Redis answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A short text.
    Simple(String),
    /// An error, its code first.
    Error(String),
    /// A number.
    Integer(i64),
    /// Bytes that are text.
    Bulk(String),
    /// Nothing there.
    Nil,
    /// A list.
    Array(Vec<Value>),
}

impl Value {
    /// The text of a text of either kind.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Simple(text) | Self::Bulk(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}

/// A connection on which one command at a time is under way.
pub struct Connection<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream that has carried nothing yet.
    pub fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Sends a command and waits for its answer. After an error, or when the future is dropped
    /// before its end, the connection is of no use any more.
    pub async fn call(&mut self, words: &[&str]) -> io::Result<Value> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(request.as_bytes()).await?;
        let mut bytes = vec![0; READ_BYTES_MAX];
        loop {
            if let Some((value, used)) = parse(&self.unread)? {
                self.unread.drain(..used);
                return Ok(value);
            }
            let count = self.stream.read(&mut bytes).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.unread.extend_from_slice(&bytes[..count]);
        }
    }
}

/// The first value of the bytes, and how many of them it takes; `None` while some are missing.
fn parse(bytes: &[u8]) -> io::Result<Option<(Value, usize)>> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| odd())?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(odd)?;
    let number = || rest.parse::<i64>().map_err(|_| odd());
    let mut used = end + 2;
    let value = match kind {
        "+" => Value::Simple(rest.to_owned()),
        "-" => Value::Error(rest.to_owned()),
        ":" => Value::Integer(number()?),
        "$" => match usize::try_from(number()?) {
            Err(_) => Value::Nil,
            Ok(len) => {
                let Some(text) = bytes.get(used..used + len) else { return Ok(None) };
                if bytes.len() < used + len + 2 {
                    return Ok(None);
                }
                used += len + 2;
                Value::Bulk(String::from_utf8_lossy(text).into_owned())
            }
        },
        "*" => match usize::try_from(number()?) {
            Err(_) => Value::Nil,
            Ok(count) => {
                let mut items = Vec::new();
                for _ in 0..count {
                    let Some((item, more)) = parse(&bytes[used..])? else { return Ok(None) };
                    items.push(item);
                    used += more;
                }
                Value::Array(items)
            }
        },
        _ => return Err(odd()),
    };
    Ok(Some((value, used)))
}

fn odd() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a reply of Redis")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_once_all_of_their_bytes_are_there() {
        let bytes = b"*3\r\n$6\r\nmaster\r\n:42\r\n*1\r\n$-1\r\n-READONLY no\r\n";
        let whole = Value::Array(vec![
            Value::Bulk("master".to_owned()),
            Value::Integer(42),
            Value::Array(vec![Value::Nil]),
        ]);
        let len = bytes.len() - b"-READONLY no\r\n".len();
        for cut in 0..len {
            assert_eq!(parse(&bytes[..cut]).expect("sound so far"), None, "{cut} bytes");
        }
        assert_eq!(parse(bytes).expect("sound"), Some((whole, len)));
        let error = Value::Error("READONLY no".to_owned());
        assert_eq!(parse(&bytes[len..]).expect("sound"), Some((error, bytes.len() - len)));
        assert!(parse(b"?what\r\n").is_err());
    }
}
