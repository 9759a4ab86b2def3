//! Replies and their bytes, in the old protocol (RESP2) and the new (RESP3).
//!
//! It knows the protocol and no command.

use super::number::write_float;

/// Which protocol a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// Every connection begins with it.
    #[default]
    Resp2,
    /// Chosen with `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// Its number, as `HELLO` takes it.
    pub fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// What a command answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// No reply, or none yet.
    Nothing,
    /// Replies to one command, one after the other.
    Several(Vec<Reply>),
    /// A short fixed text.
    Simple(&'static str),
    /// A short text on one line.
    Status(Vec<u8>),
    /// An error, its code first (`ERR …`).
    Error(Vec<u8>),
    /// A number.
    Integer(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Null,
    /// Nothing there, where there could have been a list.
    NullArray,
    /// Yes or no; a number in the old protocol.
    Bool(bool),
    /// A score.
    Double(f64),
    /// A text for people.
    Text(String),
    /// A list.
    Array(Vec<Reply>),
    /// Members of a set; a list in the old protocol.
    Set(Vec<Reply>),
    /// Keys and values; the old protocol has them one after the other in a list.
    Map(Vec<(Reply, Reply)>),
    /// What nobody asked for, such as a published message; a list in the old protocol.
    Push(Vec<Reply>),
    /// A reply that has been written before.
    Raw(Vec<u8>),
}

impl Reply {
    /// `+OK`.
    pub const OK: Self = Self::Simple("OK");

    /// Bytes that are a text.
    pub fn bulk(text: impl AsRef<[u8]>) -> Self {
        Self::Bulk(text.as_ref().to_vec())
    }

    /// A number of things.
    pub fn count(things: usize) -> Self {
        Self::Integer(i64::try_from(things).expect("no collection is that large"))
    }

    /// Appends the bytes of the reply.
    pub fn write(&self, protocol: Protocol, out: &mut Vec<u8>) {
        let new = protocol == Protocol::Resp3;
        match self {
            Self::Nothing => {}
            Self::Several(replies) => replies.iter().for_each(|one| one.write(protocol, out)),
            Self::Simple(text) => line(out, b'+', text.as_bytes()),
            Self::Status(text) => line(out, b'+', text),
            Self::Error(text) => line(out, b'-', text),
            Self::Integer(number) => line(out, b':', number.to_string().as_bytes()),
            Self::Bulk(bytes) => bulk(out, b'$', bytes),
            Self::Null | Self::NullArray if new => out.extend(b"_\r\n"),
            Self::Null => out.extend(b"$-1\r\n"),
            Self::NullArray => out.extend(b"*-1\r\n"),
            Self::Bool(yes) if new => line(out, b'#', if *yes { b"t" } else { b"f" }),
            Self::Bool(yes) => line(out, b':', if *yes { b"1" } else { b"0" }),
            Self::Double(value) if new => line(out, b',', write_float(*value).as_bytes()),
            Self::Double(value) => bulk(out, b'$', write_float(*value).as_bytes()),
            Self::Text(text) if new => bulk(out, b'=', format!("txt:{text}").as_bytes()),
            Self::Text(text) => bulk(out, b'$', text.as_bytes()),
            Self::Array(items) => {
                Self::write_array_header(items.len(), out);
                items.iter().for_each(|item| item.write(protocol, out));
            }
            Self::Set(items) => {
                Self::write_set_header(items.len(), protocol, out);
                items.iter().for_each(|item| item.write(protocol, out));
            }
            Self::Push(items) => {
                header(out, if new { b'>' } else { b'*' }, items.len());
                items.iter().for_each(|item| item.write(protocol, out));
            }
            Self::Raw(bytes) => out.extend(bytes),
            Self::Map(pairs) => {
                Self::write_map_header(pairs.len(), protocol, out);
                for (key, value) in pairs {
                    key.write(protocol, out);
                    value.write(protocol, out);
                }
            }
        }
    }
}

/// Parts of replies.
impl Reply {
    /// Writes only what is pushed.
    pub fn write_pushes(&self, protocol: Protocol, out: &mut Vec<u8>) {
        match self {
            Self::Push(_) => self.write(protocol, out),
            Self::Several(replies) => {
                replies.iter().for_each(|one| one.write_pushes(protocol, out))
            }
            _ => {}
        }
    }
}

/// The beginnings of replies of many values.
impl Reply {
    /// So many items follow.
    pub fn write_array_header(len: usize, out: &mut Vec<u8>) {
        header(out, b'*', len);
    }

    /// So many members follow.
    pub fn write_set_header(len: usize, protocol: Protocol, out: &mut Vec<u8>) {
        header(out, if protocol == Protocol::Resp3 { b'~' } else { b'*' }, len);
    }

    /// So many pairs follow.
    pub fn write_map_header(len: usize, protocol: Protocol, out: &mut Vec<u8>) {
        match protocol {
            Protocol::Resp3 => header(out, b'%', len),
            Protocol::Resp2 => header(out, b'*', len * 2),
        }
    }
}

fn header(out: &mut Vec<u8>, kind: u8, len: usize) {
    line(out, kind, len.to_string().as_bytes());
}

fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend(text);
    out.extend(b"\r\n");
}

fn bulk(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    line(out, kind, bytes.len().to_string().as_bytes());
    out.extend(bytes);
    out.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(reply: &Reply) -> [String; 2] {
        [Protocol::Resp2, Protocol::Resp3].map(|protocol| {
            let mut out = Vec::new();
            reply.write(protocol, &mut out);
            String::from_utf8(out).expect("only texts are written here")
        })
    }

    #[test]
    fn the_two_protocols_differ_where_they_should() {
        assert_eq!(both(&Reply::OK), ["+OK\r\n", "+OK\r\n"]);
        assert_eq!(both(&Reply::Null), ["$-1\r\n", "_\r\n"]);
        assert_eq!(both(&Reply::Double(1.5)), ["$3\r\n1.5\r\n", ",1.5\r\n"]);
        assert_eq!(both(&Reply::Text("a".into())), ["$1\r\na\r\n", "=5\r\ntxt:a\r\n"]);
        let map = Reply::Map(vec![(Reply::bulk("k"), Reply::Integer(-1))]);
        assert_eq!(both(&map), ["*2\r\n$1\r\nk\r\n:-1\r\n", "%1\r\n$1\r\nk\r\n:-1\r\n"]);
    }
}
