//! Processes of redis-server, killed with their owner, and what they log: changes of role and the
//! events of Sentinels, with the times at which they were read.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use im::env::{Env, Nanos};
use imsim::redis_study::accounting::Change;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::unix::pipe;

/// A process that is killed when it is dropped.
pub struct Process {
    child: Child,
    log: Log,
}

/// The lines that a process has logged so far.
pub type Log = Rc<RefCell<Vec<(Nanos, String)>>>;

impl Process {
    /// Starts it; what it logs is added to `log`.
    pub fn start<E: Env>(env: &E, command: &mut Command, log: Log) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut process = Self { child, log };
        let stdout = process.child.stdout.take().expect("it is piped");
        let stdout = pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?;
        env.spawn(note_lines(env.clone(), stdout, process.log.clone()));
        Ok(process)
    }

    /// Its log.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// What is read out of its log, with the times.
    pub fn logged<T>(&self, read: impl Fn(&str) -> Option<T>) -> Vec<(Nanos, T)> {
        let log = self.log.borrow();
        log.iter().filter_map(|(at, line)| Some((*at, read(line)?))).collect()
    }

    /// Kills it.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Sends it a signal, as `kill` names it.
    pub fn signal(&self, signal: &str) -> io::Result<()> {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

async fn note_lines<E: Env>(env: E, stdout: impl AsyncRead + Unpin, log: Log) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.borrow_mut().push((env.now(), line));
    }
}

/// What is logged after `PID:ROLE DAY MONTH YEAR TIME LEVEL`.
fn text(line: &str) -> Option<&str> {
    line.splitn(7, ' ').nth(6)
}

/// The change of role that a node tells of, if it does.
pub fn role_change(line: &str) -> Option<Change> {
    let text = text(line)?;
    match () {
        () if text.starts_with("MASTER MODE enabled") => Some(Change::Promoted),
        // A replica that is given another master does not say so.
        () if text.starts_with("Before turning into a replica") => Some(Change::Demoted),
        () => None,
    }
}

/// The event that a Sentinel tells of, if it does.
pub fn sentinel_event(line: &str) -> Option<String> {
    text(line).filter(|text| text.starts_with(['+', '-'])).map(str::to_owned)
}
