//! When two replies say the same. Everything is compared byte by byte but for what Redis itself
//! leaves open; each loosening stands here and in `docs/redis.md`.

/// How the replies to a command are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Byte by byte.
    Exactly,
    /// In any order of the items: Redis tells them in the order of a hash table.
    AnyOrder,
    /// As [`AnyOrder`](Self::AnyOrder), two items belonging together.
    AnyOrderOfPairs,
    /// Lines in any order: what Redis tells of many channels follows a hash table.
    LinesInAnyOrder,
    /// As if two errors were one, between which Redis chooses by an error of earlier times.
    NotWhyNothingIsAdded,
    /// As if strings were kept in one way only: the simulated Redis does not know how one was made.
    NotHowStringsAreKept,
    /// Only how many items there are: they are chosen by chance.
    Count,
}

/// Whether the replies to this command say the same.
pub fn same(words: &[Vec<u8>], ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    match how(words, ours) {
        How::Exactly => false,
        How::NotHowStringsAreKept => {
            let kept: [&[u8]; 3] = [b"$3\r\nint\r\n", b"$6\r\nembstr\r\n", b"$3\r\nraw\r\n"];
            let shared: [&[u8]; 2] = [b":1\r\n", b":2147483647\r\n"];
            let both = |one_of: &[&[u8]]| one_of.contains(&ours) && one_of.contains(&theirs);
            both(&kept) || both(&shared)
        }
        How::Count => shape(ours) == shape(theirs),
        How::NotWhyNothingIsAdded => [ours, theirs].iter().all(|reply| {
            let told = [&b"-ERR Elements are too large"[..], b"-ERR The ID specified in XADD is"];
            told.iter().any(|start| reply.starts_with(start))
        }),
        How::LinesInAnyOrder => lines(ours) == lines(theirs),
        How::AnyOrder => sorted(ours, 1) == sorted(theirs, 1),
        How::AnyOrderOfPairs => sorted(ours, 2) == sorted(theirs, 2),
    }
}

fn how(words: &[Vec<u8>], reply: &[u8]) -> How {
    match words[0].to_ascii_lowercase().as_slice() {
        b"smembers" | b"sunion" | b"sinter" | b"sdiff" | b"keys" | b"scan" | b"sscan" => {
            How::AnyOrder
        }
        // Only asked for so many that the whole set goes: see `sets.rs`.
        b"spop" => How::AnyOrder,
        b"hkeys" | b"hvals" if is_large(words) => How::AnyOrder,
        b"hgetall" | b"hscan" if is_large(words) => How::AnyOrderOfPairs,
        // Small sorted sets are told in their order, but only we know here which are small.
        b"zscan" => How::AnyOrderOfPairs,
        b"unsubscribe" | b"punsubscribe" | b"sunsubscribe" if words.len() == 1 => {
            How::LinesInAnyOrder
        }
        b"exec" if reply.windows(11).any(|part| part == b"unsubscribe") => How::LinesInAnyOrder,
        b"xadd" => How::NotWhyNothingIsAdded,
        b"object" => How::NotHowStringsAreKept,
        b"srandmember" | b"hrandfield" | b"zrandmember" | b"randomkey" => How::Count,
        _ => How::Exactly,
    }
}

/// The lines of a reply, or of what a replica is sent, in order.
pub fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// Keys of this name hold collections that Redis keeps as hash tables.
fn is_large(words: &[Vec<u8>]) -> bool {
    words.get(1).is_some_and(|key| key.starts_with(b"large"))
}

/// The kind and number of items: the first line, and for a single value only its kind.
fn shape(reply: &[u8]) -> Vec<u8> {
    match reply {
        [b'$', sign, ..] if *sign != b'-' => b"$".to_vec(),
        _ => reply.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec(),
    }
}

/// The reply with the items of its innermost list in order, `size` of them belonging together.
/// Only simple lists of bulks follow the last list's header, so that lines can stand for them.
fn sorted(reply: &[u8], size: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let header = (0..reply.len()).rev().find(|at| {
        let starts_line = *at == 0 || reply[..*at].ends_with(b"\r\n");
        let lengths = reply[*at..].splitn(2, |byte| *byte == b'\r').next().unwrap_or_default();
        let counts = lengths.len() > 1 && lengths[1..].iter().all(u8::is_ascii_digit);
        starts_line && matches!(reply[*at], b'*' | b'~' | b'%') && counts
    });
    let Some(header) = header else { return (reply.to_vec(), Vec::new()) };
    let body = reply[header..].windows(2).position(|two| two == b"\r\n");
    let body = header + body.expect("a header is a line") + 2;
    let mut items = bulks(&reply[body..]);
    let mut groups: Vec<Vec<u8>> = items.chunks_mut(size).map(|group| group.concat()).collect();
    groups.sort();
    (reply[..body].to_vec(), groups)
}

fn bulks(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    while let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&bytes[1..line]).ok().and_then(|text| text.parse().ok());
        let end = (line + 2 + length.map_or(0, |length: usize| length + 2)).min(bytes.len());
        items.push(bytes[..end].to_vec());
        bytes = &bytes[end..];
    }
    items
}
