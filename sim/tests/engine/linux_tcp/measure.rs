//! Messages over one simulated stream under loss, and through a partition: what the kernel's TCP
//! was measured with, done to ours.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use imsim::engine::sim::{Condition, LinkKind, LinkProfile, Network, Sim, SimEnv};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MS: Nanos = 1_000_000;
const PORT: u16 = 1;
/// Streams that share the messages of a cell, each in a world of its own.
const STREAMS: u64 = 10;

/// What is sent, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Name in the measurements.
    pub name: &'static str,
    /// Bytes of a message.
    pub bytes: usize,
    /// Messages back to back.
    pub at_once: u64,
    /// From one batch to the next.
    pub every: Nanos,
    /// Messages that were measured.
    pub messages: u64,
}

/// The kinds of traffic that were measured.
pub const TRAFFIC: [Traffic; 4] = [
    Traffic { name: "sparse", bytes: 256, at_once: 1, every: 500 * MS, messages: 11_000 },
    Traffic { name: "busy", bytes: 256, at_once: 1, every: 5 * MS, messages: 66_000 },
    Traffic { name: "bursts", bytes: 1_024, at_once: 20, every: 1_000 * MS, messages: 22_000 },
    Traffic { name: "bulk", bytes: 65_536, at_once: 1, every: 2_000 * MS, messages: 1_100 },
];

/// One-way latencies of messages in ms, ascending.
pub fn latencies(rtt_ms: f64, loss: f64, traffic: Traffic) -> Vec<f64> {
    let mut all: Vec<f64> =
        (0..STREAMS).flat_map(|seed| one_stream(seed, rtt_ms, loss, traffic)).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

/// The value that a share of the sorted values does not exceed, interpolated between neighbours.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let place = percent / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

fn link(rtt_ms: f64, loss: f64) -> LinkProfile {
    let latency = (rtt_ms / 2.0 * MS as f64) as Nanos;
    LinkProfile { loss_ppm: (loss * 1e6).round() as u32, ..LinkProfile::constant(latency) }
}

/// One-way latencies of a stream's messages in ms, in the order of the messages.
pub fn one_stream(seed: u64, rtt_ms: f64, loss: f64, traffic: Traffic) -> Vec<f64> {
    let link = link(rtt_ms, loss);
    let mut sim = Sim::new(seed, Network { clients: link, backend: link });
    let wanted = traffic.messages / STREAMS;
    let took: Rc<RefCell<Vec<f64>>> = Rc::default();
    let sent: Rc<RefCell<VecDeque<Nanos>>> = Rc::default();
    let receiver = add_receiver(&mut sim, traffic.bytes, sent.clone(), took.clone());
    add_sender(&mut sim, receiver, traffic, wanted, sent);
    while (took.borrow().len() as u64) < wanted {
        sim.run_until(sim.now() + 1_000 * MS);
    }
    drop(sim);
    Rc::try_unwrap(took).expect("the world is gone").into_inner()
}

/// Adds a host that reads whole messages and notes how long each took.
fn add_receiver(
    sim: &mut Sim,
    bytes: usize,
    sent: Rc<RefCell<VecDeque<Nanos>>>,
    took: Rc<RefCell<Vec<f64>>>,
) -> u32 {
    let boot = move |env: SimEnv| {
        let (sent, took) = (sent.clone(), took.clone());
        async move {
            let mut listener = env.listen(PORT).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            let mut message = vec![0; bytes];
            while stream.read_exact(&mut message).await.is_ok() {
                let at = sent.borrow_mut().pop_front().expect("sent before");
                took.borrow_mut().push((env.now() - at) as f64 / MS as f64);
            }
        }
    };
    let host = sim.add_host("receiver", LinkKind::Backend, MS, boot);
    sim.start(host);
    host
}

/// Adds a host that sends by the clock, whether or not what it sent before has left.
fn add_sender(
    sim: &mut Sim,
    to: u32,
    traffic: Traffic,
    wanted: u64,
    sent: Rc<RefCell<VecDeque<Nanos>>>,
) {
    let boot = move |env: SimEnv| {
        let sent = sent.clone();
        async move {
            let mut stream = env.connect(Addr { node: to, port: PORT }).await.expect("accepted");
            let message = vec![7; traffic.bytes];
            let start = env.now() + 1_000 * MS;
            for number in 0..wanted {
                env.sleep_until(start + number / traffic.at_once * traffic.every).await;
                sent.borrow_mut().push_back(env.now());
                stream.write_all(&message).await.expect("the connection holds");
            }
            std::future::pending::<()>().await;
        }
    };
    let host = sim.add_host("sender", LinkKind::Backend, MS, boot);
    sim.start(host);
}

/// Seconds after healing until the first message sent in the partition arrives, of `streams`
/// streams between two hosts, with a message every 500 ms each; ascending.
pub fn first_after_partition(seed: u64, rtt_ms: f64, partition: Nanos, streams: u64) -> Vec<f64> {
    let link = link(rtt_ms, 0.0);
    let mut sim = Sim::new(seed, Network { clients: link, backend: link });
    let arrived: Rc<RefCell<Vec<(u64, Nanos)>>> = Rc::default();
    let seen = arrived.clone();
    let receiver = sim.add_host("receiver", LinkKind::Backend, MS, move |env| {
        let seen = seen.clone();
        async move {
            let mut listener = env.listen(PORT).expect("the port is free");
            while let Ok(mut stream) = env.accept(&mut listener).await {
                let seen = seen.clone();
                env.spawn(async move {
                    while let Ok(number) = stream.read_u64().await {
                        seen.borrow_mut().push((number, env.now()));
                    }
                });
            }
        }
    });
    sim.start(receiver);
    let sender = sim.add_host("sender", LinkKind::Backend, MS, move |env| async move {
        for number in 0..streams {
            env.spawn(async move {
                let to = Addr { node: receiver, port: PORT };
                let mut stream = env.connect(to).await.expect("accepted");
                env.sleep(number * 500 * MS / streams).await;
                while stream.write_u64(number).await.is_ok() {
                    env.sleep(500 * MS).await;
                }
            });
        }
        std::future::pending::<()>().await;
    });
    sim.start(sender);
    sim.run_until(5_000 * MS);
    let cut = sim.impose(Condition::Cut(BTreeSet::from([sender]), BTreeSet::from([receiver])));
    let cut_at = sim.now();
    sim.run_until(cut_at + partition);
    sim.lift(cut);
    let healed = sim.now();
    sim.run_until(healed + 3 * partition + 10_000 * MS);
    // What was under way at the cut still arrives; the first one after healing is what counts.
    let mut firsts: Vec<f64> = (0..streams)
        .filter_map(|number| {
            let arrived = arrived.borrow();
            let first = arrived.iter().find(|(stream, at)| *stream == number && *at > healed);
            first.map(|(_, at)| (*at - healed) as f64 / 1e9)
        })
        .collect();
    assert_eq!(firsts.len() as u64, streams, "every stream goes on");
    firsts.sort_unstable_by(f64::total_cmp);
    firsts
}

/// Seconds after healing until dials begun within a partition succeed; ascending.
pub fn connects_after_partition(seed: u64, rtt_ms: f64, partition: Nanos, dials: u64) -> Vec<f64> {
    let link = link(rtt_ms, 0.0);
    let mut sim = Sim::new(seed, Network { clients: link, backend: link });
    let listening = sim.add_host("listening", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(PORT).expect("the port is free");
        let mut streams = Vec::new();
        while let Ok(stream) = env.accept(&mut listener).await {
            streams.push(stream);
        }
    });
    sim.start(listening);
    let done: Rc<RefCell<Vec<Nanos>>> = Rc::default();
    let noted = done.clone();
    let dialling = sim.add_host("dialling", LinkKind::Backend, MS, move |env| {
        let done = noted.clone();
        async move {
            for number in 0..dials {
                let done = done.clone();
                env.spawn(async move {
                    env.sleep(number * partition / dials).await;
                    let to = Addr { node: listening, port: PORT };
                    let stream = env.connect(to).await.expect("healed in time");
                    done.borrow_mut().push(env.now());
                    std::future::pending::<()>().await;
                    drop(stream);
                });
            }
        }
    });
    let cut = sim.impose(Condition::Cut(BTreeSet::from([dialling]), BTreeSet::from([listening])));
    sim.start(dialling);
    sim.run_until(partition);
    sim.lift(cut);
    let healed = sim.now();
    sim.run_until(healed + 3 * partition + 10_000 * MS);
    let done = done.borrow();
    assert_eq!(done.len() as u64, dials, "every dial succeeds");
    let mut done: Vec<f64> = done.iter().map(|at| (*at - healed) as f64 / 1e9).collect();
    done.sort_unstable_by(f64::total_cmp);
    done
}
