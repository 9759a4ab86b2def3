//! Small live programs that do one thing over and over.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what is measured here is real time"
)]

use std::future::Future;
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cpu_time::{ProcessTime, ThreadTime};
use im::env::{Addr, Env};
use im::journal::Journal;
use im::wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Figure, Measured};
use crate::engine::live::Live;
use crate::engine::{DiskProfile, Engine, HostSpec, LinkKind};

type LiveEnv = <Live as Engine>::Env;
type Program = Pin<Box<dyn Future<Output = ()>>>;

/// Longer than any of the loops takes.
const PATIENCE: Duration = Duration::from_secs(120);
const SMALL: usize = 256;
const PAGE: usize = 4_096;
const LARGE: usize = 64 * 1024;
const PORT: u16 = 9;

/// Runs the programs on a host each, the last of which tells a result.
fn live<T: Send + 'static, F>(
    others: Vec<fn(LiveEnv) -> Program>,
    program: impl Fn(LiveEnv) -> F + Send + Sync + 'static,
) -> Result<T, String>
where
    F: Future<Output = io::Result<T>> + 'static,
{
    let mut world = Live::new(1, 0).map_err(|error| error.to_string())?;
    let spec = |name: &str| HostSpec {
        name: name.to_owned(),
        link: LinkKind::Backend,
        disk: DiskProfile::from(0),
        costs: None,
        tier: 0,
    };
    let (result, told) = mpsc::channel();
    let mut hosts = Vec::new();
    for (number, other) in others.into_iter().enumerate() {
        hosts.push(world.add_host(spec(&format!("other-{number}")), other));
    }
    hosts.push(world.add_host(spec("measured"), move |env| {
        let (result, measured) = (result.clone(), program(env));
        async move {
            // Whoever waits for it has given up with an error of its own.
            let _ = result.send(measured.await);
        }
    }));
    for host in hosts {
        world.start(host);
    }
    let told = told.recv_timeout(PATIENCE).map_err(|_| "a measurement does not end".to_owned())?;
    told.map_err(|error| format!("a measurement failed: {error}"))
}

/// Processor time of `steps` steps on this thread, in nanoseconds a step.
async fn per_step<F: Future<Output = io::Result<()>>>(
    steps: u64,
    work: impl FnOnce() -> F,
) -> io::Result<f64> {
    let since = ThreadTime::now();
    work().await?;
    Ok(since.elapsed().as_nanos() as f64 / steps as f64)
}

/// A value handed from task to task and back.
pub fn polls(batches: usize) -> Result<Figure, String> {
    const ROUNDS: u64 = 50_000;
    let program = move |env: LiveEnv| async move {
        let (there, mut asked) = tokio::sync::mpsc::channel::<u64>(1);
        let (back, mut answered) = tokio::sync::mpsc::channel::<u64>(1);
        env.spawn(async move {
            while let Some(value) = asked.recv().await {
                if back.send(value).await.is_err() {
                    break;
                }
            }
        });
        let mut costs = Vec::new();
        for _ in 0..batches {
            let rounds = async || {
                for round in 0..ROUNDS {
                    let gone = io::ErrorKind::BrokenPipe;
                    there.send(round).await.map_err(|_| gone)?;
                    answered.recv().await.ok_or(gone)?;
                }
                Ok(())
            };
            costs.push(per_step(2 * ROUNDS, rounds).await?);
        }
        Ok(costs)
    };
    Ok(Figure::of(live(Vec::new(), program)?))
}

/// Frames as nodes send them, of payloads of two sizes.
pub fn frames(batches: usize, into: &mut Measured) -> Result<(), String> {
    const ROUNDS: u64 = 20_000;
    let program = move |_: LiveEnv| async move {
        let mut costs: [Vec<f64>; 4] = Default::default();
        for _ in 0..batches {
            for (place, (size, rounds)) in
                [(SMALL, ROUNDS), (PAGE, ROUNDS / 4)].into_iter().enumerate()
            {
                let value = (7_u64, 12_u32, 3_u64, Bytes::from(vec![b'x'; size]));
                let encoded = wire::encode(&value);
                let encode = async || {
                    for _ in 0..rounds {
                        black_box(wire::encode(black_box(&value)));
                    }
                    Ok(())
                };
                costs[place].push(per_step(rounds, encode).await?);
                let decode = async || {
                    for _ in 0..rounds {
                        let value: (u64, u32, u64, Bytes) = wire::decode(black_box(&encoded))?;
                        black_box(value);
                    }
                    Ok(())
                };
                costs[2 + place].push(per_step(rounds, decode).await?);
            }
        }
        Ok(costs)
    };
    let [encode_small, encode_large, decode_small, decode_large] = live(Vec::new(), program)?;
    let slope = |small: &[f64], large: &[f64]| {
        let pairs = small.iter().zip(large);
        let slopes = pairs.map(|(small, large)| (large - small).max(0.0) / (PAGE - SMALL) as f64);
        Figure::of(slopes.collect())
    };
    let encoded = slope(&encode_small, &encode_large);
    let decoded = slope(&decode_small, &decode_large);
    // A byte costs the same in the model, whichever way it goes.
    into.coded_byte = Figure {
        median: encoded.median.midpoint(decoded.median),
        least: encoded.least.min(decoded.least),
        most: encoded.most.max(decoded.most),
    };
    let bytes = into.coded_byte.median * SMALL as f64;
    into.encode = Figure::of(encode_small).map(|cost| (cost - bytes).max(0.0));
    into.decode = Figure::of(decode_small).map(|cost| (cost - bytes).max(0.0));
    Ok(())
}

/// Answers what comes, byte for byte, in the pieces in which it was asked: a size, then so much.
fn echo(env: LiveEnv) -> Program {
    Box::pin(async move {
        let Ok(mut listener) = env.listen(PORT) else { return };
        while let Ok(mut stream) = env.accept(&mut listener).await {
            env.spawn(async move {
                let mut buffer = vec![0; LARGE];
                while let Ok(size) = stream.read_u32().await {
                    let piece = &mut buffer[..size as usize];
                    while stream.read_exact(piece).await.is_ok() {
                        if stream.write_all(piece).await.is_err() {
                            break;
                        }
                    }
                }
            });
        }
    })
}

/// Takes what comes.
fn sink(env: LiveEnv) -> Program {
    Box::pin(async move {
        let Ok(mut listener) = env.listen(PORT) else { return };
        while let Ok(mut stream) = env.accept(&mut listener).await {
            let mut buffer = vec![0; LARGE];
            env.spawn(async move { while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {} });
        }
    })
}

async fn dial(env: &LiveEnv) -> io::Result<<LiveEnv as Env>::Stream> {
    let give_up = env.now() + PATIENCE.as_nanos() as u64;
    loop {
        match env.connect(Addr { node: 0, port: PORT }).await {
            Err(_) if env.now() < give_up => env.sleep(1_000_000).await,
            dialled => return dialled,
        }
    }
}

/// Messages to and fro, one at a time; and writes without an answer.
pub fn sockets(batches: usize, into: &mut Measured) -> Result<(), String> {
    const ROUNDS: u64 = 4_000;
    let writes = move |size: usize| {
        move |env: LiveEnv| async move {
            let (mut stream, mut costs) = (dial(&env).await?, Vec::new());
            let (message, rounds) = (vec![b'x'; size], if size == SMALL { ROUNDS } else { 400 });
            for _ in 0..batches {
                let writes = async || {
                    for _ in 0..rounds {
                        stream.write_all(&message).await?;
                    }
                    Ok(())
                };
                costs.push(per_step(rounds, writes).await?);
            }
            Ok(costs)
        }
    };
    let write_small = Figure::of(live(vec![sink], writes(SMALL))?);
    let write_large = Figure::of(live(vec![sink], writes(LARGE))?);
    let echoes = move |size: usize| {
        move |env: LiveEnv| async move {
            let mut stream = dial(&env).await?;
            stream.write_u32(size as u32).await?;
            let (mut message, mut costs) = (vec![b'x'; size], Vec::new());
            let (mut trips, rounds) = (Vec::new(), if size == SMALL { ROUNDS } else { 400 });
            for _ in 0..batches {
                let echoes = async || {
                    for _ in 0..rounds {
                        let since = Instant::now();
                        stream.write_all(&message).await?;
                        stream.read_exact(&mut message).await?;
                        trips.push(since.elapsed().as_nanos() as f64);
                    }
                    Ok(())
                };
                costs.push(per_step(rounds, echoes).await?);
            }
            Ok((costs, trips))
        }
    };
    let (echo_small, trips) = live(vec![echo], echoes(SMALL))?;
    let (echo_large, _) = live(vec![echo], echoes(LARGE))?;
    let (echo_small, echo_large) = (Figure::of(echo_small), Figure::of(echo_large));
    let bytes = (LARGE - SMALL) as f64;
    into.packet_written = write_small;
    into.byte_written = write_large.map(|cost| (cost - write_small.median).max(0.0) / bytes);
    // A round trip is a write, a read and the poll between them.
    let poll = into.poll.median;
    into.packet_read = echo_small.map(|cost| (cost - write_small.median - poll).max(0.0));
    let both = echo_large.map(|cost| (cost - echo_small.median).max(0.0) / bytes);
    into.byte_read = both.map(|cost| (cost - into.byte_written.median).max(0.0));
    // Each way: the work of one end, then the way to the other.
    into.loopback = middle(trips).map(|trip| (trip / 2.0 - echo_small.median).max(0.0));
    Ok(())
}

/// The median of samples, and the range of their middle nine tenths.
fn middle(mut samples: Vec<f64>) -> Figure {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize];
    Figure { median: at(0.5), least: at(0.05), most: at(0.95) }
}

/// Records of a write-ahead log, and its syncs.
pub fn journals(batches: usize, into: &mut Measured) -> Result<(), String> {
    const ROUNDS: u64 = 5_000;
    const PAYLOAD: usize = 4_096;
    const SYNCS: u64 = 200;
    let program = move |env: LiveEnv| async move {
        let stats = std::sync::Arc::default();
        let (journal, _) = Journal::<_, Bytes>::open(env.clone(), "measured.wal", stats).await;
        let (mut empty, mut full) = (Vec::new(), Vec::new());
        for _ in 0..batches {
            for (costs, size) in [(&mut empty, 0), (&mut full, PAYLOAD)] {
                let (record, rounds) =
                    (Bytes::from(vec![b'x'; size]), if size == 0 { ROUNDS } else { ROUNDS / 10 });
                let appends = async || {
                    for _ in 0..rounds {
                        let no_room = |_| io::ErrorKind::StorageFull;
                        journal.append(&record).map_err(no_room)?;
                    }
                    Ok(())
                };
                costs.push(per_step(rounds, appends).await?);
            }
            journal.durable(journal.position()).await;
        }
        let (mut took, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..batches {
            let (process, thread) = (ProcessTime::now(), ThreadTime::now());
            for _ in 0..SYNCS / batches as u64 {
                env.disk_append("measured.sync", &[b'x'; SMALL])?;
                let since = Instant::now();
                env.disk_sync("measured.sync").await?;
                took.push(since.elapsed().as_nanos() as f64);
            }
            let syncs = (SYNCS / batches as u64) as f64;
            let elsewhere = process.elapsed().saturating_sub(thread.elapsed());
            costs.push(elsewhere.as_nanos() as f64 / syncs);
        }
        Ok((empty, full, took, costs))
    };
    let (empty, full, took, costs) = live(Vec::new(), program)?;
    into.journal_record = Figure::of(empty);
    let record = into.journal_record.median;
    into.journal_byte = Figure::of(full).map(|cost| (cost - record).max(0.0) / PAYLOAD as f64);
    into.journal_sync = Figure::of(costs);
    into.fsync = middle(took);
    Ok(())
}
