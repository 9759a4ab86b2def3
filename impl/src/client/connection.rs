//! Staying logged in: one gateway after the other, with backoff, heartbeats and an idle timeout. What it takes to
//! log in is bounded by `im.device_timeout`, which spans a phone's round trip.

use std::future::poll_fn;
use std::rc::Rc;

use super::Device;
use super::status::LoginFailure;
use crate::config::Conversations;
use crate::env::{Addr, Env};
use crate::proto::device::{ToDevice, ToGateway};
use crate::stats;
use crate::topology::DEVICE_PORT;
use crate::units::Span;
use crate::wire::{self, Frames, Outlet};

/// Bytes that may wait for the connection.
const BACKLOG_BYTES: usize = 4 << 20;
/// The wait before dialling again doubles up to this many times.
const DOUBLINGS_MAX: u32 = 3;

/// Dials, logs in, serves the connection, and starts over when it ends.
pub async fn stay_logged_in<E: Env>(device: Rc<Device<E>>, take: impl Fn(ToDevice)) {
    let (env, config) = (&device.node.env, &device.node.config);
    let gateways = &device.node.topology.gateways;
    // Each device begins somewhere else, so that gateways fill evenly.
    let mut next = (device.id.user.0 as usize + device.id.index as usize) % gateways.len();
    let mut failures = 0;
    loop {
        let to = Addr { node: gateways[next], port: DEVICE_PORT };
        let dialled = env.timeout(config.device_timeout.0, env.connect(to)).await;
        let served = match dialled {
            Some(Ok(stream)) => serve(&device, stream, &take).await,
            Some(Err(error)) => Err(LoginFailure::Refused(error.kind())),
            None => Err(LoginFailure::NotConnected(config.device_timeout)),
        };
        match served {
            Ok(()) => {
                failures = 0;
                stats::bump(&device.node.stats.disconnects);
            }
            Err(failure) => device.status.login_failed(failure),
        }
        next = (next + 1) % gateways.len();
        let wait = config.reconnect.0 << failures.min(DOUBLINGS_MAX);
        env.sleep(wait / 2 + env.rand_below(wait / 2 + 1)).await;
        failures += 1;
    }
}

/// Logs in: a gateway that says that it is at work on it is waited for.
async fn log_in<E: Env>(
    device: &Device<E>,
    incoming: &mut Frames<E>,
    out: &Outlet<E, ToGateway>,
) -> Result<(), LoginFailure> {
    let (env, patience) = (&device.node.env, Span(2 * device.node.config.device_timeout.0));
    // Nothing else waits to leave yet, so there is room.
    let _ = out.send(&ToGateway::Login(device.id));
    loop {
        let answer = async {
            tokio::select! {
                biased;
                answer = incoming.next() => answer.ok(),
                _ = poll_fn(|cx| out.poll_rest(cx)) => None,
            }
        };
        match env.timeout(patience.0, answer).await {
            Some(Some(ToDevice::LoggedIn)) => return Ok(()),
            Some(Some(ToDevice::Heartbeat)) => device.status.heard(),
            Some(_) => return Err(LoginFailure::HungUp),
            None => return Err(LoginFailure::NoAnswer(patience)),
        }
    }
}

/// Serves one connection until it ends, once the login was acked on it.
async fn serve<E: Env>(
    device: &Device<E>,
    stream: E::Stream,
    take: &impl Fn(ToDevice),
) -> Result<(), LoginFailure> {
    let (env, config) = (&device.node.env, &device.node.config);
    let (mut incoming, out) = wire::frames(env, stream, BACKLOG_BYTES);
    log_in(device, &mut incoming, &out).await?;
    device.observer.logged_in();
    device.online.replace(Some(out.clone()));
    device.status.set_online(true);
    device.came_online.notify_waiters();
    if config.conversations != Conversations::None {
        device.add(&ToGateway::Conversations);
        device.flush();
    }
    let receive = async {
        while let Ok(frame) = incoming.next::<ToDevice>().await {
            take(frame);
        }
    };
    let stay_alive = async {
        env.sleep(env.rand_below(config.heartbeat.0)).await;
        while env.now() < out.heard() + config.idle_timeout.0 {
            device.add(&ToGateway::Heartbeat);
            let counts = std::mem::take(&mut *device.open_counts.borrow_mut());
            if !counts.is_empty() {
                device.add(&ToGateway::OpenCounts(counts.into_iter().collect()));
            }
            device.flush();
            env.sleep(config.heartbeat.0).await;
        }
    };
    tokio::select! {
        biased;
        () = receive => {}
        _ = poll_fn(|cx| out.poll_rest(cx)) => {}
        () = stay_alive => {}
    }
    device.online.replace(None);
    device.status.set_online(false);
    Ok(())
}
