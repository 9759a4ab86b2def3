//! The simulator as one of the engines.

use std::future::Future;

use im::env::Nanos;
use im::points::Point;

use super::{Sim, SimEnv};
use crate::engine::{
    Condition, ConditionId, DiskFault, Engine, Hops, HostId, HostSpec, NetStats, ProcessorStats,
    Torn, Trail,
};

impl Engine for Sim {
    type Env = SimEnv;

    fn add_host<F>(
        &mut self,
        spec: HostSpec,
        boot: impl Fn(SimEnv) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        let host = self.add_host(&spec.name, spec.link, spec.disk, boot);
        self.set_tier(host, spec.tier);
        if let Some(costs) = spec.costs {
            self.set_costs(host, costs);
        }
        host
    }

    fn start(&mut self, host: HostId) {
        self.start(host);
    }

    fn crash(&mut self, host: HostId) -> Torn {
        self.crash(host)
    }

    fn lose_power(&mut self, host: HostId, torn: bool) -> Torn {
        self.lose_power(host, torn)
    }

    fn pause(&mut self, host: HostId) {
        self.pause(host);
    }

    fn resume(&mut self, host: HostId) -> u64 {
        self.resume(host)
    }

    fn step_clock(&mut self, host: HostId, by_ms: i64) {
        self.step_clock(host, by_ms);
    }

    fn set_clock_drift(&mut self, host: HostId, ppm: i64) {
        self.set_clock_drift(host, ppm);
    }

    fn clock_reads(&self, host: HostId) -> u64 {
        self.clock_reads(host)
    }

    fn impose_on_disk(&mut self, host: HostId, fault: DiskFault) {
        self.impose_on_disk(host, fault);
    }

    fn heal_disk(&mut self, host: HostId) -> u64 {
        self.heal_disk(host)
    }

    fn reset_connections(&mut self, host: HostId, with: &dyn Fn(HostId) -> bool) -> u64 {
        self.reset_connections(host, with)
    }

    fn arm(&mut self, host: HostId, point: Point, nth: u64) {
        self.arm(host, point.name(), nth);
    }

    fn disarm(&mut self, host: HostId) {
        self.disarm(host);
    }

    fn impose(&mut self, condition: Condition) -> ConditionId {
        self.impose(condition)
    }

    fn lift(&mut self, id: ConditionId) -> Option<u64> {
        Some(self.lift(id))
    }

    fn run_until(&mut self, until: Nanos) -> Option<HostId> {
        self.run_until(until)
    }

    fn now(&self) -> Nanos {
        self.now()
    }

    fn hops(&self) -> Option<Hops> {
        Some(self.hops())
    }

    fn net_stats(&self) -> NetStats {
        self.stats()
    }

    fn processor(&self, host: HostId) -> ProcessorStats {
        self.processor(host)
    }

    fn count_processors_from_zero(&mut self) {
        self.count_processors_from_zero();
    }

    fn trail(&self) -> Trail {
        Trail { digest: Some(self.digest()), checkpoints: self.checkpoints(), trace: self.traced() }
    }
}
