//! A deterministic simulator and benchmarking harness for instant-messaging clusters.
//!
//! A [`scenario`] and a seed decide everything. [`workload`] draws the plan, [`cluster`] puts the
//! nodes of the `im` package on an [`engine`], [`run`] lives through workload and faults,
//! [`recorder`] writes the [`history`] at the devices' edge, [`checkers`] judge it.

pub mod faults;
pub mod scenario;
pub mod workload;

pub mod cluster;
pub mod compare;
pub mod engine;
pub mod redis;
pub mod redis_study;

pub mod history;
pub mod recorder;

pub mod checkers;
pub mod metrics;
pub mod run;

pub mod calibrate;
pub mod campaign;
pub mod crosscheck;
pub mod effects;
pub mod estimate;
pub mod load_curve;
pub mod sabotages;
