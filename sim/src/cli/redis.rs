//! `imsim redis`: the simulated Redis on a port of this machine, for any client to talk to.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::thread;

use imsim::engine::live::Loopback;
use imsim::redis::{Counters, serve};

use super::{Exit, output};

const AFTER_HELP: &str = "\
It answers as redis-server 7.0.15 does, and runs the very code that simulated clusters talk to, \
only on kernel sockets and in real time. It listens on 127.0.0.1, keeps its data in memory, and ends at Ctrl-C.

Examples:
  imsim redis
  imsim redis --port 7000 &
  redis-cli -p 7000 set greeting hello";

/// Serve the simulated Redis on a port of this machine.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 6379, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The folder of its files; otherwise a temporary one, which goes with it.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Seed of what it draws at random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command. It ends at Ctrl-C, or when the port cannot be had.
pub fn main(args: &Args) -> Exit {
    let temporary = match tempfile::TempDir::with_prefix("imsim-redis-") {
        Ok(folder) => folder,
        Err(error) => return refused(&format!("no temporary folder: {error}")),
    };
    let disk = args.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    let (ended, end) = mpsc::channel();
    let interrupt = ended.clone();
    let handler = ctrlc::set_handler(move || {
        // Nobody listens once the program ends anyway.
        let _ = interrupt.send(End::Interrupted);
    });
    if let Err(error) = handler {
        output::complain(&format!("Ctrl-C will leave the temporary folder behind: {error}"));
    }
    let (port, seed) = (args.port, args.seed);
    thread::spawn(move || {
        let served = serve_on(port, seed, disk, ended.clone());
        let why = served.map_or_else(|error| error.to_string(), |()| "nobody knows why".to_owned());
        let _ = ended.send(End::Failed(why));
    });
    match end.recv() {
        Ok(End::Interrupted) => Exit::Interrupted,
        Ok(End::Failed(why)) => refused(&format!("the Redis on port {port} has ended: {why}")),
        Err(_) => Exit::Bug,
    }
}

/// Why the command ends.
enum End {
    Interrupted,
    Failed(String),
}

fn refused(why: &str) -> Exit {
    output::complain(why);
    Exit::NothingRan
}

/// Serves on this thread; returns only when that fails.
fn serve_on(port: u16, seed: u64, disk: PathBuf, ended: mpsc::Sender<End>) -> io::Result<()> {
    let fail_stop = move |why: &str| {
        // Nobody listens once the program ends anyway.
        let _ = ended.send(End::Failed(why.to_owned()));
    };
    let env = Loopback::new(seed, Ipv4Addr::LOCALHOST, disk, fail_stop)?;
    Loopback::run(async move {
        let mut redis = pin!(serve(env, port, Arc::<Counters>::default()));
        // The first poll opens the port, or fails.
        tokio::select! {
            biased;
            failed = &mut redis => return failed,
            () = std::future::ready(()) => {}
        }
        eprintln!("ready to accept connections on {}:{port}", Ipv4Addr::LOCALHOST);
        redis.await
    })?
}
