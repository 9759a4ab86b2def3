//! Patterns of keys and channels: `*`, `?`, `[a-z]`, `[^a]`, and `\\` before what stands for itself.

/// Redis takes one step of recursion for each run of stars that something stands behind, and gives
/// up after so many (since its defence against CVE-2024-31228).
const STARS_MAX: usize = 1000;

/// Whether the pattern is the one that lists of keys take for no pattern at all.
pub(crate) fn is_everything(pattern: &[u8]) -> bool {
    pattern == b"*"
}

/// Whether the whole text is as the pattern says. A text without bytes is as no pattern but the
/// empty one, not even `*`: Redis looks at a pattern only while there is text.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut from, mut stars) = (0, 0, 0);
    // Where to go on when a `*` has to take one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if at == pattern.len() && from == text.len() {
            return true;
        }
        if pattern.get(at) == Some(&b'*') {
            at += pattern[at..].iter().take_while(|byte| **byte == b'*').count();
            if at == pattern.len() {
                return true;
            }
            // No later star can help where an earlier one has failed to, so that each is met once.
            stars += 1;
            if stars > STARS_MAX {
                return false;
            }
            star = Some((at, from));
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
                // C's bytes have a sign.
                let [one, other, byte] = [*low, *high, byte].map(u8::cast_signed);
                found |= (one.min(other)..=one.max(other)).contains(&byte);
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
            ("", ""),
            ("*", "anything"),
            ("a**", "a"),
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
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("*", ""),
            ("**", ""),
            ("a*b", "ac"),
            ("h[^e]llo", "hello"),
            ("?", ""),
            ("[]", "]"),
        ] {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn ranges_of_bytes_have_a_sign() {
        assert!(matches(b"[\x80-\x01]", b"\xff") && matches(b"[\x80-\x01]", b"\x00"));
        assert!(!matches(b"[\x80-\x01]", b"\x02") && !matches(b"[\x01-\x80]", b"\x7f"));
    }

    #[test]
    fn a_thousand_stars_match_and_one_more_does_not() {
        let text = b"a".repeat(2000);
        let stars = |count: usize, end: &[u8]| [b"*a".repeat(count), end.to_vec()].concat();
        assert!(matches(&stars(1000, b""), &text) && matches(&stars(1000, b"***"), &text));
        assert!(!matches(&stars(1001, b""), &text) && !matches(&stars(1000, b"*a"), &text));
    }
}
