//! Three network namespaces in a row: the cut-off side, a router, everybody else. While the router
//! forwards nothing, packets vanish both ways: no ICMP tells of it, and no link goes down.
//!
//! It knows nothing of Redis. It needs root and `ip` of iproute2.

use std::fs::{self, File};
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::process::Command;
use std::rc::Rc;

/// A namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Which is cut off.
    CutOff,
    /// Between the two.
    Router,
    /// The rest.
    Others,
}

/// The only address of the cut-off side.
pub const CUT_OFF: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 2);

/// Where the router forwards, in its own namespace.
const FORWARDS: &str = "/proc/sys/net/ipv4/ip_forward";

/// What shells are told of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// An address of the other side, which has 200.
pub fn other(number: u32) -> Ipv4Addr {
    assert!(number < 200, "there are 200 addresses");
    Ipv4Addr::new(10, 77, 2, 2 + number as u8)
}

/// The namespaces, until they are dropped. Several processes can have their own.
pub struct Namespaces {
    /// By side.
    names: [String; 3],
    /// By side; opened when all of them stand.
    opened: Vec<File>,
    /// Where this thread comes from.
    home: File,
}

impl Namespaces {
    /// Sets them up, with so many addresses on the other side.
    pub fn new(others: u32) -> io::Result<Self> {
        let process = std::process::id();
        let names = ["a", "r", "b"].map(|side| format!("redis-failover-{process}-{side}"));
        let home = File::open("/proc/thread-self/ns/net")?;
        let mut namespaces = Self { names, opened: Vec::new(), home };
        // From here on dropping removes what stands; whoever interrupts the process does not drop.
        let standing = namespaces.names.clone();
        let _ = ctrlc::set_handler(move || {
            remove(&standing);
            std::process::exit(INTERRUPTED);
        });
        namespaces.set_up(others)?;
        Ok(namespaces)
    }

    fn set_up(&mut self, others: u32) -> io::Result<()> {
        for name in &self.names {
            ip(&format!("netns add {name}"))?;
        }
        let [a, r, b] = &self.names;
        let mut steps = vec![
            format!("link add from-a netns {a} type veth peer name to-a netns {r}"),
            format!("link add from-b netns {b} type veth peer name to-b netns {r}"),
            format!("-n {r} addr add 10.77.1.1/24 dev to-a"),
            format!("-n {r} addr add 10.77.2.1/24 dev to-b"),
            format!("-n {a} addr add {CUT_OFF}/24 dev from-a"),
        ];
        steps.extend((0..others).map(|n| format!("-n {b} addr add {}/24 dev from-b", other(n))));
        for (name, link) in [(a, "from-a"), (r, "to-a"), (r, "to-b"), (b, "from-b")] {
            steps.push(format!("-n {name} link set lo up"));
            steps.push(format!("-n {name} link set {link} up"));
        }
        steps.push(format!("-n {a} route add default via 10.77.1.1"));
        steps.push(format!("-n {b} route add default via 10.77.2.1"));
        steps.iter().try_for_each(|step| ip(step))?;
        let open = |name| File::open(format!("/var/run/netns/{name}"));
        self.opened = self.names.iter().map(open).collect::<io::Result<_>>()?;
        self.heal()
    }

    /// Does something on a side: sockets that it opens and processes that it starts are there.
    pub fn within<T>(&self, side: Side, does: impl FnOnce() -> T) -> T {
        enter(&self.opened[side as usize]).expect("who made a namespace may enter it");
        let done = does();
        enter(&self.home).expect("who left a namespace may return");
        done
    }

    /// Runs a task on a side. It may share its thread with tasks of other sides.
    pub async fn run<T>(self: Rc<Self>, side: Side, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        poll_fn(|context| self.within(side, || task.as_mut().poll(context))).await
    }

    /// Nothing passes any more.
    pub fn cut(&self) -> io::Result<()> {
        self.within(Side::Router, || fs::write(FORWARDS, "0"))
    }

    /// Everything passes.
    pub fn heal(&self) -> io::Result<()> {
        self.within(Side::Router, || fs::write(FORWARDS, "1"))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        remove(&self.names);
    }
}

/// Ends what runs in them; links go with them.
fn remove(names: &[String; 3]) {
    for name in names {
        let inside = Command::new("ip").args(["netns", "pids", name]).output();
        let inside = inside.map_or(Vec::new(), |output| output.stdout);
        for process in String::from_utf8_lossy(&inside).lines() {
            // The interrupted thread may be there itself.
            if process.parse() != Ok(std::process::id()) {
                let _ = Command::new("kill").args(["-KILL", process]).status();
            }
        }
        let _ = ip(&format!("netns del {name}"));
    }
}

fn ip(words: &str) -> io::Result<()> {
    let output = Command::new("ip").args(words.split(' ')).output().map_err(|error| {
        io::Error::new(error.kind(), format!("cuts need the program ip of iproute2: {error}"))
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("cuts need root; ip {words}: {}", told.trim()))),
    }
}

#[cfg(target_os = "linux")]
fn enter(namespace: &File) -> io::Result<()> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd;
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

#[cfg(not(target_os = "linux"))]
fn enter(_: &File) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "namespaces need Linux"))
}
