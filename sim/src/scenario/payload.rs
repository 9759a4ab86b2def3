//! `payload` of a workload: what a message weighs.
//!
//! Knows sizes, not contents.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// What a message weighs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// Always that many bytes.
    Bytes(u32),
    /// A known mix of sizes.
    Mix(Mix),
}

/// The known mixes of payload sizes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mix {
    /// 70 % 256 B, 25 % 1 KiB, 4 % 4 KiB, 1 % 16 KiB. Source: WuKongIM wkbench.
    Wkbench,
}

impl Payload {
    /// Sizes in bytes, each with its weight; the weights add up to 100.
    pub fn sizes(&self) -> Vec<(u32, u32)> {
        match self {
            Self::Bytes(bytes) => vec![(*bytes, 100)],
            Self::Mix(Mix::Wkbench) => vec![(256, 70), (1_024, 25), (4_096, 4), (16_384, 1)],
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Bytes(256)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            bytes: Option<u32>,
            mix: Option<Mix>,
        }

        struct BytesOrMix;

        impl<'de> Visitor<'de> for BytesOrMix {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ bytes = 256 } or { mix = \"wkbench\" }")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Payload, A::Error> {
                match Keys::deserialize(MapAccessDeserializer::new(map))? {
                    Keys { bytes: Some(bytes), mix: None } => Ok(Payload::Bytes(bytes)),
                    Keys { bytes: None, mix: Some(mix) } => Ok(Payload::Mix(mix)),
                    _ => Err(A::Error::custom(
                        "a payload has either `bytes` or a `mix`; write { bytes = 256 } or \
                         { mix = \"wkbench\" }",
                    )),
                }
            }
        }

        deserializer.deserialize_any(BytesOrMix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_payload_sizes_add_up() {
        for payload in [Payload::default(), Payload::Mix(Mix::Wkbench)] {
            assert_eq!(payload.sizes().iter().map(|(_, weight)| weight).sum::<u32>(), 100);
        }
    }
}
