//! Requests taken from a stream of bytes: arrays of bulk strings, or lines typed by hand.
//!
//! A reader keeps what it has understood so far, so that a large request that arrives in pieces is
//! not read again from its start. Limits and error texts are those of Redis.

use super::number::integer;

/// A line, or the line with a length, must end within so many bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// `proto-max-bulk-len` of Redis, at its default.
const BULK_BYTES_MAX: i64 = 512 * 1024 * 1024;

/// So many words has a request at most of a client that has not said who it is …
const STRANGER_WORDS_MAX: i64 = 10;

/// … and so many bytes has each of them.
const STRANGER_BULK_BYTES_MAX: i64 = 16_384;

/// A request: the name of the command and its arguments.
pub type Request = Vec<Vec<u8>>;

/// The stream is not the protocol. The client is told why, and the connection ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtocolError(pub Vec<u8>);

/// Takes requests from the bytes of a connection.
#[derive(Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// What lies before is used up.
    at: usize,
    /// Arguments of the request under way that are complete.
    arguments: Request,
    /// How many are still to come.
    missing: usize,
    /// The length of the next, once known.
    next_len: Option<usize>,
    /// See [`Reader::takes_empty_line`].
    empty_line: bool,
    /// Requests are to be short: nobody knows yet who sends them.
    stranger: bool,
}

impl Reader {
    /// Adds bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next request, once it is there in full.
    pub fn next_request(&mut self) -> Result<Option<Request>, ProtocolError> {
        loop {
            if self.missing > 0 {
                return self.arguments();
            }
            let Some(first) = self.rest().first() else { return Ok(None) };
            let request = if *first == b'*' { self.header()? } else { self.inline()? };
            match request {
                // An empty request is no request.
                Some(request) if request.is_empty() => {}
                done => return Ok(done),
            }
            if self.missing == 0 && self.rest().is_empty() {
                return Ok(None);
            }
        }
    }

    /// Whether requests must be short from now on, because the client has not said who it is.
    pub fn distrust(&mut self, stranger: bool) {
        self.stranger = stranger;
    }

    /// Whether an empty line has come since this was asked last: no request, but a sign of life.
    pub fn takes_empty_line(&mut self) -> bool {
        std::mem::take(&mut self.empty_line)
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// `*3`: how many arguments follow. Yields an empty request when it has been read.
    fn header(&mut self) -> Result<Option<Request>, ProtocolError> {
        let Some(line) = self.line(b"too big mbulk count string")? else { return Ok(None) };
        let count = integer(&line[1..]).filter(|count| *count <= i64::from(i32::MAX));
        let Some(count) = count else { return Err(error(b"invalid multibulk length")) };
        if self.stranger && count > STRANGER_WORDS_MAX {
            return Err(error(b"unauthenticated multibulk length"));
        }
        self.missing = usize::try_from(count).unwrap_or(0);
        Ok(Some(Request::new()))
    }

    fn arguments(&mut self) -> Result<Option<Request>, ProtocolError> {
        while self.missing > 0 {
            let len = match self.next_len {
                Some(len) => len,
                None => match self.length()? {
                    Some(len) => *self.next_len.insert(len),
                    None => return Ok(None),
                },
            };
            // The line end after the bytes is skipped, whatever it is.
            if self.rest().len() < len + 2 {
                return Ok(None);
            }
            let argument = self.rest()[..len].to_vec();
            self.arguments.push(argument);
            self.at += len + 2;
            self.next_len = None;
            self.missing -= 1;
        }
        Ok(Some(std::mem::take(&mut self.arguments)))
    }

    /// `$5`: how long the next argument is.
    fn length(&mut self) -> Result<Option<usize>, ProtocolError> {
        let Some(line) = self.line(b"too big bulk count string")? else { return Ok(None) };
        if line.first() != Some(&b'$') {
            // An error stays on one line, whatever byte it tells of.
            let got = line.first().copied().filter(|byte| *byte != b'\n').unwrap_or(b' ');
            return Err(error(&[b"expected '$', got '", &[got][..], b"'"].concat()));
        }
        let len = integer(&line[1..]).filter(|len| (0..=BULK_BYTES_MAX).contains(len));
        let len = len.ok_or_else(|| error(b"invalid bulk length"))?;
        if self.stranger && len > STRANGER_BULK_BYTES_MAX {
            return Err(error(b"unauthenticated bulk length"));
        }
        Ok(Some(usize::try_from(len).expect("the limit fits")))
    }

    /// Takes what stands before the next `\r\n`.
    fn line(&mut self, too_long: &[u8]) -> Result<Option<Vec<u8>>, ProtocolError> {
        let rest = self.rest();
        match rest.iter().position(|byte| *byte == b'\r') {
            Some(end) if end + 2 <= rest.len() => {
                let line = rest[..end].to_vec();
                self.at += end + 2;
                Ok(Some(line))
            }
            Some(_) => Ok(None),
            None if rest.len() > LINE_BYTES_MAX => Err(error(too_long)),
            None => Ok(None),
        }
    }

    /// A line typed by hand.
    fn inline(&mut self) -> Result<Option<Request>, ProtocolError> {
        let rest = self.rest();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return match rest.len() > LINE_BYTES_MAX {
                true => Err(error(b"too big inline request")),
                false => Ok(None),
            };
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let (words, empty) = (split(line), line.is_empty());
        self.at += end + 1;
        self.empty_line |= empty;
        words.map(Some).ok_or_else(|| error(b"unbalanced quotes in request"))
    }
}

fn error(text: &[u8]) -> ProtocolError {
    ProtocolError([b"ERR Protocol error: ", text].concat())
}

/// Splits a line into words; quotes keep spaces, and in double quotes `\n`, `\x41` and the like
/// are understood. `None` when the quotes do not match.
fn split(line: &[u8]) -> Option<Request> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some((byte, after)) = rest.split_first() {
            rest = match byte {
                byte if byte.is_ascii_whitespace() => break,
                b'"' | b'\'' => quoted(*byte, after, &mut word)?,
                _ => {
                    word.push(*byte);
                    after
                }
            };
        }
        words.push(word);
    }
}

/// Reads up to the closing quote, which must end the word; returns what follows.
fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte == quote {
            return rest.first().is_none_or(u8::is_ascii_whitespace).then_some(rest);
        }
        if *byte != b'\\' {
            word.push(*byte);
            continue;
        }
        match (quote, rest) {
            (b'"', [b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            (b'"', [escaped, after @ ..]) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = after;
            }
            (b'\'', [b'\'', after @ ..]) => {
                word.push(b'\'');
                rest = after;
            }
            _ => word.push(b'\\'),
        }
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
        let mut reader = Reader::default();
        reader.feed(bytes);
        let mut requests = Vec::new();
        loop {
            match reader.next_request() {
                Ok(Some(request)) => requests.push(
                    request.iter().map(|word| String::from_utf8_lossy(word).into()).collect(),
                ),
                Ok(None) => return Ok(requests),
                Err(ProtocolError(text)) => return Err(String::from_utf8_lossy(&text).into()),
            }
        }
    }

    #[test]
    fn requests_follow_each_other() {
        let bytes = b"*1\r\n$4\r\nPING\r\n\r\n*0\r\nget  'a b'\n*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n";
        let expected = vec![vec!["PING"], vec!["get", "a b"], vec!["GET", "\r\n"]];
        assert_eq!(all(bytes).expect("a good stream"), expected);
    }

    #[test]
    fn a_request_may_arrive_byte_by_byte() {
        let mut reader = Reader::default();
        let bytes = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n";
        for (at, byte) in bytes.iter().enumerate() {
            reader.feed(&[*byte]);
            let complete = at + 1 == bytes.len();
            assert_eq!(reader.next_request().expect("a good stream").is_some(), complete);
        }
    }

    #[test]
    fn an_empty_line_is_a_sign_of_life() {
        let mut reader = Reader::default();
        for (bytes, sign) in
            [(&b"\n"[..], true), (b"\r\n", true), (b" \n", false), (b"*0\r\n", false)]
        {
            reader.feed(bytes);
            assert_eq!(reader.next_request(), Ok(None));
            assert_eq!(reader.takes_empty_line(), sign, "{bytes:?}");
            assert!(!reader.takes_empty_line());
        }
    }

    #[test]
    fn lines_are_split_as_a_shell_would() {
        let words = split(br#"set "a\x41\n\"" 'it\'s' x"y""#).expect("balanced");
        assert_eq!(words, [b"set".to_vec(), b"aA\n\"".to_vec(), b"it's".to_vec(), b"xy".to_vec()]);
        assert_eq!(split(br#""open"#), None);
        assert_eq!(split(br#""a"b"#), None);
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        for (bytes, text) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"get \"a\r\n", "unbalanced quotes in request"),
            (&[b'a'; LINE_BYTES_MAX + 1], "too big inline request"),
        ] {
            assert_eq!(all(bytes), Err(format!("ERR Protocol error: {text}")));
        }
    }
}
