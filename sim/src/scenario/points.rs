//! Which role reaches which of the IM's fault points.

use im::points::Point;

use super::nodes::Role;

/// The role whose nodes reach the point.
pub const fn role_of(point: Point) -> Role {
    match point {
        Point::ChatAppending | Point::ChatCommitted => Role::Chat,
        Point::StoreAppended | Point::StoreSynced => Role::Store,
        Point::LogSynced => Role::Log,
        Point::DispatcherFetched | Point::DispatcherPushed => Role::Dispatcher,
        Point::GatewayPushed | Point::GatewayAcksStored => Role::Gateway,
        Point::ClientWritten | Point::ClientShown => Role::Device,
    }
}
