//! What nodes say to each other: one file per service, and the frames of a device's connection.

pub mod chat;
pub mod commit;
pub mod device;
pub mod gateway;
pub mod log;
pub mod registry;
pub mod store;
