//! The names of roles, nodes and regions: `gateway`, `gateway-0`, `registry`, `region:eu`.
//!
//! Knows how nodes are called, not how many of them a cluster has or in which region they are.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::explain::nearest;
use super::units::from_text;

/// What a node is there for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Who is alive, and who owns which conversations. One node.
    Registry,
    /// A Redis: presence, caches, offline queues and locks. `redis-0` is the master at first.
    Redis,
    /// A Redis Sentinel.
    Sentinel,
    /// A Redis for Redlock, alone.
    Lock,
    /// A log broker.
    Log,
    /// A store shard.
    Store,
    /// A chat node.
    Chat,
    /// A dispatcher.
    Dispatcher,
    /// A gateway.
    Gateway,
    /// A program that writes to Redis itself.
    RedisClient,
    /// A user's device. `device-7` is the first device of user 7.
    Device,
}

/// One node, as in `gateway-0`. The registry is a single node and carries no number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeRef {
    /// Its role.
    pub role: Role,
    /// Its number within the role, from 0.
    pub index: u32,
}

/// All nodes of a role (`gateway`), one of them (`gateway-0`), or all of a region (`region:eu`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// All nodes of that role.
    Role(Role),
    /// That one.
    Node(NodeRef),
    /// All nodes and users of that region.
    Region(String),
}

/// What stands before the name of a region.
const REGION: &str = "region:";

impl Role {
    /// Every role, servers first, in the order in which a cluster is brought up.
    pub const ALL: [Self; 11] = [
        Self::Registry,
        Self::Redis,
        Self::Sentinel,
        Self::Lock,
        Self::Log,
        Self::Store,
        Self::Chat,
        Self::Dispatcher,
        Self::Gateway,
        Self::RedisClient,
        Self::Device,
    ];

    /// The role's name in scenarios, records and host names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Redis => "redis",
            Self::Sentinel => "sentinel",
            Self::Lock => "lock",
            Self::Log => "log",
            Self::Store => "store",
            Self::Chat => "chat",
            Self::Dispatcher => "dispatcher",
            Self::Gateway => "gateway",
            Self::RedisClient => "redis-client",
            Self::Device => "device",
        }
    }

    /// The role's node of that number.
    pub const fn node(self, index: u32) -> NodeRef {
        NodeRef { role: self, index }
    }

    /// Whether there is always exactly one such node, which then carries no number.
    const fn is_single(self) -> bool {
        matches!(self, Self::Registry)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl From<NodeRef> for Target {
    /// The target as it would be written: there is only one registry, which is a role.
    fn from(node: NodeRef) -> Self {
        match node.role.is_single() {
            true => Self::Role(node.role),
            false => Self::Node(node),
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_name(text).ok_or_else(|| {
            let remedy = spelled_right(text).unwrap_or_else(|| {
                let names: Vec<&str> = Self::ALL.iter().map(|role| role.name()).collect();
                format!("; roles are {}", names.join(", "))
            });
            format!("`{text}` is not a role{remedy}")
        })
    }
}

impl FromStr for NodeRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Role::from_name(text) {
            Some(role) if role.is_single() => return Ok(role.node(0)),
            Some(role) => {
                return Err(format!(
                    "`{text}` is a role, not a node; write one of its nodes, as in \"{}\"",
                    role.node(0)
                ));
            }
            None => {}
        }
        let parse = || {
            let (name, index) = text.rsplit_once('-')?;
            let role = Role::from_name(name).filter(|role| !role.is_single())?;
            let index: u32 = index.parse().ok()?;
            // One name per node: `gateway-00` and `gateway-+0` are not other ways to say it.
            Some(role.node(index)).filter(|node| node.to_string() == text)
        };
        parse().ok_or_else(|| {
            let remedy = spelled_right(text).unwrap_or_else(|| {
                "; nodes are registry, redis-0, sentinel-0, lock-0, log-0, store-0, chat-0, \
                 dispatcher-0, gateway-0, redis-client-0 and device-0, counted from 0"
                    .to_owned()
            });
            format!("`{text}` is not a node{remedy}")
        })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(region) = text.strip_prefix(REGION) {
            return Ok(Self::Region(region.to_owned()));
        }
        match Role::from_name(text) {
            Some(role) => Ok(Self::Role(role)),
            None => text.parse().map(Self::Node).map_err(|_| {
                let remedy = spelled_right(text).unwrap_or_else(|| {
                    "; write a role such as \"gateway\" or a node such as \"gateway-0\"".to_owned()
                });
                format!("`{text}` is neither a role nor a node{remedy}")
            }),
        }
    }
}

/// The name that was probably meant by a role or a node with a typing error in its role.
fn spelled_right(text: &str) -> Option<String> {
    let digits = text.rsplit_once('-').filter(|(_, digits)| digits.parse::<u32>().is_ok());
    let (name, index) = match digits {
        Some((name, index)) => (name, format!("-{index}")),
        None => (text, String::new()),
    };
    let role = nearest(name, Role::ALL.map(Role::name)).filter(|role| *role != name)?;
    Some(format!("; did you mean `{role}{index}`?"))
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role.is_single() && self.index == 0 {
            true => write!(f, "{}", self.role),
            false => write!(f, "{}-{}", self.role, self.index),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::Node(node) => node.fmt(f),
            Self::Region(name) => write!(f, "{REGION}{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "the name of a role, as in \"gateway\"")
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "the name of a node, as in \"gateway-0\"")
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a role or a node, as in \"gateway\" or \"gateway-0\"")
    }
}

impl Serialize for NodeRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const NODE_PATTERN: &str =
    "registry|(redis|sentinel|lock|log|store|chat|dispatcher|gateway|redis-client|device)-[0-9]+";

impl JsonSchema for Role {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "All nodes of a kind.",
            "enum": Self::ALL.map(Self::name),
        })
    }
}

impl JsonSchema for NodeRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Node".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "One node. The registry is a single one, without a number; `redis-0` is the \
                            master at first; `device-7` is the first device of user 7.",
            "pattern": format!("^({NODE_PATTERN})$"),
            "examples": ["gateway-0", "redis-0"],
        })
    }
}

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "All nodes of a role, one node, or all nodes and users of a region.",
            "pattern": format!(
                "^({NODE_PATTERN}|redis|sentinel|lock|log|store|chat|dispatcher|gateway|redis-client|device|\
                 {REGION}.+)$"
            ),
            "examples": ["gateway", "gateway-0", "region:eu"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_roles_print_as_written() {
        for (text, node) in [
            ("registry", Role::Registry.node(0)),
            ("redis-1", Role::Redis.node(1)),
            ("sentinel-2", Role::Sentinel.node(2)),
            ("log-0", Role::Log.node(0)),
            ("device-12", Role::Device.node(12)),
        ] {
            assert_eq!(text.parse(), Ok(node));
            assert_eq!(node.to_string(), text);
        }
        for (text, target) in [
            ("gateway", Target::Role(Role::Gateway)),
            ("redis", Target::Role(Role::Redis)),
            ("chat-1", Target::Node(Role::Chat.node(1))),
            ("region:eu", Target::Region("eu".to_owned())),
        ] {
            assert_eq!(target.to_string(), text);
            assert_eq!(text.parse(), Ok(target));
        }
    }

    #[test]
    fn what_is_no_node_is_refused_with_a_remedy() {
        for (text, start) in [
            (
                "gateway",
                "`gateway` is a role, not a node; write one of its nodes, as in \"gateway-0\"",
            ),
            ("gatway-0", "`gatway-0` is not a node; did you mean `gateway-0`?"),
            ("gateway-00", "`gateway-00` is not a node"),
            ("gateway-x", "`gateway-x` is not a node"),
            ("redis", "`redis` is a role, not a node; write one of its nodes, as in \"redis-0\""),
            ("", "`` is not a node; nodes are registry"),
        ] {
            let error = text.parse::<NodeRef>().expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }
}
