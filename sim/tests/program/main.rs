//! `imsim` as its users meet it.

mod campaign;
mod cli;
mod common;
mod compare;
mod crosscheck;
mod determinism;
mod engines;
mod outcomes;
mod planted_bugs;
mod redis;
