//! Calls between nodes, the frames that they travel in, and the syncs that they wait for, on the `sim` engine.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use im::call::{self, Call, CallError, Caller, Service};
use im::env::{Addr, Env, Nanos, TaskHandle};
use im::journal::Journal;
use im::wire::{self, Frames, Outlet, Refused};
use imsim::engine::sim::{Condition, HostId, LinkKind, LinkProfile, Network, Sim, SimEnv};

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;
const PORT: u16 = 7;
/// How long a call may take.
const TIMEOUT: Nanos = 500 * MS;
/// How long one may take whose server says that it is at work.
const PATIENCE: Nanos = 3 * S;
/// How long a request takes until the server says that it is at work on it.
const SLOW: Nanos = 300 * MS;
/// Servers that never say so.
const NEVER: Nanos = 1_000 * S;

/// Asked for a number of milliseconds, it answers after them with the same number.
struct Wait;

impl Service for Wait {
    type Request = u64;
    type Reply = u64;
}

type Answers = Rc<RefCell<Vec<(u64, Result<u64, CallError>, Nanos)>>>;

fn world() -> Sim {
    let link = LinkProfile::constant(MS);
    Sim::new(1, Network { clients: link, backend: link })
}

fn add<F>(sim: &mut Sim, name: &str, program: impl Fn(SimEnv) -> F + 'static) -> HostId
where
    F: Future<Output = ()> + 'static,
{
    let host = sim.add_host(name, LinkKind::Backend, 5 * MS, program);
    sim.start(host);
    host
}

/// A server that counts what it has begun and what it has completed, and never says that it is at work.
fn add_server(sim: &mut Sim) -> (HostId, Rc<Cell<(u32, u32)>>) {
    add_server_that_says(sim, NEVER)
}

/// The same, which says so of requests that take so long.
fn add_server_that_says(sim: &mut Sim, slow: Nanos) -> (HostId, Rc<Cell<(u32, u32)>>) {
    let counts = Rc::new(Cell::new((0, 0)));
    let counted = counts.clone();
    let host = add(sim, "server", move |env| {
        let counts = counted.clone();
        call::serve::<_, Wait, _>(env, PORT, slow, move |ms| {
            let counts = counts.clone();
            counts.set((counts.get().0 + 1, counts.get().1));
            async move {
                env.sleep(ms * MS).await;
                counts.set((counts.get().0, counts.get().1 + 1));
                ms
            }
        })
    });
    (host, counts)
}

/// A node that calls the server whenever it is told to.
struct Client {
    env: SimEnv,
    caller: Caller<SimEnv, Wait>,
    answers: Answers,
}

fn add_client(sim: &mut Sim, server: HostId) -> Client {
    let host = add(sim, "client", |_| std::future::pending());
    let env = sim.env(host);
    let caller = Caller::new(env, Addr { node: server, port: PORT }, TIMEOUT, PATIENCE);
    Client { env, caller, answers: Answers::default() }
}

impl Client {
    /// Calls, and notes the answer when it comes.
    fn ask(&self, ms: u64) {
        let (env, answers) = (self.env, self.answers.clone());
        let call = self.caller.call(ms);
        let begun = env.now();
        env.spawn(async move {
            let answer = call.await;
            answers.borrow_mut().push((ms, answer, (env.now() - begun) / MS));
        });
    }

    fn answers(&self) -> Vec<(u64, Result<u64, CallError>, Nanos)> {
        self.answers.take()
    }
}

#[test]
fn answers_come_as_they_are_ready_over_one_connection() {
    let mut sim = world();
    let (server, _) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    [30, 10, 20].into_iter().for_each(|ms| client.ask(ms));
    sim.run_until(S);
    // A round trip of 2 ms, after another one for the connection.
    let after = |extra| [10, 20, 30].map(|ms| (ms, Ok(ms), ms + extra));
    assert_eq!(client.answers(), after(4));
    [30, 10, 20].into_iter().for_each(|ms| client.ask(ms));
    sim.run_until(2 * S);
    assert_eq!(client.answers(), after(2), "the connection is there");
}

#[test]
fn a_late_answer_costs_its_own_call_only() {
    let mut sim = world();
    let (server, _) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    client.ask(700);
    client.ask(400);
    sim.run_until(300 * MS);
    client.ask(350);
    sim.run_until(2 * S);
    let expected = [(400, Ok(400), 404), (700, Err(CallError::NoReply), 500), (350, Ok(350), 352)];
    assert_eq!(client.answers(), expected);
    assert_eq!(client.caller.unanswered(), 0);
}

#[test]
fn a_connection_on_which_nothing_is_answered_in_time_is_hung_up() {
    let mut sim = world();
    let (server, counts) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    client.ask(0);
    sim.run_until(S);
    client.ask(600);
    sim.run_until(S + 100 * MS);
    client.ask(600);
    sim.run_until(3 * S);
    let [first, both @ ..] = &client.answers()[..] else { panic!("no answers") };
    assert_eq!(*first, (0, Ok(0), 4));
    // The second one ends with the connection, and its time is not up yet.
    assert_eq!(both, [(600, Err(CallError::NoReply), 500), (600, Err(CallError::NoReply), 400)]);
    assert_eq!(counts.get(), (3, 3), "what was begun is completed all the same");
    client.ask(1);
    sim.run_until(4 * S);
    assert_eq!(client.answers(), [(1, Ok(1), 5)], "over a new connection");
}

#[test]
fn a_server_that_says_that_it_is_at_work_is_waited_for_until_patience_ends() {
    let mut sim = world();
    let (server, counts) = add_server_that_says(&mut sim, SLOW);
    let client = add_client(&mut sim, server);
    [2_000, 290, 4_000].into_iter().for_each(|ms| client.ask(ms));
    sim.run_until(6 * S);
    let late = Err(CallError::NoReply);
    assert_eq!(
        client.answers(),
        [(290, Ok(290), 294), (2_000, Ok(2_000), 2_004), (4_000, late, 3_000)]
    );
    assert_eq!(counts.get(), (3, 3), "each once");
}

#[test]
fn a_server_that_stands_still_is_not_waited_for() {
    let mut sim = world();
    let (server, _) = add_server_that_says(&mut sim, SLOW);
    let client = add_client(&mut sim, server);
    client.ask(2_000);
    sim.run_until(S);
    sim.pause(server);
    sim.run_until(3 * S);
    // It was last heard at about 900 ms.
    let [(2_000, Err(CallError::NoReply), after)] = client.answers()[..] else {
        panic!("waited for")
    };
    assert!((1_400..1_450).contains(&after), "{after}");
}

#[test]
fn what_is_at_work_on_one_request_does_not_speak_for_one_that_never_came() {
    let mut sim = world();
    let (server, _) = add_server_that_says(&mut sim, SLOW);
    let client = add_client(&mut sim, server);
    client.ask(2_000);
    sim.run_until(S);
    let (from, to) = ([client.env.host()].into(), [server].into());
    let cut = sim.impose(Condition::CutOneWay(from, to));
    client.ask(1);
    // No longer: without acks the server's stream falls silent too.
    sim.run_until(S + 600 * MS);
    assert_eq!(client.answers(), [(1, Err(CallError::NoReply), 500)]);
    sim.lift(cut);
    sim.run_until(4 * S);
    assert_eq!(client.answers(), [(2_000, Ok(2_000), 2_004)]);
}

#[test]
fn a_server_completes_what_was_begun_when_its_caller_dies() {
    let mut sim = world();
    let (server, counts) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    let host = client.env.host();
    client.ask(100);
    sim.run_until(50 * MS);
    assert_eq!(counts.get(), (1, 0));
    sim.crash(host);
    sim.run_until(S);
    assert_eq!(counts.get(), (1, 1));
}

#[test]
fn a_call_of_a_server_that_is_away_was_never_sent() {
    let mut sim = world();
    let (server, counts) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    sim.crash(server);
    client.ask(1);
    sim.run_until(S);
    assert_eq!(client.answers(), [(1, Err(CallError::Unreachable), 2)], "its machine refuses");
    sim.lose_power(server, false);
    client.ask(1);
    sim.run_until(2 * S);
    assert_eq!(client.answers(), [(1, Err(CallError::Unreachable), 500)], "nobody answers");
    assert_eq!(counts.get(), (0, 0));
}

#[test]
fn what_is_given_up_before_it_left_never_leaves() {
    let mut sim = world();
    let (server, counts) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    drop(client.caller.call(1));
    client.ask(2);
    client.caller.call(3).forget();
    assert_eq!(client.caller.unanswered(), 2);
    sim.run_until(S);
    assert_eq!(counts.get(), (2, 2), "the second, and the third of which nobody wants to hear");
    assert_eq!(client.caller.unanswered(), 0);
    assert_eq!(client.answers(), [(2, Ok(2), 6)]);
}

#[test]
fn a_connection_ends_with_the_last_handle() {
    let mut sim = world();
    let (server, _) = add_server(&mut sim);
    let client = add_client(&mut sim, server);
    let call: Call<_, Wait> = client.caller.call(50);
    drop(client.caller);
    let answer = Rc::new(Cell::new(None));
    let told = answer.clone();
    client.env.spawn(async move { told.set(Some(call.await)) });
    sim.run_until(S);
    assert_eq!(answer.take(), Some(Ok(50)), "a call is a handle, too");
    // Nothing is left on the client that could be torn.
    assert_eq!(sim.crash(client.env.host()).connections, 0);
}

type Ends = (Option<Frames<SimEnv>>, Option<Outlet<SimEnv, u64>>);

/// A connection between two hosts: what each has of it, with this limit of bytes that may wait.
fn connect(sim: &mut Sim, limit: usize) -> (HostId, [Rc<RefCell<Ends>>; 2]) {
    let ends: [Rc<RefCell<Ends>>; 2] = Default::default();
    let server = add(sim, "server", {
        let end = ends[1].clone();
        move |env| {
            let end = end.clone();
            async move {
                let mut listener = env.listen(PORT).expect("a free port");
                let stream = env.accept(&mut listener).await.expect("a connection");
                let (incoming, out) = wire::frames(&env, stream, limit);
                end.replace((Some(incoming), Some(out)));
                std::future::pending().await
            }
        }
    });
    let client = add(sim, "client", {
        let end = ends[0].clone();
        move |env| {
            let end = end.clone();
            async move {
                let stream = env.connect(Addr { node: server, port: PORT }).await;
                let (incoming, out) = wire::frames(&env, stream.expect("a connection"), limit);
                end.replace((Some(incoming), Some(out)));
                std::future::pending().await
            }
        }
    });
    sim.run_until(sim.now() + 100 * MS);
    (client, ends)
}

/// The host reads what comes from now on, and writes what waits.
fn serve(sim: &Sim, host: HostId, end: &Rc<RefCell<Ends>>) -> Rc<RefCell<Vec<u64>>> {
    let (incoming, out) = end.take();
    let (mut incoming, out) = (incoming.expect("connected"), out.expect("connected"));
    let read = Rc::<RefCell<Vec<u64>>>::default();
    let reading = read.clone();
    sim.env(host).spawn(async move {
        let read = async {
            while let Ok(number) = incoming.next().await {
                reading.borrow_mut().push(number);
            }
        };
        tokio::select! {
            biased;
            () = read => {}
            _ = std::future::poll_fn(|cx| out.poll_rest(cx)) => {}
        }
    });
    read
}

#[test]
fn frames_leave_at_once_and_what_the_stream_does_not_take_follows() {
    let mut sim = world();
    let limit = 100_000;
    let (client, ends) = connect(&mut sim, limit);
    let out = ends[0].borrow().1.clone().expect("connected");
    assert_eq!(out.send(&1), Ok(()));
    assert_eq!(out.backlog(), 0, "the stream took it");
    assert_eq!((out.add(&2), out.backlog()), (Ok(()), 5), "added is not sent");
    out.flush();
    assert_eq!(out.backlog(), 0);
    // Nobody reads: the stream takes 256 KiB, and the limit the rest.
    let sent = (3..).take_while(|number| out.send(number) == Ok(())).count() as u64;
    assert!(out.backlog() >= limit, "{} bytes wait", out.backlog());
    assert_eq!(out.send(&0), Err(Refused::Full));
    let _ = serve(&sim, client, &ends[0]);
    let read = serve(&sim, client - 1, &ends[1]);
    sim.run_until(sim.now() + S);
    assert_eq!(*read.borrow(), (1..=sent + 2).collect::<Vec<u64>>(), "all, in their order");
    assert_eq!(out.send(&0), Ok(()), "there is room again");
}

#[test]
fn a_connection_that_has_ended_says_so() {
    let mut sim = world();
    let (_, ends) = connect(&mut sim, 1_000);
    let out = ends[0].borrow().1.clone().expect("connected");
    let incoming = ends[0].take().0;
    drop(incoming);
    assert_eq!(out.send(&1), Err(Refused::Closed));
    assert_eq!(out.backlog(), 0);
}

#[test]
fn a_sync_goes_on_when_whoever_drives_it_is_gone() {
    let mut sim = world();
    let synced = Rc::<RefCell<Vec<(&str, Nanos)>>>::default();
    let told = synced.clone();
    let host = add(&mut sim, "host", move |env| {
        let told = told.clone();
        async move {
            let (journal, _) = Journal::<_, u64>::open(env, "wal", Arc::default()).await;
            let wait = |name: &'static str| {
                let (journal, told) = (journal.clone(), told.clone());
                let position = journal.append(&7).expect("there is room");
                env.spawn(async move {
                    journal.durable(position).await;
                    told.borrow_mut().push((name, env.now() / MS));
                })
            };
            let hears = {
                let (journal, told) = (journal.clone(), told.clone());
                async move {
                    journal.advanced().await;
                    told.borrow_mut().push(("hears of it", env.now() / MS));
                }
            };
            let driver = wait("drives");
            env.spawn(hears);
            env.sleep(MS).await;
            wait("comes later");
            env.sleep(MS).await;
            driver.abort();
            std::future::pending().await
        }
    });
    sim.run_until(S);
    // A sync takes 5 ms; what was appended during one waits for the next.
    assert_eq!(*synced.borrow(), [("hears of it", 5), ("comes later", 10)]);
    assert_eq!(sim.crash(host).disk_bytes, 0);
}
