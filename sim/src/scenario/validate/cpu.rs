//! Rules of `[cpu]`: machines that there are not, and keys that would do nothing.

use super::Rules;
use crate::scenario::cpu::{CORES_MAX, DEVICE_FACTOR_MAX};
use crate::scenario::{Choice, Cpu};

pub(super) fn check(cpu: &Cpu, rules: &mut Rules) {
    for (name, count, most) in
        [("cores", cpu.cores, CORES_MAX), ("device_factor", cpu.device_factor, DEVICE_FACTOR_MAX)]
    {
        let Some(count) = count else { continue };
        let key = format!("cpu.{name}");
        rules.demand((1..=most).contains(&count), &[&key], || {
            format!("`{count}` is out of range; write a whole number from 1 to {most}")
        });
        rules.demand(cpu.calibration != Choice::Nothing, &[&key, "cpu.calibration"], || {
            format!(
                "`{name}` changes nothing where nodes compute in no time; leave it out, or write \
                 another cpu.calibration than \"none\""
            )
        });
    }
}
