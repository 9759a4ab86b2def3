//! Two worlds on two threads of one process, against two processes with one world each.
//!
//! Wall time, since waiting for each other is what could go wrong. Both ways begin when both
//! worlds are warm and end when the later one is done. The processes are this program once more.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "waiting shows in wall time only"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::Instant;

use im_benches::World;
use im_benches::layout::Echoes;
use im_benches::on_imsim::{Links, OnImsim, Stage};

use crate::measure::{self, REPETITIONS, Sample};

/// The argument that makes this program one of the two processes.
pub const CHILD: &str = "--one-world";

const LAYOUT: Echoes = Echoes::busy(1_000);
/// Virtual milliseconds per repetition and world.
const SPAN_MS: u64 = 60_000;
const WORLDS: usize = 2;

pub fn print() {
    eprintln!("threads");
    // One after the other in turn, so that a busy machine slows all of them down.
    let rounds: [[f64; 3]; REPETITIONS] =
        std::array::from_fn(|_| [on_threads(1), on_threads(WORLDS), in_processes()]);
    let column = |pick: fn(&[f64; 3]) -> f64| Sample::from(rounds.each_ref().map(pick));
    let mut table = measure::table(&["worlds", "million packets per second"]);
    table.add_row(["one, alone".to_owned(), column(|round| round[0]).show(1e6)]);
    table.add_row(["two threads".to_owned(), column(|round| round[1]).show(1e6)]);
    table.add_row(["two processes".to_owned(), column(|round| round[2]).show(1e6)]);
    let ratio = column(|round| round[1] / round[2]).show(1.0);
    table.add_row(["threads : processes".to_owned(), ratio]);
    println!(
        "\nMillion packets per second of wall time, all worlds together. {} busy connections in each \
         world, clean links.\nIt needs {WORLDS} idle cores.\n\n{table}",
        LAYOUT.connections,
    );
}

/// Packets per second of so many worlds on as many threads.
fn on_threads(worlds: usize) -> f64 {
    let gate = Barrier::new(worlds + 1);
    let mut start = None;
    std::thread::scope(|scope| {
        for _ in 0..worlds {
            scope.spawn(|| {
                let mut world = warm_world();
                gate.wait();
                live(&mut world);
            });
        }
        gate.wait();
        start = Some(Instant::now());
    });
    rate(worlds, start.expect("set in the scope"))
}

/// Packets per second of two child processes.
fn in_processes() -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let mut children: [Child; WORLDS] = std::array::from_fn(|_| {
        Command::new(&program)
            .arg(CHILD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts once more")
    });
    let mut says =
        children.each_mut().map(|child| BufReader::new(child.stdout.take().expect("piped")));
    says.iter_mut().for_each(|child| expect_line(child, "warm"));
    let start = Instant::now();
    for child in &mut children {
        let mut hears = child.stdin.take().expect("piped");
        writeln!(hears, "go").expect("the child waits");
    }
    says.iter_mut().for_each(|child| expect_line(child, "done"));
    let rate = rate(WORLDS, start);
    for child in &mut children {
        assert!(child.wait().expect("it is our child").success());
    }
    rate
}

/// What this program does as a child.
pub fn live_as_child() {
    let mut world = warm_world();
    println!("warm");
    expect_line(&mut std::io::stdin().lock(), "go");
    live(&mut world);
    println!("done");
}

fn expect_line(from: &mut impl BufRead, wanted: &str) {
    let mut line = String::new();
    from.read_line(&mut line).expect("the other process lives");
    assert_eq!(line.trim_end(), wanted);
}

fn warm_world() -> OnImsim {
    let mut world = OnImsim::echoes(LAYOUT, Links::Clean, Stage::Echoing);
    world.advance(LAYOUT.warm_up_ms());
    world
}

fn live(world: &mut OnImsim) {
    assert_eq!(world.packets_in(SPAN_MS), LAYOUT.packets_in(SPAN_MS));
}

fn rate(worlds: usize, start: Instant) -> f64 {
    worlds as f64 * LAYOUT.packets_in(SPAN_MS) as f64 / start.elapsed().as_secs_f64()
}
