//! How many messages a user may send: one kind of counter per file.
//!
//! All of them count in fixed windows: a window begins with the first send after the last one was
//! over, and takes `im.limit_sends`. Whoever knows the edge gets in twice as many within one
//! window's length: the last of one window and the first of the next. It must not know gateways or
//! devices, nor what becomes of a send that is too many.

mod local;
mod redis_window;

use futures_util::future::LocalBoxFuture;

use crate::config::Limits;
use crate::env::Env;
use crate::model::UserId;
use crate::node::Node;
use crate::redis_client::RedisLink;

/// A limit on the sends of each user.
pub trait Limit {
    /// Counts a send; whether it is within the limit.
    fn admit(&self, user: UserId) -> LocalBoxFuture<'_, bool>;
}

/// The limit that `im.limits` asks for; `None` where there is none.
pub fn limit<E: Env>(node: &Node<E>) -> Option<Box<dyn Limit>> {
    match node.config.limits {
        Limits::None => None,
        Limits::Local => Some(Box::new(local::Local::new(node))),
        Limits::Redis => {
            let redis = RedisLink::start(node.clone());
            Some(Box::new(redis_window::RedisWindow::new(node, redis)))
        }
    }
}
