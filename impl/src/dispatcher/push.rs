//! Pushes: looks recipients up in presence and hands rows to the gateways that hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::future::join_all;

use super::partition::Addressed;
use crate::env::Env;
use crate::fanout;
use crate::model::{DeviceId, UserId};
use crate::node::{Callers, Node, Roster};
use crate::presence::Presence;
use crate::proto::gateway::{Gateway, Push, What};
use crate::redis_client::RedisLink;
use crate::stats;
use crate::topology::Role;

/// Calls to one gateway that may be unanswered; what comes on top is left to sync.
const UNANSWERED: usize = 64;

/// What is pushed, and to whom.
type Pushed = (What, Rc<Vec<UserId>>);

/// Hands pushes to gateways.
pub struct Pusher<E: Env> {
    node: Node<E>,
    roster: Roster,
    presence: Presence<E>,
    gateways: Callers<E, Gateway>,
}

impl<E: Env> Pusher<E> {
    pub fn new(node: &Node<E>, roster: Roster) -> Self {
        Self {
            node: node.clone(),
            roster,
            presence: Presence::new(RedisLink::start(node.clone()), node.config.presence_lease),
            gateways: Callers::new(node.clone()),
        }
    }

    /// Pushes rows to their recipients' devices. Rows of a conversation reach each gateway in
    /// order. Returns when the calls are under way.
    pub async fn push(&self, addressed: Vec<Addressed>) {
        let expanded = addressed.into_iter().filter_map(|(row, recipients)| {
            Some((fanout::push(&row, &self.node.config)?, recipients))
        });
        let pushed: Vec<Pushed> = expanded.collect();
        let devices = self.locate(&pushed).await;
        let mut by_gateway: BTreeMap<u32, Vec<Push>> = BTreeMap::new();
        for (what, recipients) in pushed {
            let mut holders: BTreeMap<u32, Vec<DeviceId>> = BTreeMap::new();
            for user in recipients.iter() {
                for (device, gateway) in devices.get(user).into_iter().flatten() {
                    holders.entry(*gateway).or_default().push(*device);
                }
            }
            for (gateway, devices) in holders {
                let push = Push { devices, what: what.clone() };
                by_gateway.entry(gateway).or_default().push(push);
            }
        }
        let alive = self.roster.alive(Role::Gateway);
        for (gateway, pushes) in by_gateway {
            self.hand_over(gateway, pushes, alive.contains(&gateway));
        }
    }

    /// Where the recipients' devices are, looked up in shards of recipients, in parallel.
    async fn locate(&self, pushed: &[Pushed]) -> BTreeMap<UserId, Vec<(DeviceId, u32)>> {
        let users: BTreeSet<UserId> =
            pushed.iter().flat_map(|(_, users)| users.iter().copied()).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let shards = users.chunks(self.node.config.push_shard);
        let mut located: BTreeMap<UserId, Vec<(DeviceId, u32)>> = BTreeMap::new();
        for shard in join_all(shards.map(|shard| self.presence.locate(shard))).await {
            for (device, gateway) in shard {
                located.entry(device.user).or_default().push((device, gateway));
            }
        }
        located
    }

    fn hand_over(&self, gateway: u32, pushes: Vec<Push>, alive: bool) {
        let count: usize = pushes.iter().map(|push| push.devices.len()).sum();
        let caller = self.gateways.to(gateway);
        if !alive || caller.unanswered() >= UNANSWERED {
            stats::add(&self.node.stats.pushes_left_to_sync, count as u64);
            return;
        }
        stats::add(&self.node.stats.pushes, count as u64);
        // A push that fails is left to sync.
        caller.call(pushes).forget();
    }
}
