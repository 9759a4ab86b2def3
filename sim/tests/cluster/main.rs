//! Whole clusters in virtual time: what they do, with variants and under faults.

mod calls;
mod commit;
mod conversation_lists;
mod cost_of_fanout;
mod disks_and_clocks;
mod fanout_variants;
mod fault_scenarios;
mod limits;
mod lived;
mod locks;
mod overload;
mod slow_but_alive;
mod swarm;
