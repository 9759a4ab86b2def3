//! `imsim redis`: the simulated Redis on ports of this machine, for any client to talk to: a
//! master, its replicas and the Sentinels that watch them.

mod group;

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use clap::ValueEnum;
use im::units::Span;
use imsim::engine::live::temporary::Temporary;
use imsim::redis::persistence::{Fsync, Persistence};

use super::{Exit, output, wall};
use group::{Group, Notice};

const AFTER_HELP: &str = "\
It answers as redis-server 7.0.15 does, and runs the very code that simulated clusters talk to, \
only on kernel sockets and in real time. Everything listens on 127.0.0.1 and ends at Ctrl-C. \
The Sentinels know the master as `redis`; real replicas and Sentinels may join. \
A --dir remembers who follows whom, so use it with the same ports again.

Examples:
  imsim redis
  imsim redis --port 7000 --persistence always --dir data &
  redis-cli -p 7000 set greeting hello

  imsim redis --replicas 2 --sentinels 3 --down-after 500ms &
  redis-cli -p 26379 sentinel get-master-addr-by-name redis
  redis-cli -p 26379 sentinel failover redis
  redis-server --port 6399 --replicaof 127.0.0.1 6379";

/// Nodes of a kind: enough for any trial, and few enough for a thread each.
const NODES_MAX: i64 = 16;

/// How often Sentinels are asked for news, and how long replicas are waited for at the start.
const LOOK: Duration = Duration::from_millis(50);

/// Serve the simulated Redis on a port of this machine, with replicas and Sentinels.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The master's port on 127.0.0.1; replicas take the ones behind it.
    #[arg(long, default_value_t = 6379, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Replicas of the master, on the ports behind its own.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=NODES_MAX))]
    replicas: u16,
    /// Sentinels that watch them; a majority must find the master down.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=NODES_MAX))]
    sentinels: u16,
    /// The port of the first Sentinel; the others take the ones behind it.
    #[arg(long, value_name = "PORT", default_value_t = 26379, value_parser = clap::value_parser!(u16).range(1..))]
    sentinel_port: u16,
    /// How long a node may be silent before a Sentinel finds it down.
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    down_after: Span,
    /// What each Redis keeps of its data across a restart.
    #[arg(long, value_enum, default_value_t = Kept::None)]
    persistence: Kept,
    /// The folder of their files; otherwise a temporary one, which goes with them.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Seed of what they draw at random; otherwise another one each time.
    #[arg(long)]
    seed: Option<u64>,
}

/// What a Redis keeps of its data across a restart.
#[derive(Clone, Copy, ValueEnum)]
enum Kept {
    /// Nothing.
    None,
    /// Every change, synced before the reply leaves.
    Always,
    /// Every change, synced once a second.
    Everysec,
    /// Every change, synced when the system likes.
    Unsynced,
}

impl From<Kept> for Persistence {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::None => Self::None,
            Kept::Always => Self::AppendOnly(Fsync::Always),
            Kept::Everysec => Self::AppendOnly(Fsync::EverySecond),
            Kept::Unsynced => Self::AppendOnly(Fsync::Never),
        }
    }
}

/// Runs the command. It ends at Ctrl-C, or when a port cannot be had.
pub fn main(args: &Args) -> Exit {
    let mut temporary = None;
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => match Temporary::with_prefix("imsim-redis-") {
            Ok(folder) => temporary.insert(folder).path().to_owned(),
            Err(error) => return refused(&format!("no temporary folder: {error}")),
        },
    };
    let group = Group {
        port: args.port,
        replicas: args.replicas,
        sentinels: args.sentinels,
        sentinel_port: args.sentinel_port,
        down_after_ms: (args.down_after.0 / 1_000_000).max(1),
        persistence: args.persistence.into(),
        folder,
        seed: args.seed.unwrap_or_else(wall::unix_ms),
    };
    if let Err(wrong) = group.check() {
        output::complain(&wrong);
        return Exit::Usage;
    }
    if let Err(taken) = group.find_ports_free() {
        return refused(&taken);
    }
    let (notify, notices) = mpsc::channel();
    let interrupt = notify.clone();
    let handler = ctrlc::set_handler(move || {
        // Nobody listens once the program ends anyway.
        let _ = interrupt.send(Notice::Interrupted);
    });
    if let Err(error) = handler {
        output::complain(&format!("Ctrl-C and SIGTERM will leave files behind: {error}"));
    }
    let Err(end) = serve(&group, &notify, &notices);
    match end {
        Notice::Failed(why) => refused(&why),
        Notice::Interrupted => Exit::Interrupted,
        Notice::Panicked | Notice::Listens(_) => Exit::Bug,
    }
}

fn refused(why: &str) -> Exit {
    output::complain(why);
    Exit::NothingRan
}

/// Starts everybody and tells what happens, until something ends it.
fn serve(
    group: &Group,
    notify: &mpsc::Sender<Notice>,
    notices: &mpsc::Receiver<Notice>,
) -> Result<std::convert::Infallible, Notice> {
    let mut running = group.start(notify, notices)?;
    for place in running.places() {
        eprintln!("{place}");
    }
    eprintln!("ready to accept connections");
    loop {
        group::listen_for(notices, LOOK)?;
        for failover in running.failovers() {
            eprintln!("{failover}");
        }
    }
}
