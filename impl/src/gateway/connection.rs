//! One device's connection: login, then frames both ways until it ends or falls silent.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

use super::sessions::{BACKLOG_BYTES, Session};
use super::{GatewayNode, reconcile, requests};
use crate::env::Env;
use crate::model::DeviceId;
use crate::proto::device::{ToDevice, ToGateway};
use crate::proto::store;
use crate::stats;
use crate::wire::{self, Frames, Outlet};

/// Serves a device's connection until it ends.
pub async fn serve<E: Env>(gateway: &Rc<GatewayNode<E>>, stream: E::Stream) {
    let env = &gateway.node.env;
    let (mut incoming, out) = wire::frames(env, stream, BACKLOG_BYTES);
    let idle = gateway.node.config.idle_timeout.0;
    let login = env.timeout(idle, incoming.next::<ToGateway>()).await;
    let Some(Ok(ToGateway::Login(device))) = login else { return };
    // The device is entered before it hears so: from then on it is owed its rows.
    if !register(gateway, device, &out).await {
        return;
    }
    let session = gateway.sessions.open(device, out);
    stats::bump(&gateway.node.stats.logins);
    greet(gateway, &session);
    tokio::select! {
        biased;
        () = receive(gateway, &session, &mut incoming) => {}
        _ = poll_fn(|cx| session.way.poll_rest(cx)) => {}
        () = silence(gateway, &session) => stats::bump(&gateway.node.stats.idle_closes),
    }
    if gateway.sessions.close(&session) {
        withdraw(gateway, device);
    }
}

/// Enters a device in the store; false where that cannot be done. While the store is at work on it, the device
/// hears so, and waits.
async fn register<E: Env>(
    gateway: &GatewayNode<E>,
    device: DeviceId,
    out: &Outlet<E, ToDevice>,
) -> bool {
    let (env, wait) = (&gateway.node.env, gateway.node.config.device_timeout.0);
    let mut registered =
        pin!(gateway.ask_store(device.user, store::Request::RegisterDevice(device)));
    loop {
        if let Some(reply) = env.timeout(wait, registered.as_mut()).await {
            return reply == Ok(store::Reply::Done);
        }
        // The device may be gone by now.
        let _ = out.send(&ToDevice::Heartbeat);
    }
}

fn greet<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>) {
    // Nothing else waits to leave yet, so there is room.
    let _ = session.say(&gateway.node, &ToDevice::LoggedIn);
    let (gateway, session) = (gateway.clone(), session.clone());
    gateway.node.env.clone().spawn(async move {
        gateway.presence.announce(&[session.device], gateway.node.number).await;
        reconcile::run(&gateway, &session).await;
    });
}

fn withdraw<E: Env>(gateway: &Rc<GatewayNode<E>>, device: DeviceId) {
    let gateway = gateway.clone();
    gateway.node.env.clone().spawn(async move {
        // It may have come back here meanwhile.
        if gateway.sessions.get(device).is_none() {
            gateway.presence.withdraw(device, gateway.node.number).await;
        }
    });
}

async fn receive<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    incoming: &mut Frames<E>,
) {
    while let Ok(frame) = incoming.next::<ToGateway>().await {
        requests::handle(gateway, session, frame);
    }
}

/// Completes when the device has said nothing for too long.
async fn silence<E: Env>(gateway: &GatewayNode<E>, session: &Session<E>) {
    let env = &gateway.node.env;
    loop {
        let dead_at = session.way.heard() + gateway.node.config.idle_timeout.0;
        if env.now() >= dead_at {
            return;
        }
        env.sleep_until(dead_at).await;
    }
}
