//! The `[network]` table: link profiles by name, with the source of every number.
//!
//! A profile is data; how packets travel by it is the engine's affair.

use std::fmt;

use im::units::Span;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::bandwidth::Bandwidth;
use super::units::Probability;

/// The `[network]` table: one profile per kind of link, and what lies between regions. A profile is
/// a name (`"4g-good"`) or a table that changes some numbers of one (`{ profile = "4g-good",
/// loss = "1%" }`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Between devices and gateways.
    #[serde(deserialize_with = "for_clients")]
    pub clients: Profile,
    /// Between servers.
    #[serde(deserialize_with = "for_backend")]
    pub backend: Profile,
    /// Extra one-way latency between nodes of different regions (`cluster.regions`), on top of the
    /// profile's.
    pub between_regions: Span,
    /// Connections that may wait at a listening port until they are accepted, less one.
    #[schemars(range(min = 1))]
    pub backlog: u32,
    /// Whether dials that find no place in the queue of half-made connections are answered with SYN
    /// cookies, as on Linux; else they are dropped and have to try again.
    pub syn_cookies: bool,
}

/// A link profile with every number written out. One-way latency is drawn from the normal
/// distribution of `sd` around `median`, and cut off at `min` and `max`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Profile {
    /// The named profile that it is, or that it started from.
    pub profile: ProfileName,
    /// Median one-way latency.
    pub median: Span,
    /// Least one-way latency.
    pub min: Span,
    /// Greatest one-way latency.
    pub max: Span,
    /// Standard deviation of the one-way latency.
    pub sd: Span,
    /// Probability that a packet is lost, independent of all others.
    pub loss: Probability,
    /// Loss in bursts, beside the independent one.
    pub bursts: Bursts,
    /// What a node's own link carries, each way.
    pub bandwidth: Bandwidth,
    /// Bytes that may wait for the link, each way; what comes when it is full is lost.
    pub queue: u64,
}

/// Loss in bursts, as a Gilbert–Elliott chain that steps once a packet: a good state, which loses
/// nothing, and a bad one. The mean loss is `loss · enter / (enter + leave)`, and a burst lasts
/// `1 / leave` packets. Source: Elliott, "Estimates of error rates for codes on burst-noise
/// channels", 1963.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Probability per packet that a burst begins. `0%` means that there are none.
    pub enter: Probability,
    /// Probability per packet that the burst ends.
    pub leave: Probability,
    /// Probability that a packet is lost while the burst lasts.
    #[serde(default = "all_lost")]
    pub loss: Probability,
}

/// The named profiles. One-way latency is half of the round-trip time (RTT) in the source. Where
/// a source gives no loss, there is none. Bandwidth is the same in both directions; unless said
/// otherwise it is assumed, as a typical share of one user, and so is the queue, as what takes
/// about 100 ms to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ProfileName {
    /// RTT 76 ms (46–112), sd 16. Source: MONROE (mobile-latency-emulator).
    #[serde(rename = "4g-good")]
    FourGGood,
    /// RTT 105 ms (73–180). Source: MONROE (mobile-latency-emulator); its sd of 26 is assumed, as
    /// the same share of the range as in `4g-good`.
    #[serde(rename = "4g-roaming")]
    FourGRoaming,
    /// RTT 103 ms (38–148), sd 66. Source: MONROE (mobile-latency-emulator).
    #[serde(rename = "3g-good")]
    ThreeGGood,
    /// RTT 148 ms. Source: MONROE (mobile-latency-emulator); range (54–214) and sd of 94 are
    /// assumed, in the proportions of `3g-good`.
    #[serde(rename = "3g-bad")]
    ThreeGBad,
    /// Loss 1 % in bursts of 2 packets (enter 0.5 %, leave 50 %), 100 Mbit/s with a queue of 200 kB.
    /// Source: str0m-netem (wifi). RTT 10 ms (4–40), sd 6 is assumed.
    #[serde(rename = "wifi")]
    Wifi,
    /// Loss 5 % in bursts of 2 packets (enter 2.5 %, leave 50 %), 50 Mbit/s with a queue of 100 kB.
    /// Source: str0m-netem (lossy Wi-Fi). RTT 30 ms (6–120), sd 24 is assumed.
    #[serde(rename = "wifi-poor")]
    WifiPoor,
    /// RTT 500 ms, loss 1 %. Source: BrowserStack presets; range (400–700) and sd of 50 are assumed.
    #[serde(rename = "edge")]
    Edge,
    /// RTT 0.25 ms (0.1–0.5), sd 0.08, no loss. Assumed.
    #[serde(rename = "datacenter")]
    Datacenter,
    /// No latency, no loss: what is left then is the protocol's own cost.
    #[serde(rename = "perfect")]
    Perfect,
}

impl ProfileName {
    /// The profile of that name, as its source gives it.
    pub fn profile(self) -> Profile {
        // One-way microseconds; loss in percent; then kbit/s, of which 0 is no limit, and bytes.
        let ((median, min, max, sd), loss, (kbit, queue)) = match self {
            Self::FourGGood => ((38_000, 23_000, 56_000, 8_000), 0, (20_000, 256_000)),
            Self::FourGRoaming => ((52_500, 36_500, 90_000, 13_000), 0, (10_000, 128_000)),
            Self::ThreeGGood => ((51_500, 19_000, 74_000, 33_000), 0, (2_000, 64_000)),
            Self::ThreeGBad => ((74_000, 27_000, 107_000, 47_000), 0, (500, 64_000)),
            Self::Wifi => ((5_000, 2_000, 20_000, 3_000), 0, (100_000, 200_000)),
            Self::WifiPoor => ((15_000, 3_000, 60_000, 12_000), 0, (50_000, 100_000)),
            Self::Edge => ((250_000, 200_000, 350_000, 25_000), 1, (240, 64_000)),
            Self::Datacenter => ((125, 50, 250, 40), 0, (10_000_000, 4_000_000)),
            Self::Perfect => ((0, 0, 0, 0), 0, (0, 256_000)),
        };
        let us = |count: u64| Span(count * 1_000);
        Profile {
            profile: self,
            median: us(median),
            min: us(min),
            max: us(max),
            sd: us(sd),
            loss: Probability::percent(loss),
            bursts: self.bursts(),
            bandwidth: if kbit == 0 { Bandwidth::Unlimited } else { Bandwidth::kbit(kbit) },
            queue,
        }
    }

    fn bursts(self) -> Bursts {
        let enter = match self {
            Self::Wifi => Probability::per_mille(5),
            Self::WifiPoor => Probability::per_mille(25),
            _ => Probability::NEVER,
        };
        Bursts { enter, leave: Probability::percent(50), loss: Probability::ALWAYS }
    }
}

fn all_lost() -> Probability {
    Probability::ALWAYS
}

impl Default for Network {
    fn default() -> Self {
        Self {
            clients: ProfileName::FourGGood.profile(),
            backend: ProfileName::Datacenter.profile(),
            between_regions: Span::default(),
            backlog: 1_024,
            syn_cookies: true,
        }
    }
}

impl Bursts {
    /// Whether there is ever a burst.
    pub fn can_begin(&self) -> bool {
        self.enter > Probability::NEVER
    }

    /// The share of packets that is lost over a long time.
    pub fn mean_loss(&self) -> f64 {
        let in_burst = self.enter.as_f64() / (self.enter.as_f64() + self.leave.as_f64());
        in_burst * self.loss.as_f64()
    }
}

/// A profile written as a table: every key is optional and changes one number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// The named profile to start from; without it, the default of this kind of link.
    profile: Option<ProfileName>,
    /// Median one-way latency.
    median: Option<Span>,
    /// Least one-way latency.
    min: Option<Span>,
    /// Greatest one-way latency.
    max: Option<Span>,
    /// Standard deviation of the one-way latency.
    sd: Option<Span>,
    /// Probability that a packet is lost, independent of all others.
    loss: Option<Probability>,
    /// Loss in bursts, beside the independent one. `enter = "0%"` takes away those of a profile.
    bursts: Option<Bursts>,
    /// What a node's own link carries, each way.
    bandwidth: Option<Bandwidth>,
    /// Bytes that may wait for the link, each way; what comes when it is full is lost.
    queue: Option<u64>,
}

/// Reads a profile; a table without `profile` starts from this one.
struct StartingFrom(ProfileName);

impl<'de> Visitor<'de> for StartingFrom {
    type Value = Profile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a profile, as in \"4g-good\" or { profile = \"4g-good\", loss = \"1%\" }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Profile, E> {
        ProfileName::deserialize(StrDeserializer::new(name)).map(ProfileName::profile)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Profile, A::Error> {
        let changes = Changes::deserialize(MapAccessDeserializer::new(map))?;
        let start = changes.profile.unwrap_or(self.0).profile();
        Ok(Profile {
            profile: start.profile,
            median: changes.median.unwrap_or(start.median),
            min: changes.min.unwrap_or(start.min),
            max: changes.max.unwrap_or(start.max),
            sd: changes.sd.unwrap_or(start.sd),
            loss: changes.loss.unwrap_or(start.loss),
            bursts: changes.bursts.unwrap_or(start.bursts),
            bandwidth: changes.bandwidth.unwrap_or(start.bandwidth),
            queue: changes.queue.unwrap_or(start.queue),
        })
    }
}

fn for_clients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Profile, D::Error> {
    deserializer.deserialize_any(StartingFrom(ProfileName::FourGGood))
}

fn for_backend<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Profile, D::Error> {
    deserializer.deserialize_any(StartingFrom(ProfileName::Datacenter))
}

impl JsonSchema for Profile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Profile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A link profile: its name, or a table that changes some of its numbers.",
            "oneOf": [
                generator.subschema_for::<ProfileName>(),
                generator.subschema_for::<Changes>(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        toml::from_str(text).expect(text)
    }

    #[test]
    fn a_name_is_a_profile_and_a_table_changes_it() {
        let both = network(r#"clients = { profile = "edge", loss = "3%" }"#);
        let edge = ProfileName::Edge.profile();
        assert_eq!(both.clients, Profile { loss: Probability::percent(3), ..edge });
        assert_eq!(both.backend, ProfileName::Datacenter.profile());
        assert_eq!(network(r#"backend = "wifi""#).backend, ProfileName::Wifi.profile());
    }

    #[test]
    fn wifi_loses_what_its_source_says_in_bursts() {
        for (name, loss) in [(ProfileName::Wifi, 0.01), (ProfileName::WifiPoor, 0.05)] {
            let profile = name.profile();
            assert_eq!(profile.loss, Probability::NEVER);
            let mean = profile.bursts.mean_loss();
            assert!((mean - loss).abs() < 0.003, "{mean}");
        }
        let calm =
            network(r#"clients = { profile = "wifi", bursts = { enter = "0%", leave = "1%" } }"#);
        assert!(!calm.clients.bursts.can_begin());
    }

    #[test]
    fn a_table_without_a_profile_changes_the_default_of_its_kind_of_link() {
        let both = network("clients.loss = \"1%\"\nbackend.loss = \"1%\"");
        assert_eq!(both.clients.profile, ProfileName::FourGGood);
        assert_eq!(both.backend.profile, ProfileName::Datacenter);
    }
}
