//! What every engine promises (`imsim::engine::Engine`, `im::env::Env`), held against all of them.
//! Each test runs once per engine. Where an engine cannot keep a promise, the test says so by its
//! name ([`imsim::engine::Kind`]) and asks for what it does instead.
//!
//! The live engine runs in real time on a machine that may be loaded: what is waited for has a
//! generous limit, and no test says how soon anything happens.

pub mod clocks;
pub mod disks;
pub mod network;
pub mod points;
pub mod processes;
pub mod programs;
pub mod streams;
pub mod world;

use imsim::engine::live::Live;
use imsim::engine::sim::Sim;
use imsim::engine::turmoil::Turmoil;

macro_rules! on_every_engine {
    ($($file:ident: $($test:ident)+;)+) => {
        mod on_sim { $($(#[test] fn $test() { super::$file::$test::<super::Sim>(); })+)+ }
        mod on_turmoil { $($(#[test] fn $test() { super::$file::$test::<super::Turmoil>(); })+)+ }
        mod on_live { $($(#[test] fn $test() { super::$file::$test::<super::Live>(); })+)+ }
    };
}

on_every_engine! {
    streams:
        bytes_come_back_unchanged
        a_dial_that_nobody_listens_for_is_refused
        a_port_is_listened_on_once
        a_reset_is_an_error_at_both_ends
        a_writer_waits_for_its_reader;
    processes:
        a_crash_ends_all_tasks_and_keeps_the_disk
        peers_hear_of_a_crash
        a_process_starts_and_ends_once
        a_paused_process_does_nothing_until_its_pause_ends
        the_end_of_a_process_ends_its_pause
        a_process_is_paused_from_the_start
        a_paused_process_is_dialled_in_vain_or_not_but_never_refused
        a_process_that_ends_itself_is_started_again
        the_supervisor_does_nothing_for_what_was_started_or_crashed_meanwhile
        an_aborted_task_is_dropped
        a_panic_surfaces
        a_world_ends_whatever_its_programs_do;
    points:
        the_nth_arrival_stops_the_program
        what_stands_at_a_point_may_crash
        what_is_disarmed_is_not_told_of
        pauses_and_points_do_not_end_each_other;
    clocks:
        timers_are_never_early
        work_wins_over_its_timeout
        a_wall_clock_steps_and_drifts_and_counts_its_readers;
    disks:
        power_takes_what_is_not_synced
        a_full_disk_says_so
        a_failing_disk_fails_everything
        a_slow_disk_takes_longer
        what_is_cut_off_a_file_is_gone;
    network:
        nothing_passes_a_cut
        a_cut_in_one_direction_leaves_the_other
        a_delay_holds_in_both_directions
        peers_hear_nothing_of_a_machine_without_power
        machines_lose_power_each_for_itself;
}
