//! An idle cluster: virtual seconds per second of processor time.

use im_benches::World;
use im_benches::heartbeat::HEARTBEAT_BYTES;
use im_benches::layout::Mesh;
use im_benches::on_imsim::OnImsim;
use im_benches::on_turmoil::OnTurmoil;

use crate::measure::{self, Sample};

const LAYOUT: Mesh = Mesh { hosts: 20 };
/// Virtual seconds per repetition.
const SECONDS: u64 = 4_000;
/// The same on turmoil.
const SECONDS_ON_TURMOIL: u64 = 4;
/// Virtual milliseconds until all hosts send heartbeats.
const WARM_UP_MS: u64 = 3_000;

pub fn print() {
    eprintln!("heartbeats");
    let ours = ratio(OnImsim::mesh(LAYOUT), SECONDS);
    let turmoils = ratio(OnTurmoil::mesh(LAYOUT), SECONDS_ON_TURMOIL);
    let mut table = measure::table(&["engine", "virtual : processor time"]);
    table.add_row(["imsim".to_owned(), ours.show(1.0)]);
    table.add_row(["turmoil".to_owned(), turmoils.show(1.0)]);
    table
        .add_row(["imsim : turmoil".to_owned(), format!("{:.0} ×", ours.median / turmoils.median)]);
    println!(
        "\nVirtual seconds per second of processor time of an idle cluster, one thread. {} hosts, a \
         connection for\neach pair, {} heartbeats of {HEARTBEAT_BYTES} B a second (each host to each \
         other), round trip 2 ms, random phases.\n\n{table}",
        LAYOUT.hosts,
        LAYOUT.heartbeats_in(1),
    );
}

fn ratio(mut world: impl World, seconds: u64) -> Sample {
    world.advance(WARM_UP_MS);
    Sample::of(|| {
        let mut heartbeats = 0;
        let took =
            measure::cpu_seconds(|| heartbeats = world.packets_in(seconds * Mesh::PERIOD_MS));
        assert_eq!(heartbeats, LAYOUT.heartbeats_in(seconds));
        seconds as f64 / took
    })
}
