//! Programs that several tests run. They must not know the engine.

use std::future::pending;
use std::io;

use im::env::{Addr, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{Log, MS};

/// Sends back, at once, what it reads on its first port.
pub async fn echo<V: Env>(env: V) {
    let mut listener = env.listen(1).expect("the port is free");
    while let Ok(mut stream) = env.accept(&mut listener).await {
        env.spawn(async move {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                if stream.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Listens, takes connections in, and holds them without a word.
pub async fn hold<V: Env>(env: V) {
    let mut listener = env.listen(1).expect("the port is free");
    let mut held = Vec::new();
    while let Ok(stream) = env.accept(&mut listener).await {
        held.push(stream);
    }
}

/// Says `tick` every 5 ms, in a task of its own.
pub async fn tick<V: Env>(env: V, log: Log) {
    let inner = env.clone();
    env.spawn(async move {
        loop {
            log.say("tick");
            inner.sleep(5 * MS).await;
        }
    });
    pending().await
}

/// Dials until somebody listens, since programs start at their own pace on some engines.
pub async fn dial<V: Env>(env: &V, to: Addr) -> V::Stream {
    loop {
        match env.connect(to).await {
            Ok(stream) => return stream,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
        }
        env.sleep(5 * MS).await;
    }
}

/// Dials once, and says `connected` or how it failed.
pub async fn dial_once<V: Env>(env: V, to: Addr, log: Log) {
    match env.connect(to).await {
        Ok(stream) => {
            log.say("connected");
            let _stream = stream;
            pending().await
        }
        Err(error) => log.say(error.kind()),
    }
}

/// Dials until somebody listens, and says how each dial went.
pub async fn dial_aloud<V: Env>(env: V, to: Addr, log: Log) {
    loop {
        dial_once(env.clone(), to, log.clone()).await;
        env.sleep(5 * MS).await;
    }
}

/// Dials, says `connected`, and then `echo` for each byte that comes back, and `over` at the end.
pub async fn ping<V: Env>(env: V, to: Addr, log: Log) {
    let stream = dial(&env, to).await;
    log.say("connected");
    let _ = ping_on(&env, stream, &log).await;
    log.say("over");
}

async fn ping_on<V: Env>(env: &V, mut stream: V::Stream, log: &Log) -> io::Result<()> {
    loop {
        stream.write_all(b"x").await?;
        stream.read_u8().await?;
        log.say("echo");
        env.sleep(5 * MS).await;
    }
}

/// Dials, says `connected`, and reads without ever writing: `heard` for what comes, and `over` at
/// the end.
pub async fn listen_in<V: Env>(env: V, to: Addr, log: Log) {
    let mut stream = dial(&env, to).await;
    log.say("connected");
    while let Ok(1..) = stream.read(&mut [0; 64]).await {
        log.say("heard");
    }
    log.say("over");
}
