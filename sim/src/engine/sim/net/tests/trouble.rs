//! Hosts that dial, talk and hang up while everything happens to them at odd times. Whatever does, no
//! event is for the past, time goes on, and once all is well everybody reaches everybody again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{MS, S};
use crate::engine::rng::{self, Stream};
use crate::engine::sim::*;

const HOSTS: u32 = 4;
const PORT: u16 = 1;

/// Who got its last echo from whom, and when.
type Heard = Rc<RefCell<[[Nanos; HOSTS as usize]; HOSTS as usize]>>;

/// Adds a host that echoes, and that talks to each of the others over one connection after the other.
fn add_talker(sim: &mut Sim, own: HostId, heard: &Heard) {
    let kind = if own == 0 { LinkKind::Client } else { LinkKind::Backend };
    let heard = heard.clone();
    let id = sim.add_host("talker", kind, 3 * MS, move |env| {
        let heard = heard.clone();
        async move {
            for to in (0..HOSTS).filter(|to| *to != own) {
                env.spawn(talk(env, own, to, heard.clone()));
            }
            echo(env).await;
        }
    });
    assert_eq!(id, own);
    sim.start(id);
}

async fn echo(env: SimEnv) {
    let mut listener = env.listen(PORT).expect("the port is free");
    while let Ok(mut stream) = env.accept(&mut listener).await {
        env.keep_alive(&stream, 10 * S);
        env.spawn(async move {
            let mut buffer = vec![0; 8 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                // Sometimes slowly, so that windows fill and acks are held back.
                env.sleep(env.rand_below(4) * env.rand_below(100) * MS).await;
                if stream.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn talk(env: SimEnv, own: HostId, to: HostId, heard: Heard) {
    loop {
        let patience = S + env.rand_below(30) * S;
        let dialled = env.timeout(patience, env.connect(Addr { node: to, port: PORT })).await;
        if let Some(Ok(mut stream)) = dialled {
            for _ in 0..env.rand_below(20) {
                let bytes = vec![7; 1 + env.rand_below(40) as usize * env.rand_below(500) as usize];
                let exchange = async {
                    stream.write_all(&bytes).await?;
                    stream.read_exact(&mut vec![0; bytes.len()]).await
                };
                let Some(Ok(_)) = env.timeout(patience, exchange).await else { break };
                heard.borrow_mut()[own as usize][to as usize] = env.now();
                env.sleep(env.rand_below(1_500) * MS).await;
            }
        }
        env.sleep(env.rand_below(500) * MS).await;
    }
}

/// What is wrong with the world at a time.
#[derive(Default)]
struct Trouble {
    conditions: Vec<ConditionId>,
}

impl Trouble {
    /// Something happens to some host, or to some path.
    fn strike(&mut self, sim: &mut Sim, rng: &mut Stream) {
        let host = rng::below(rng, u64::from(HOSTS)) as HostId;
        let odd = |rng: &mut Stream| rng::below(rng, 5_000) * rng::below(rng, 1_000_000);
        match rng::below(rng, 14) {
            0 => sim.pause(host),
            1 => _ = sim.resume(host),
            2 => _ = sim.crash(host),
            3 => _ = sim.lose_power(host, rng::below(rng, 2) == 0),
            4 | 5 => (0..HOSTS).for_each(|host| sim.start(host)),
            6 => _ = sim.reset_connections(host, |_| true),
            7 => sim.step_clock(host, rng::below(rng, 20_000) as i64 - 10_000),
            8 => sim.impose_on_disk(host, DiskFault::Slow { times: 9, by: odd(rng) }),
            9 | 10 if !self.conditions.is_empty() => {
                let place = rng::below(rng, self.conditions.len() as u64) as usize;
                sim.lift(self.conditions.swap_remove(place));
            }
            _ => {
                let on = Where::Hosts(BTreeSet::from([host]));
                let (some, others) = (0..HOSTS).partition(|other| *other <= host);
                let bytes_per_s = 1 + rng::below(rng, 100_000);
                let condition = match rng::below(rng, 5) {
                    0 => Condition::Cut(some, others),
                    1 => Condition::CutOneWay(others, some),
                    2 => Condition::Loss(on, rng::below(rng, 900_000) as u32),
                    3 => Condition::Bandwidth(on, Rate { bytes_per_s, queue_bytes: 20_000 }),
                    _ => Condition::Delay(on, odd(rng)),
                };
                self.conditions.push(sim.impose(condition));
            }
        }
    }

    fn end(self, sim: &mut Sim) {
        for condition in self.conditions {
            sim.lift(condition);
        }
        for host in 0..HOSTS {
            sim.resume(host);
            sim.heal_disk(host);
            sim.start(host);
        }
    }
}

fn live_through(seed: u64) {
    let mut rng = rng::stream(seed, "trouble");
    let link = LinkProfile { sd: MS, min: MS, max: 40 * MS, ..LinkProfile::constant(10 * MS) };
    let mut sim = Sim::new(seed, Network { clients: link, backend: link });
    if rng::below(&mut rng, 2) == 0 {
        sim.delay_acks();
    }
    let (backlog, syn_cookies) = (rng::below(&mut rng, 3) as u32, rng::below(&mut rng, 2) == 0);
    sim.set_accept_queue(AcceptQueue { backlog, syn_cookies });
    let heard = Heard::default();
    (0..HOSTS).for_each(|host| add_talker(&mut sim, host, &heard));
    let mut trouble = Trouble::default();
    for _ in 0..60 {
        let span = rng::below(&mut rng, 2_000) * rng::below(&mut rng, 2_000_000);
        sim.run_until(sim.now() + span);
        trouble.strike(&mut sim, &mut rng);
    }
    trouble.end(&mut sim);
    // Everybody has given up what it had, and a connection that nobody told of lives at most so long.
    let healed = sim.now();
    sim.run_until(healed + 300 * S);
    for (from, heard) in heard.borrow().iter().enumerate() {
        for (to, at) in heard.iter().enumerate().filter(|(to, _)| *to != from) {
            assert!(*at > healed, "seed {seed}: {from} does not reach {to}");
        }
    }
}

#[test]
fn no_trouble_lasts_and_none_is_in_the_past() {
    (0..100).for_each(live_through);
}
