//! Whether what is asked for fits this machine: said when it is large, refused when its memory cannot hold it.

use std::fs;

use imsim::estimate::{self, Estimate};
use imsim::scenario::Scenario;

use super::{Exit, output};

/// What is worth a word before a run.
const LARGE: Estimate = Estimate { memory_bytes: 1e9, wall_s: 60.0 };

/// Whether it may be larger than the machine.
#[derive(clap::Args, Clone, Copy)]
pub struct Size {
    /// Run it even if it seems to need more memory than this machine has.
    #[arg(long)]
    pub force: bool,
}

impl Size {
    /// Says how much this many runs of each scenario take, `jobs` at a time, if it is much; refuses what the
    /// machine's memory cannot hold.
    pub fn admit<'a>(
        self,
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        runs: u64,
        jobs: usize,
    ) -> Result<(), Exit> {
        let jobs = runs.min(jobs as u64).max(1) as f64;
        let mut all = Estimate::default();
        for one in scenarios.into_iter().map(estimate::of_run) {
            all.memory_bytes = all.memory_bytes.max(one.memory_bytes * jobs);
            all.wall_s += one.wall_s * runs as f64 / jobs;
        }
        let (memory, wall) = (bytes(all.memory_bytes), span(all.wall_s));
        let machine = machine_bytes();
        if machine.is_some_and(|machine| all.memory_bytes > machine) && !self.force {
            let machine = bytes(machine.unwrap_or_default());
            output::complain(&format!(
                "this takes about {memory} of memory, and this machine has {machine}: ask for fewer users \
                 (population.users), a lower rate, a shorter duration or fewer runs at a time (--jobs); \
                 --force runs it all the same"
            ));
            return Err(Exit::Usage);
        }
        if all.memory_bytes > LARGE.memory_bytes || all.wall_s > LARGE.wall_s {
            eprintln!("this takes about {memory} of memory and {wall} of wall time");
        }
        Ok(())
    }
}

/// The memory of this machine; nothing where it does not tell.
fn machine_bytes() -> Option<f64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: f64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn bytes(bytes: f64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6)];
    let (unit, scale) = units.into_iter().find(|(_, scale)| bytes >= *scale).unwrap_or(units[2]);
    format!("{:.*} {unit}", usize::from(bytes < 10.0 * scale), bytes / scale)
}

fn span(seconds: f64) -> String {
    let units = [("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0)];
    let (unit, scale) =
        units.into_iter().find(|(_, scale)| seconds >= 2.0 * scale).unwrap_or(units[3]);
    format!("{:.0} {unit}", seconds / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_words_of_their_size() {
        assert_eq!([bytes(2.5e13), bytes(2.6e9), bytes(1.9e8)], ["25 TB", "2.6 GB", "190 MB"]);
        assert_eq!([span(90.0), span(7_000.0), span(4e5)], ["90 seconds", "117 minutes", "5 days"]);
    }
}
