//! Memory per idle connection, by what it is for, counted at the allocator.
//!
//! What is counted is bytes asked for and not given back, with what vectors keep in reserve; the
//! allocator's own rounding is not. A program of its own, since counting costs time.

use std::alloc::System;

use comfy_table::{CellAlignment, Table, presets};
use im_benches::World;
use im_benches::layout::Echoes;
use im_benches::on_imsim::{Links, OnImsim, Stage};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "connections",
        "connection",
        "client host",
        "two tasks",
        "together",
    ]);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for connections in [50, 1_000, 10_000, 100_000] {
        let layout = Echoes::busy(connections);
        let servers = bytes_of(Echoes { connections: 0, ..layout }, Stage::Hosts);
        let hosts = bytes_of(layout, Stage::Hosts);
        let tasks = bytes_of(layout, Stage::Tasks);
        let idle = bytes_of(layout, Stage::Idle);
        let each = |bytes: usize| (bytes / connections as usize).to_string();
        table.add_row([
            connections.to_string(),
            each(idle - tasks),
            each(hosts - servers),
            each(tasks - hosts),
            each(idle - servers),
        ]);
    }
    println!(
        "\nBytes of memory per idle connection, which has exchanged one packet. Each client has a \
         host of its own;\nthere are 10 server hosts. connection: what the engine has for the \
         connection itself. client host: what it\nhas for a host. two tasks: the programs of client \
         and server, with their buffers, in the engine's tables.\n\n{table}"
    );
}

/// Live bytes of a world at this stage.
fn bytes_of(layout: Echoes, stage: Stage) -> usize {
    let before = live_bytes();
    let mut world = OnImsim::echoes(layout, Links::Clean, stage);
    let packets = world.packets_in(layout.warm_up_ms());
    let expected = if stage == Stage::Idle { 2 * u64::from(layout.connections) } else { 0 };
    assert_eq!(packets, expected, "one packet and its echo for each connection");
    live_bytes() - before
}

fn live_bytes() -> usize {
    let stats = COUNTING.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
