//! A client and a server on the smallest possible host: one queue of tasks, a clock that jumps to
//! the next sleeper, and pipes for streams.

use std::cell::RefMut;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use im::env::{Addr, Nanos};
use tokio::io::DuplexStream;

use super::*;

type Task = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Default)]
struct State {
    now: Nanos,
    tasks: Vec<Task>,
    sleepers: Vec<Nanos>,
    dialled: VecDeque<DuplexStream>,
}

#[derive(Clone, Default)]
struct Host(Rc<RefCell<State>>);

struct Handle;

impl TaskHandle for Handle {
    fn abort(self) {}
}

impl Host {
    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// Polls every task in turn, again and again, until `main` is done; when nobody can move, time
    /// does.
    fn run<T>(&self, main: impl Future<Output = T>) -> T {
        let mut main = Box::pin(main);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..1000 {
            // Tasks talk to each other through narrow pipes; that many rounds let all be heard.
            for _ in 0..64 {
                if let Poll::Ready(output) = main.as_mut().poll(&mut context) {
                    return output;
                }
                let mut tasks = std::mem::take(&mut self.state().tasks);
                tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
                let mut state = self.state();
                tasks.append(&mut state.tasks);
                state.tasks = tasks;
            }
            let mut state = self.state();
            let now = state.now;
            state.sleepers.retain(|at| *at > now);
            state.now = state.sleepers.iter().copied().min().expect("somebody sleeps");
        }
        panic!("it never ends");
    }
}

impl Env for Host {
    type Stream = DuplexStream;
    type Listener = ();
    type Task = Handle;
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn connect(&self, _: Addr) -> impl Future<Output = io::Result<DuplexStream>> + 'static {
        let (near, far) = tokio::io::duplex(64);
        self.state().dialled.push_back(far);
        std::future::ready(Ok(near))
    }

    fn listen(&self, _: u16) -> io::Result<()> {
        Ok(())
    }

    async fn accept(&self, (): &mut ()) -> io::Result<DuplexStream> {
        std::future::poll_fn(|_| match self.state().dialled.pop_front() {
            Some(stream) => Poll::Ready(Ok(stream)),
            None => Poll::Pending,
        })
        .await
    }

    fn keep_alive(&self, _: &DuplexStream, _: u64) {}

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Handle {
        self.state().tasks.push(Box::pin(task));
        Handle
    }

    fn now(&self) -> Nanos {
        self.state().now
    }

    fn wall_ms(&self) -> u64 {
        self.now() / 1_000_000
    }

    fn sleep_until(&self, at: Nanos) -> Self::Sleep {
        let host = self.clone();
        host.state().sleepers.push(at);
        Box::pin(std::future::poll_fn(move |_| match host.now() >= at {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }

    fn rand_u64(&self) -> u64 {
        0
    }

    fn disk_append(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn disk_sync(&self, _: &str) -> impl Future<Output = io::Result<()>> + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn disk_read(&self, _: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        std::future::ready(Ok(Vec::new()))
    }

    fn disk_truncate(&self, _: &str, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn fail_stop(&self, _: &str) -> impl Future<Output = Infallible> + 'static {
        std::future::pending()
    }
}

/// Starts a server, and runs a client against it.
fn with_server<T, F: Future<Output = T>>(client: impl FnOnce(Host) -> F) -> (T, Arc<Counters>) {
    let (host, counters) = (Host::default(), Arc::<Counters>::default());
    let server = serve(host.clone(), 6379, counters.clone());
    host.spawn(async move { server.await.expect("it serves for ever") });
    let client = client(host.clone());
    (host.run(client), counters)
}

async fn connected(host: &Host) -> DuplexStream {
    host.connect(Addr { node: 0, port: 6379 }).await.expect("a pipe")
}

/// Sends the bytes, and reads as many as are expected; both at once, for the pipe is narrow.
async fn ask(stream: &mut DuplexStream, bytes: &[u8], expected: &str) {
    let mut got = vec![0; expected.len()];
    let (mut reads, mut writes) = tokio::io::split(stream);
    let both = tokio::join!(writes.write_all(bytes), reads.read_exact(&mut got));
    both.0.expect("an open pipe");
    both.1.expect("an open pipe");
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

#[test]
fn a_pipeline_is_answered_in_order_and_counted() {
    let ((), counters) = with_server(|host| async move {
        let mut stream = connected(&host).await;
        let pings = b"*1\r\n$4\r\nPING\r\n".repeat(50);
        ask(&mut stream, &pings, &"+PONG\r\n".repeat(50)).await;
        ask(&mut stream, b"SET k v\r\nGET k\r\nNO\r\n", "+OK\r\n$1\r\nv\r\n-ERR unknown").await;
    });
    assert_eq!((counters.commands.get(), counters.connections.get()), (52, 1));
}

#[test]
fn clients_share_the_data_and_not_the_connection() {
    with_server(|host| async move {
        let (mut one, mut other) = (connected(&host).await, connected(&host).await);
        ask(&mut one, b"SELECT 1\r\nSET k v\r\nCLIENT ID\r\n", "+OK\r\n+OK\r\n:1\r\n").await;
        ask(&mut other, b"GET k\r\nSELECT 1\r\nGET k\r\n", "$-1\r\n+OK\r\n$1\r\nv\r\n").await;
        ask(&mut other, b"CLIENT ID\r\n", ":2\r\n").await;
    });
}

#[test]
fn after_a_protocol_error_the_connection_ends() {
    with_server(|host| async move {
        let mut stream = connected(&host).await;
        stream.write_all(b"PING\r\n*x\r\nPING\r\n").await.expect("an open pipe");
        let mut got = String::new();
        stream.read_to_string(&mut got).await.expect("a text");
        assert_eq!(got, "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n");
    });
}

#[test]
fn expired_keys_are_swept_without_being_asked_for() {
    with_server(|host| async move {
        let mut stream = connected(&host).await;
        ask(&mut stream, b"SET k v PX 250\r\nDBSIZE\r\n", "+OK\r\n:1\r\n").await;
        host.sleep(200_000_000).await;
        ask(&mut stream, b"DBSIZE\r\n", ":1\r\n").await;
        host.sleep(200_000_000).await;
        ask(&mut stream, b"DBSIZE\r\n", ":0\r\n").await;
    });
}

#[test]
fn a_line_of_http_ends_the_connection_and_its_body_is_not_run() {
    with_server(|host| async move {
        let (mut browser, mut other) = (connected(&host).await, connected(&host).await);
        ask(&mut other, b"SET k v\r\n", "+OK\r\n").await;
        let request = b"POST / HTTP/1.1\r\nHost: here\r\n\r\nSET k w\r\nGET k\r\n";
        // The server may hang up before it has read all of it.
        drop(browser.write_all(request).await);
        let mut got = String::new();
        browser.read_to_string(&mut got).await.expect("a text");
        assert_eq!(got, "");
        ask(&mut other, b"GET k\r\n", "$1\r\nv\r\n").await;
    });
}

#[test]
fn a_wait_of_a_millisecond_ends() {
    with_server(|host| async move {
        let mut stream = connected(&host).await;
        for _ in 0..3 {
            ask(&mut stream, b"BLPOP l 0.001\r\nPING\r\n", "*-1\r\n+PONG\r\n").await;
            host.sleep(1_700_000).await;
        }
    });
}

#[test]
fn empty_lines_keep_a_replica_that_does_not_ack() {
    with_server(|host| async move {
        let (mut lively, mut silent) = (connected(&host).await, connected(&host).await);
        let settings = b"CONFIG SET repl-timeout 2 repl-diskless-sync-delay 0\r\n";
        ask(&mut lively, settings, "+OK\r\n").await;
        for replica in [&mut lively, &mut silent] {
            replica.write_all(b"PSYNC ? -1\r\n").await.expect("an open pipe");
        }
        for _ in 0..8 {
            host.sleep(1_000_000_000).await;
            lively.write_all(b"\n").await.expect("an open pipe");
        }
        let mut got = Vec::new();
        silent.read_to_end(&mut got).await.expect("an open pipe");
        assert!(got.starts_with(b"+FULLRESYNC"));
        got.clear();
        tokio::select! {
            biased;
            _ = lively.read_to_end(&mut got) => panic!("it is hung up on, too"),
            () = host.sleep(1_000_000_000) => {}
        }
    });
}
