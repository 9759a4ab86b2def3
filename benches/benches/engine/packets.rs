//! Delivered packets per second of processor time, by number of connections and kind of link.

use im_benches::World;
use im_benches::echo::PACKET_BYTES;
use im_benches::layout::Echoes;
use im_benches::on_imsim::{LOSS_PPM, Links, OnImsim, Stage};
use im_benches::on_turmoil::OnTurmoil;

use crate::measure::{self, Sample};

/// Packets that one repetition delivers at least, when nothing is lost.
const PACKETS: u64 = 400_000;
/// The same on turmoil, which takes about as long for them.
const PACKETS_ON_TURMOIL: u64 = 4_000;
const MILLION: f64 = 1e6;

struct Row {
    name: &'static str,
    layout: Echoes,
    /// With 1,000 clients turmoil would visit half a million links between hosts in every tick.
    turmoil_follows: bool,
}

impl Row {
    const fn new(name: &'static str, layout: Echoes, turmoil_follows: bool) -> Self {
        Self { name, layout, turmoil_follows }
    }
}

const ROWS: [Row; 7] = [
    Row::new("50 pairs", Echoes::pairs(50), true),
    Row::new("1,000 busy", Echoes::busy(1_000), false),
    Row::new("10,000 busy", Echoes::busy(10_000), false),
    Row::new("100,000 busy", Echoes::busy(100_000), false),
    Row::new("1,000 calm", Echoes::calm(1_000), false),
    Row::new("10,000 calm", Echoes::calm(10_000), false),
    Row::new("100,000 calm", Echoes::calm(100_000), false),
];

pub fn print() {
    let mut table = measure::table(&[
        "connections",
        "clean",
        "jitter",
        "1 % loss",
        "loss : clean",
        "turmoil, clean",
        "imsim : turmoil",
    ]);
    for Row { name, layout, turmoil_follows } in ROWS {
        let clean = on_imsim(layout, Links::Clean);
        let jitter = on_imsim(layout, Links::Jitter);
        let lossy = on_imsim(layout, Links::Lossy);
        let turmoils = turmoil_follows.then(|| on_turmoil(layout));
        let [clean_shown, lossy_shown] = [clean, lossy].map(|sample| sample.show(MILLION));
        eprintln!("packets: {name}: clean {clean_shown}, 1 % loss {lossy_shown} M/s");
        table.add_row([
            name.to_owned(),
            clean.show(MILLION),
            jitter.show(MILLION),
            lossy.show(MILLION),
            format!("{:.2}", lossy.median / clean.median),
            turmoils.map_or("–".to_owned(), |sample| sample.show(MILLION)),
            turmoils.map_or("–".to_owned(), |sample| {
                format!("{:.0} ×", clean.median / sample.median)
            }),
        ]);
    }
    println!(
        "\nMillion packets delivered per second of processor time, one thread. A packet is a write \
         of {PACKET_BYTES} B\nthat its reader has read; acks do not count. pairs: 100 hosts, round \
         trip 2 ms. busy: a host for each client,\n10 server hosts, round trip 100 ms, random \
         phases, the next packet at the echo. calm: the same, one packet a\nsecond and client, a \
         timer between. jitter: sd of a tenth of the latency. imsim : turmoil is on clean links.\n\n\
         {table}"
    );
}

fn on_imsim(layout: Echoes, links: Links) -> Sample {
    let mut world = OnImsim::echoes(layout, links, Stage::Echoing);
    world.advance(layout.warm_up_ms());
    let ms = span_ms(layout, PACKETS);
    let sample = Sample::of(|| rate(&mut world, ms, |packets| check(layout, links, ms, packets)));
    if links == Links::Lossy {
        check_loss(&world);
    }
    sample
}

fn on_turmoil(layout: Echoes) -> Sample {
    let mut world = OnTurmoil::echoes(layout);
    world.advance(layout.warm_up_ms());
    let ms = span_ms(layout, PACKETS_ON_TURMOIL);
    let clean = |packets| check(layout, Links::Clean, ms, packets);
    Sample::of(|| rate(&mut world, ms, clean))
}

fn rate(world: &mut impl World, ms: u64, check: impl FnOnce(u64)) -> f64 {
    let mut packets = 0;
    let seconds = measure::cpu_seconds(|| packets = world.packets_in(ms));
    check(packets);
    packets as f64 / seconds
}

/// Whole periods in which at least so many packets are delivered.
fn span_ms(layout: Echoes, packets: u64) -> u64 {
    packets.div_ceil(layout.packets_in(layout.period_ms)) * layout.period_ms
}

/// A world that did other work than it should says nothing by its speed.
fn check(layout: Echoes, links: Links, ms: u64, packets: u64) {
    let expected = layout.packets_in(ms);
    match links {
        Links::Clean => assert_eq!(packets, expected, "{layout:?}"),
        Links::Jitter => {
            let near = expected - expected / 20..=expected + expected / 20;
            assert!(near.contains(&packets), "{packets} of {expected} packets: {layout:?}");
        }
        // A loss costs 200 ms and more, in which a pair that echoes every 2 ms misses a lot.
        Links::Lossy => {
            let some = expected / 5..=expected;
            assert!(some.contains(&packets), "{packets} of {expected} packets: {layout:?}");
        }
    }
}

/// The share of lost sendings is the one that was asked for.
fn check_loss(world: &OnImsim) {
    let links = world.stats().clients;
    let links = if links.sent > 0 { links } else { world.stats().backend };
    let lost_ppm = links.lost * 1_000_000 / links.sent;
    let wanted = u64::from(LOSS_PPM);
    assert!(lost_ppm.abs_diff(wanted) < wanted / 10, "{lost_ppm} ppm lost: {links:?}");
}
