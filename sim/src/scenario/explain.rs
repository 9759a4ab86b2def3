//! Words for what the decoder refuses: what is wrong, and what would be right.
//!
//! Knows the ways in which a value can be wrong, not the values.

/// What is wrong with a value or a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// The table has no such key.
    UnknownKey { key: String, known: Vec<&'static str> },
    /// The value is not one of the known words.
    UnknownWord { word: String, known: Vec<&'static str> },
    /// The table lacks a key.
    MissingKey(&'static str),
    /// The value is of another kind than the key takes.
    WrongKind { found: String, wanted: String },
    /// The value is of the right kind and outside of what the key takes.
    OutOfRange { found: String, wanted: String },
    /// The type's own words, remedy included.
    Words(String),
}

impl Reason {
    pub fn explain(&self) -> String {
        match self {
            Self::UnknownKey { key, known } => {
                let hint = did_you_mean(key, known.iter().copied());
                match (hint.as_str(), known.is_empty()) {
                    ("", true) => "there is no such key; leave it out".to_owned(),
                    ("", false) => {
                        format!("there is no such key; the keys here are {}", list(known.clone()))
                    }
                    (hint, _) => format!("there is no such key{hint}"),
                }
            }
            Self::UnknownWord { word, known } => {
                match did_you_mean(word, known.iter().copied()).as_str() {
                    "" => format!("`{word}` is not known; write {}", one_of(known)),
                    hint => format!("`{word}` is not known{hint}"),
                }
            }
            Self::MissingKey(key) => match example(key) {
                Some(example) => format!("it is missing; add it, as in `{key} = {example}`"),
                None => "it is missing; add it".to_owned(),
            },
            Self::WrongKind { found, wanted } => {
                format!("{found}; write {}", in_words(wanted))
            }
            Self::OutOfRange { found, wanted } => {
                format!("{found} is out of range; write {}", in_words(wanted))
            }
            Self::Words(words) => words.clone(),
        }
    }
}

/// `; did you mean …?` when a known word is close enough to what was written, else nothing.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(candidate) => format!("; did you mean `{candidate}`?"),
        None => String::new(),
    }
}

/// The known word that was probably meant: about one letter in three may be wrong.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(word, candidate);
    let near = |candidate: &&str| {
        let letters = candidate.chars().count();
        distance(candidate) <= letters.div_ceil(3) && distance(candidate) < letters
    };
    known.into_iter().filter(near).min_by_key(|candidate| distance(candidate))
}

/// `` `a`, `b`, `c` ``.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// `"a", "b" or "c"`.
pub(in crate::scenario) fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => quoted.concat(),
    }
}

/// What serde's visitors expect, in words for people who write TOML.
fn in_words(wanted: &str) -> String {
    let words = match wanted {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "a nonzero u32" => "a whole number, 1 or more",
        "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text in quotes (a span of time carries its unit, as in \"250ms\")",
        "a sequence" => "an array, as in [\"1s\", \"3s\"]",
        _ if wanted.starts_with("struct ") => "a table, as in { key = value }",
        _ => wanted,
    };
    words.to_owned()
}

/// What a required key looks like.
fn example(key: &str) -> Option<&'static str> {
    Some(match key {
        "name" => "\"groups\"",
        "cost" => "\"330ns\"",
        "source" => "\"measured: …\"",
        "pairs" => "100",
        "groups" => "20",
        "members" => "{ zipf = 1.2, min = 3, max = 100 }",
        "zipf" => "1.2",
        "min" => "3",
        "max" => "100",
        "rate" => "\"1%\"` for a loss or `rate = \"40/s\"",
        "at" => "\"10s\"",
        "lasts" => "\"5s\"",
        "links" => "\"clients\"",
        "by" => "\"200ms\"",
        "between" => "[\"gateway\", \"chat\"]",
        "node" => "\"gateway-0\"",
        "workload" => "\"groups\"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_close_words_are_suggested() {
        let known = ["rate", "pairs", "payload"];
        for (word, hint) in [
            ("rat", "; did you mean `rate`?"),
            ("x", ""),
            ("paylod", "; did you mean `payload`?"),
            ("colour", ""),
        ] {
            assert_eq!(did_you_mean(word, known), hint, "{word}");
        }
    }

    #[test]
    fn known_words_are_listed_in_a_sentence() {
        assert_eq!(one_of(&["a"]), "\"a\"");
        assert_eq!(one_of(&["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
    }
}
