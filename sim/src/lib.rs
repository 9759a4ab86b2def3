//! A deterministic simulator and benchmarking harness for instant-messaging clusters.

pub mod history;
