//! Progress on stderr: a bar on a terminal, plain lines elsewhere. And Ctrl-C.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use imsim::campaign;
use imsim::engine::live::temporary;
use imsim::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use super::output;

/// How often a bar moves.
const LOOK: Duration = Duration::from_millis(100);

/// A bar of known length, or plain lines.
pub struct Bar {
    bar: ProgressBar,
    plain: bool,
}

impl Bar {
    /// A bar up to `length` with a title; without a terminal the title becomes a line.
    pub fn new(title: &str, length: u64, template: &str) -> Self {
        if !io::stderr().is_terminal() {
            eprintln!("{title}");
            return Self { bar: ProgressBar::hidden(), plain: true };
        }
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = ProgressBar::new(length).with_style(style.progress_chars("━━┄"));
        bar.set_message(title.to_owned());
        Self { bar, plain: false }
    }

    /// Sets how far it is.
    pub fn reach(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Prints a line above the bar.
    pub fn line(&self, line: &str) {
        if self.plain { eprintln!("{line}") } else { self.bar.println(line) }
    }

    /// Whether nobody sees a bar, so that lines must tell of the progress.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Removes the bar.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// Set by the first Ctrl-C or SIGTERM; the second one ends the program at once.
pub fn interrupted() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    let installed = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            temporary::remove_all();
            std::process::exit(130);
        }
        eprintln!("\nstopping; what has happened so far is kept (once more to give up)");
    });
    if let Err(error) = installed {
        output::complain(&format!("Ctrl-C will not stop gracefully: {error}"));
    }
    flag
}

/// Does work on a thread of its own; meanwhile the bar shows how many virtual milliseconds it has
/// come, and `stop` is passed on to it. An error is what a panic of the work said.
pub fn watched<T: Send>(
    bar: &Bar,
    stop: &AtomicBool,
    work: impl FnOnce(&Progress) -> T + Send,
) -> Result<T, String> {
    let progress = Progress::default();
    let (ended, result) = mpsc::channel();
    let joined = thread::scope(|scope| {
        let progress = &progress;
        let world = scope.spawn(move || {
            let done = work(progress);
            // The receiver waits for this or for the end of the thread.
            let _ = ended.send(());
            done
        });
        while let Err(mpsc::RecvTimeoutError::Timeout) = result.recv_timeout(LOOK) {
            bar.reach(progress.virtual_ns.load(Ordering::Relaxed) / 1_000_000);
            progress.stop.store(stop.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        world.join()
    });
    joined.map_err(|payload| campaign::panic_text(payload.as_ref()))
}
