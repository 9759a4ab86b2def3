//! Both engines do the same work, or else comparing their speed means nothing.

use im_benches::World;
use im_benches::layout::{Echoes, Mesh};
use im_benches::on_imsim::{Links, OnImsim, Stage};
use im_benches::on_turmoil::OnTurmoil;

#[test]
fn both_engines_echo_the_same_packets() {
    let layout = Echoes { servers: 2, connections: 5, ..Echoes::pairs(0) };
    let mut ours = OnImsim::echoes(layout, Links::Clean, Stage::Echoing);
    let mut turmoils = OnTurmoil::echoes(layout);
    ours.advance(layout.warm_up_ms());
    turmoils.advance(layout.warm_up_ms());
    for ms in [2, 4, 20, 86] {
        assert_eq!(ours.packets_in(ms), layout.packets_in(ms));
        assert_eq!(turmoils.packets_in(ms), layout.packets_in(ms));
    }
}

#[test]
fn both_engines_send_the_same_heartbeats() {
    let layout = Mesh { hosts: 4 };
    let mut ours = OnImsim::mesh(layout);
    let mut turmoils = OnTurmoil::mesh(layout);
    ours.advance(2_000);
    turmoils.advance(2_000);
    for seconds in [1, 3] {
        let ms = seconds * Mesh::PERIOD_MS;
        assert_eq!(ours.packets_in(ms), layout.heartbeats_in(seconds));
        assert_eq!(turmoils.packets_in(ms), layout.heartbeats_in(seconds));
    }
}

#[test]
fn a_pause_makes_the_period() {
    let layout = Echoes::calm(30);
    let mut world = OnImsim::echoes(layout, Links::Clean, Stage::Echoing);
    world.advance(layout.warm_up_ms());
    assert_eq!(world.packets_in(3_000), layout.packets_in(3_000));
    assert_eq!(layout.packets_in(3_000), 30 * 2 * 3);
}

#[test]
fn idle_clients_exchange_one_packet_and_no_more() {
    let layout = Echoes::busy(30);
    let mut world = OnImsim::echoes(layout, Links::Clean, Stage::Idle);
    assert_eq!(world.packets_in(1_000), 30 * 2);
    assert_eq!(world.packets_in(1_000), 0);
}
