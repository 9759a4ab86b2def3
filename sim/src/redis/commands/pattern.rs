//! Patterns of keys and channels: `*`, `?`, `[a-z]`, `[^a]`, and `\\` before what stands for itself.

/// Whether the whole text is as the pattern says.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on when a `*` has to take one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if at == pattern.len() && from == text.len() {
            return true;
        }
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, from));
            at += 1;
            continue;
        }
        let one = text.get(from).and_then(|byte| step(&pattern[at..], *byte));
        match (one, star) {
            (Some(len), _) => (at, from) = (at + len, from + 1),
            (None, Some((after, taken))) if taken < text.len() => {
                star = Some((after, taken + 1));
                (at, from) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How much of the pattern the byte takes, if it is as its beginning says.
fn step(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (inside, len) = holds(class, byte);
            inside.then_some(len + 1)
        }
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// Whether a class holds the byte, and how long the class is; one that does not end takes the rest.
fn holds(class: &[u8], byte: u8) -> (bool, usize) {
    let not = class.first() == Some(&b'^');
    let (mut at, mut found) = (usize::from(not), false);
    loop {
        match &class[at.min(class.len())..] {
            [] => return (found != not, class.len()),
            [b'\\', literal, ..] => {
                found |= *literal == byte;
                at += 2;
            }
            [b']', ..] => return (found != not, at + 1),
            [low, b'-', high, ..] => {
                let (low, high) = (low.min(high), low.max(high));
                found |= (low..=high).contains(&&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= *literal == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("a*b*c", "aXbYbc"),
            ("h?llo", "hello"),
            ("h[ae]llo", "hallo"),
            ("h[^e]llo", "hallo"),
            ("h[c-a]llo", "hbllo"),
            ("\\*", "*"),
            ("[\\]]", "]"),
            ("[abc", "c"),
        ] {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "a"), ("a", ""), ("a*b", "ac"), ("h[^e]llo", "hello"), ("?", ""), ("[]", "]")]
        {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }
}
