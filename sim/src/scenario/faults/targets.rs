//! What a fault is aimed at: a kind of link, or nodes.
//!
//! Knows how targets are written, not which hosts they are.

use std::fmt;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::scenario::nodes::Target;

/// A kind of link.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// Between devices and gateways.
    Clients,
    /// Between servers.
    Backend,
}

impl Links {
    /// In words, as reports say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Clients => "client links",
            Self::Backend => "backend links",
        }
    }
}

/// In which directions a cut swallows packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Neither side can reach the other.
    #[default]
    Both,
    /// The first side cannot reach the second; packets from the second to the first arrive.
    OneWay,
}

/// Which nodes are dealt to two halves at random, anew for each seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Halves {
    /// Servers; devices reach both halves.
    Servers,
    /// Servers and users. A user's devices are in the same half.
    All,
}

/// One target (`"gateway-0"`), or a list of them (`["gateway-0", "chat"]`): roles, nodes, regions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Targets(pub Vec<Target>);

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Target::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Targets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role, a node or a region, or a list of them, as in \"gateway-0\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Targets, E> {
                Target::deserialize(StrDeserializer::new(text)).map(|target| Targets(vec![target]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Targets, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Targets)
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Targets {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Targets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<Target>();
        schemars::json_schema!({
            "description": "A role, a node or a region, or a list of them.",
            "oneOf": [one, { "type": "array", "items": one, "minItems": 1 }],
        })
    }
}
