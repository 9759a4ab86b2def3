//! Presence in Redis: which gateway holds which device. A hash per user, device → gateway, that
//! lives as long as a lease. A stale entry costs a push, a missing one the wait for a heartbeat.

use std::collections::BTreeMap;

use crate::env::Env;
use crate::model::{DeviceId, UserId};
use crate::redis_client::RedisLink;
use crate::units::Span;

/// Removes the entry if it is still this gateway's.
const WITHDRAW: &str = "if redis.call('hget', KEYS[1], ARGV[1]) == ARGV[2] then \
                        return redis.call('hdel', KEYS[1], ARGV[1]) else return 0 end";

/// Presence, as gateways write it and dispatchers read it.
pub struct Presence<E: Env> {
    redis: RedisLink<E>,
    lease: Span,
}

impl<E: Env> Presence<E> {
    /// Presence whose entries live for `lease`.
    pub fn new(redis: RedisLink<E>, lease: Span) -> Self {
        Self { redis, lease }
    }

    /// These devices are on this gateway.
    pub async fn announce(&self, devices: &[DeviceId], gateway: u32) {
        let mut commands = redis::pipe();
        for device in devices {
            let key = key(device.user);
            commands.hset(&key, device.index, gateway).ignore();
            commands.pexpire(&key, (self.lease.0 / 1_000_000) as i64).ignore();
        }
        // A failure costs the wait for a heartbeat.
        let _ = self.redis.run::<()>(&commands).await;
    }

    /// The device has left this gateway. The look at whose the entry is and its removal are one script: an entry
    /// that another gateway has made meanwhile stays, and so does one that this gateway makes afterwards, since
    /// it comes behind on the same connection.
    pub async fn withdraw(&self, device: DeviceId, gateway: u32) {
        let mut withdraw = redis::pipe();
        let script = withdraw.cmd("EVAL").arg(WITHDRAW).arg(1).arg(key(device.user));
        script.arg(device.index).arg(gateway).ignore();
        // A stale entry costs a push.
        let _ = self.redis.run::<()>(&withdraw).await;
    }

    /// Devices of these users that are believed online, by gateway. Empty when Redis is away.
    pub async fn locate(&self, users: &[UserId]) -> Vec<(DeviceId, u32)> {
        let mut commands = redis::pipe();
        for user in users {
            commands.hgetall(key(*user));
        }
        let found: Vec<BTreeMap<u16, u32>> = self.redis.run(&commands).await.unwrap_or_default();
        let mut located = Vec::new();
        for (user, devices) in users.iter().zip(found) {
            for (index, gateway) in devices {
                located.push((DeviceId { user: *user, index }, gateway));
            }
        }
        located
    }

    /// See [`RedisLink::connected_after`].
    pub async fn connected_after(&self, seen: u64) -> u64 {
        self.redis.connected_after(seen).await
    }
}

fn key(user: UserId) -> String {
    format!("presence:{}", user.0)
}
