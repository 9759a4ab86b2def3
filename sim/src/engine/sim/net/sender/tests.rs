//! What a sender decides, without a world: the tests say which packets arrive when, and one way
//! takes 10 ms.

use super::*;
use crate::engine::sim::net::arrivals::Arrival;

const MS: Nanos = 1_000_000;
const LATENCY: Nanos = 10 * MS;

/// A sender that knows from its handshake that a round trip takes 20 ms.
fn sender() -> Sender {
    let mut sender = Sender::default();
    sender.trip.measure(2 * LATENCY);
    sender
}

/// A packet leaves for each of the arrivals, all at `now`.
fn send(sender: &mut Sender, now: Nanos, arrivals: &[Nanos]) {
    sender.learn(now);
    sender.note_writing(now);
    for arrives_at in arrivals {
        let place = sender.add_packet(100, now);
        sender.note_sending(place, now, *arrives_at);
    }
}

fn send_again(sender: &mut Sender, place: usize, now: Nanos, arrives_at: Nanos) {
    sender.note_resending(place, now);
    sender.note_sending(place, now, arrives_at);
}

/// What is due by `now` arrives, and its ack sets out.
fn arrive(sender: &mut Sender, now: Nanos) -> Arrival {
    let arrival = sender.arrive(now);
    sender.ack_all(now + LATENCY);
    arrival
}

#[test]
fn the_third_later_ack_marks_a_loss_and_the_window_shrinks_once() {
    let mut sender = sender();
    send(&mut sender, 0, &[NEVER, NEVER, 10 * MS, 10 * MS, 11 * MS]);
    arrive(&mut sender, 10 * MS);
    arrive(&mut sender, 11 * MS);
    sender.learn(20 * MS);
    assert_eq!((sender.next_lost(), sender.waits_for_order()), (None, true), "two may overtake");
    sender.learn(21 * MS);
    assert_eq!((sender.next_lost(), sender.waits_for_order()), (Some(0), false));
    assert!(sender.urgent, "the first one is sent again at once");
    assert_eq!(sender.packets.iter().filter(|packet| packet.lost).count(), 2);
    assert_eq!((sender.window.size(), sender.room()), (7, 7), "nothing is under way any more");
}

#[test]
fn a_packet_that_fewer_overtook_is_lost_after_a_quarter_of_a_round_trip() {
    let mut sender = sender();
    send(&mut sender, 0, &[NEVER, 10 * MS]);
    arrive(&mut sender, 10 * MS);
    sender.learn(20 * MS);
    let due = 25 * MS;
    assert_eq!(sender.timer(20 * MS), Some((20 * MS, due + REORDERING_SLACK - 20 * MS)));
    sender.learn(due - 1);
    assert_eq!(sender.next_lost(), None);
    sender.learn(due);
    assert_eq!(sender.next_lost(), Some(0));
}

#[test]
fn the_first_packet_of_a_burst_after_idling_costs_a_third_of_the_window_not_all_of_it() {
    let mut sender = sender();
    send(&mut sender, 0, &[LATENCY]);
    arrive(&mut sender, LATENCY);
    let start = 60_000 * MS;
    let arrival = start + LATENCY;
    send(&mut sender, start, &[NEVER, arrival, arrival, arrival, arrival]);
    // The idle time counts towards no timer: the acks of the others come first.
    let (from, wait) = sender.timer(start).expect("a packet is missing");
    assert!(from == start && wait > 2 * LATENCY, "{from} {wait}");
    arrive(&mut sender, arrival);
    sender.learn(start + 20 * MS);
    assert_eq!((sender.next_lost(), sender.window.size()), (Some(0), 7));
    send_again(&mut sender, 0, start + 20 * MS, start + 30 * MS);
    let mended = arrive(&mut sender, start + 30 * MS);
    assert_eq!((mended.packets, mended.bytes), (1, 500), "the others waited for it");
    sender.learn(start + 40 * MS);
    assert_eq!((sender.packets.len(), sender.listens()), (0, false));
    assert_eq!((sender.window.size(), sender.room()), (7, 7));
}

#[test]
fn a_lone_loss_is_probed_and_only_a_timeout_after_that_collapses_the_window() {
    let mut sender = sender();
    let start = 60_000 * MS;
    send(&mut sender, start, &[NEVER]);
    let rto = sender.trip.rto(0);
    assert_eq!(sender.timer(start), Some((start, rto)), "as long as for a delayed ack");
    let probed = start + rto;
    assert_eq!(sender.expire(probed), Expiry::Send(0));
    send_again(&mut sender, 0, probed, NEVER);
    assert_eq!(sender.window.size(), 10, "a probe costs nothing");
    assert_eq!(sender.timer(probed), Some((probed, rto)));
    assert_eq!(sender.expire(probed + rto), Expiry::Send(0));
    send_again(&mut sender, 0, probed + rto, NEVER);
    assert_eq!((sender.window.size(), sender.room()), (1, 0));
    assert_eq!(sender.timer(probed + rto), Some((probed + rto, 2 * rto)));
}

#[test]
fn a_packet_that_is_sent_again_still_arrives_with_its_earlier_copy() {
    let mut sender = sender();
    // The second one is only late; a probe is sent of it before it arrives.
    send(&mut sender, 0, &[NEVER, 50 * MS]);
    let (from, wait) = sender.timer(0).expect("a packet is missing");
    assert_eq!((from, wait), (0, 48 * MS));
    assert_eq!(sender.expire(48 * MS), Expiry::Send(1));
    send_again(&mut sender, 1, 48 * MS, 58 * MS);
    assert_eq!(sender.next_arrival(), 50 * MS);
    assert_eq!(arrive(&mut sender, 50 * MS).packets, 1);
    assert!(sender.packets[1].received);
    // Where the earlier copy was lost, the later one counts.
    sender.learn(60 * MS);
    send_again(&mut sender, 0, 60 * MS, 70 * MS);
    assert_eq!(sender.next_arrival(), 70 * MS);
}

#[test]
fn a_second_copy_under_way_keeps_the_pipe_ragged_until_it_has_arrived() {
    let mut sender = sender();
    send(&mut sender, 0, &[LATENCY]);
    assert_eq!(sender.arrive(LATENCY).bytes, 100);
    sender.lose_ack();
    let rto = sender.trip.rto(0);
    assert_eq!(sender.timer(LATENCY), Some((0, rto)), "a lost ack looks like a lost packet");
    assert_eq!(sender.expire(rto), Expiry::Send(0));
    send_again(&mut sender, 0, rto, rto + LATENCY);
    // Something from the peer tells that the first copy had arrived.
    sender.ack_all(rto + 50 * MS);
    sender.learn(rto + MS);
    assert!(sender.ragged, "as only then the second copy is looked for");
    let again = arrive(&mut sender, rto + LATENCY);
    assert_eq!((again.packets, again.bytes), (1, 0), "the reader gets its bytes once");
    assert!(sender.packets[0].repeated);
    sender.learn(rto + LATENCY);
    assert!(!sender.ragged, "an ack is on its way, and nothing else");
    sender.learn(rto + 2 * LATENCY);
    assert_eq!((sender.packets.len(), sender.window.size()), (0, 10), "nothing was lost");
}

#[test]
fn a_probe_costs_the_window_only_if_it_was_what_arrived() {
    for (first_arrives, window) in [(LATENCY, 10), (NEVER, 7)] {
        let mut sender = sender();
        send(&mut sender, 0, &[first_arrives]);
        sender.arrive(LATENCY);
        sender.lose_ack();
        let rto = sender.trip.rto(0);
        assert_eq!(sender.expire(rto), Expiry::Send(0));
        send_again(&mut sender, 0, rto, rto + LATENCY);
        arrive(&mut sender, rto + LATENCY);
        sender.learn(rto + 2 * LATENCY);
        assert_eq!((sender.packets.len(), sender.window.size()), (0, window));
    }
}

/// Acks that come at one instant are taken in together, but the kernel sees one after the other, and sends
/// two packets with each: the window is full until nothing waits any more.
#[test]
fn what_the_window_kept_back_is_sent_at_its_limit_and_so_its_acks_grow_it() {
    let mut sender = sender();
    let arrival = LATENCY;
    send(&mut sender, 0, &[arrival; 10]);
    sender.unsent = 800;
    sender.note_use(0, true, true);
    arrive(&mut sender, arrival);
    let back = 2 * LATENCY;
    sender.learn(back);
    assert_eq!((sender.window.size(), sender.room()), (20, 20));
    sender.unsent = 0;
    send(&mut sender, back, &[back + LATENCY; 8]);
    sender.note_use(back, false, true);
    arrive(&mut sender, back + LATENCY);
    sender.learn(2 * back);
    assert_eq!(sender.window.size(), 28);
    // Eight more that nothing kept back fill no window of 28.
    send(&mut sender, 2 * back, &[2 * back + LATENCY; 8]);
    sender.note_use(2 * back, false, true);
    arrive(&mut sender, 2 * back + LATENCY);
    sender.learn(3 * back);
    assert_eq!(sender.window.size(), 28);
}
