//! The decoder: from a raw tree to typed values, with the exact path of what does not fit.
//!
//! It is a serde deserializer of its own, because the ready-made ones lose what good messages are
//! made of: the path inside tagged tables, the known keys, the kind of the value. Knows no key of
//! the scenario.

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, Unexpected};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::explain::{Reason, one_of};
use super::refusal::Refusal;
use super::tree::{Node, Value};

/// A kind of a tagged table: the value of its `kind`, and how to decode the keys beside it.
pub(super) type Kind<T> = (&'static str, fn(&Node) -> Result<T, Refusal>);

/// A type that is written as a table whose `kind` says which keys it has. Decoded by hand: serde's
/// own way buffers the table, and the path of what is wrong inside is lost.
pub(super) trait Tagged: Sized + 'static {
    /// All kinds.
    const KINDS: &'static [Kind<Self>];
}

/// Decodes any value.
pub(super) fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Refusal> {
    T::deserialize(Source { node, without: None })
}

/// Decodes the keys beside `kind`.
pub(super) fn decode_body<T: DeserializeOwned>(node: &Node) -> Result<T, Refusal> {
    T::deserialize(Source { node, without: Some("kind") })
}

/// Decodes a table by its `kind`.
pub(super) fn decode_tagged<T: Tagged>(node: &Node) -> Result<T, Refusal> {
    if !matches!(node.value, Value::Table(_)) {
        return Err(Refusal::wrong_kind(node, "a table with a `kind`"));
    }
    let known = || T::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
    let kind: String = match node.get("kind") {
        Some(kind) => decode(kind).map_err(|refusal| refusal.within("kind"))?,
        None => {
            let missing =
                Reason::Words(format!("it is missing; add it, as in `kind = \"{}\"`", known()[0]));
            return Err(Refusal::from(missing).within("kind"));
        }
    };
    match T::KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, body)) => body(node),
        None => {
            let unknown = Reason::UnknownWord { word: kind, known: known() };
            Err(Refusal::from(unknown).within("kind"))
        }
    }
}

/// A node as a deserializer; a table is read as if it lacked the key `without`.
#[derive(Clone, Copy)]
struct Source<'a> {
    node: &'a Node,
    without: Option<&'static str>,
}

impl<'a> From<&'a Node> for Source<'a> {
    fn from(node: &'a Node) -> Self {
        Self { node, without: None }
    }
}

impl<'de> Deserializer<'de> for Source<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match &self.node.value {
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::Other(words) => Err(Error::invalid_type(Unexpected::Other(words), &visitor)),
            Value::Array(items) => {
                let mut items = Items { all: items, next: 0 };
                let value = visitor.visit_seq(&mut items)?;
                match items.next == items.all.len() {
                    true => Ok(value),
                    false => {
                        let wanted = format!("an array of length {}", items.next);
                        Err(Error::invalid_length(items.all.len(), &wanted.as_str()))
                    }
                }
            }
            Value::Table(entries) => {
                let mut wanted =
                    entries.iter().filter(|(key, _)| Some(key.as_str()) != self.without);
                visitor.visit_map(Entries { rest: &mut wanted, value: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match &self.node.value {
            Value::Text(word) => {
                let word: StrDeserializer<'_, Refusal> = word.as_str().into_deserializer();
                visitor.visit_enum(word)
            }
            _ => Err(Refusal::wrong_kind(self.node, &one_of(known))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of an array, in turn.
struct Items<'a> {
    all: &'a [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some(node) = self.all.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        let value = seed.deserialize(Source::from(node));
        value.map(Some).map_err(|refusal| refusal.within(index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.all.len() - self.next)
    }
}

/// The entries of a table, in turn.
struct Entries<'a, 'b> {
    rest: &'b mut dyn Iterator<Item = (&'a String, &'a Node)>,
    value: Option<(&'a String, &'a Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        self.value = self.rest.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        let key: StringDeserializer<Refusal> = key.clone().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let (key, node) = self.value.take().expect("serde asks for a key before its value");
        seed.deserialize(Source::from(node)).map_err(|refusal| refusal.within(key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        waits: Vec<u8>,
        word: Option<Word>,
    }

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        First,
        SecondOne,
    }

    #[derive(PartialEq, Debug)]
    struct Thing(Inner);

    impl Tagged for Thing {
        const KINDS: &'static [Kind<Self>] = &[("thing", |node| decode_body(node).map(Self))];
    }

    fn thing(text: &str) -> Result<Thing, (String, String)> {
        let root = Node::from_toml(text).expect(text);
        decode_tagged::<Thing>(&root).map_err(|refusal| {
            let (path, words) = refusal.into_parts();
            (path.join("."), words)
        })
    }

    #[test]
    fn a_tagged_table_is_decoded_without_its_tag() {
        let good = thing("kind = \"thing\"\nwaits = [1, 2]\nword = \"second-one\"");
        assert_eq!(good, Ok(Thing(Inner { waits: vec![1, 2], word: Some(Word::SecondOne) })));
    }

    #[test]
    fn what_does_not_fit_is_found_at_its_path() {
        for (text, path, words) in [
            ("", "kind", "it is missing; add it, as in `kind = \"thing\"`"),
            ("kind = \"thong\"", "kind", "`thong` is not known; did you mean `thing`?"),
            (
                "kind = 3",
                "kind",
                "`3` is a whole number; write text in quotes (a span of time \
              carries its unit, as in \"250ms\")",
            ),
            ("kind = \"thing\"", "waits", "it is missing; add it"),
            ("kind = \"thing\"\nwait = []", "wait", "there is no such key; did you mean `waits`?"),
            (
                "kind = \"thing\"\nx = []",
                "x",
                "there is no such key; the keys here are `waits`, `word`",
            ),
            (
                "kind = \"thing\"\nwaits = [1, \"2\"]",
                "waits.1",
                "`2` is text; write a whole number \
              from 0 to 255",
            ),
            (
                "kind = \"thing\"\nwaits = [1, 2, 256]",
                "waits.2",
                "`256` is out of range; write a \
              whole number from 0 to 255",
            ),
            (
                "kind = \"thing\"\nwaits = 0.5",
                "waits",
                "`0.5` is a number with a fraction; write \
              an array, as in [\"1s\", \"3s\"]",
            ),
            (
                "kind = \"thing\"\nwaits = []\nword = true",
                "word",
                "`true` is a boolean; write \
              \"first\" or \"second-one\"",
            ),
            (
                "kind = \"thing\"\nwaits = 2026-11-01",
                "waits",
                "this is `2026-11-01`, a date; write \
              an array, as in [\"1s\", \"3s\"]",
            ),
        ] {
            assert_eq!(thing(text), Err((path.to_owned(), words.to_owned())), "{text}");
        }
    }
}
