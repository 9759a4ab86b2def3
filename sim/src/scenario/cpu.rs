//! The `[cpu]` table: whether the nodes' work costs virtual time, how much, and on what it is done.
//!
//! Knows where a calibration is found; what stands in it is for `calibration` to say.

use std::fmt;
use std::fs;
use std::path::Path as FilePath;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::calibration::Calibration;
use super::error::Problem;
use super::explain::did_you_mean;

/// The `[cpu]` table.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// What work costs: `"default"` (the calibration built into the program), `"none"` (nodes
    /// compute in no time), or the path of a calibration file, from the scenario's folder.
    #[serde(default)]
    pub calibration: Choice,
    /// All hosts, devices too, share one machine with so many cores; without it every host has a
    /// processor of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = CORES_MAX))]
    pub cores: Option<u32>,
    /// By how much costs are multiplied on devices; without it, what the calibration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = DEVICE_FACTOR_MAX))]
    pub device_factor: Option<u32>,
}

/// More cores than any machine that somebody would run all of a cluster on.
pub(super) const CORES_MAX: u32 = 1_024;
/// Slower than that is no device, but a mistake.
pub(super) const DEVICE_FACTOR_MAX: u32 = 1_000;

impl Cpu {
    /// By how much the calibration's costs are multiplied on devices.
    pub fn device_factor_over(&self, calibration: &Calibration) -> u32 {
        self.device_factor.unwrap_or(calibration.device_factor.times.get())
    }
}

/// Which calibration a scenario uses.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Choice {
    /// The one built into the program.
    #[default]
    Shipped,
    /// None: nodes compute in no time.
    Nothing,
    /// One of the user's own.
    Own(Box<Calibration>),
}

impl Choice {
    /// What work costs, if anything.
    pub fn calibration(&self) -> Option<Calibration> {
        match self {
            Self::Shipped => Some(Calibration::shipped()),
            Self::Nothing => None,
            Self::Own(calibration) => Some((**calibration).clone()),
        }
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    calibration: WrittenChoice,
    cores: Option<u32>,
    device_factor: Option<u32>,
}

/// A name or path; or, in the record, the calibration itself.
enum WrittenChoice {
    Named(String),
    Given(Box<Calibration>),
}

/// Why a calibration cannot be had.
pub(super) enum Unusable {
    /// The value of `cpu.calibration` is wrong.
    Choice(String),
    /// What stands in the file is.
    File(Vec<Problem>),
}

impl Written {
    /// The table, calibration and all; paths count from `folder`.
    pub fn resolve(self, folder: &FilePath) -> Result<Cpu, Unusable> {
        let calibration = match self.calibration {
            WrittenChoice::Given(calibration) => Choice::Own(calibration),
            WrittenChoice::Named(name) => match name.as_str() {
                "default" => Choice::Shipped,
                "none" => Choice::Nothing,
                path => Choice::Own(Box::new(read(&folder.join(path), path)?)),
            },
        };
        Ok(Cpu { calibration, cores: self.cores, device_factor: self.device_factor })
    }
}

fn read(path: &FilePath, written: &str) -> Result<Calibration, Unusable> {
    let text = fs::read_to_string(path).map_err(|error| {
        let remedy = match did_you_mean(written, ["default", "none"]).as_str() {
            "" => "; write \"default\", \"none\" or the path of a calibration file, from the \
                   scenario's folder"
                .to_owned(),
            hint => hint.to_owned(),
        };
        Unusable::Choice(format!("`{written}` is no file that can be read ({error}){remedy}"))
    })?;
    Calibration::parse(&path.display().to_string(), &text).map_err(Unusable::File)
}

impl Default for WrittenChoice {
    fn default() -> Self {
        Self::Named("default".to_owned())
    }
}

impl<'de> Deserialize<'de> for WrittenChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = WrittenChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"default\", \"none\" or the path of a calibration file")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<WrittenChoice, E> {
                Ok(WrittenChoice::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenChoice, A::Error> {
                let calibration = Calibration::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WrittenChoice::Given(Box::new(calibration)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Shipped => serializer.serialize_str("default"),
            Self::Nothing => serializer.serialize_str("none"),
            Self::Own(calibration) => calibration.serialize(serializer),
        }
    }
}

impl JsonSchema for Choice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CalibrationChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "\"default\", \"none\", the path of a calibration file, or a calibration.",
            "oneOf": [
                { "type": "string", "examples": ["default", "none", "my-machine.toml"] },
                generator.subschema_for::<Calibration>(),
            ],
        })
    }
}
