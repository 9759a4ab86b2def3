//! Printing: results to stdout, errors to stderr.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use serde::Serialize;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// Whether a part of the results is missing on stdout.
static CUT_SHORT: AtomicBool = AtomicBool::new(false);

/// Prints a result for people. What cannot be printed is said once, and the program then does not end as if
/// all were well ([`is_cut_short`]); people who stop reading are no error.
pub fn print(text: &str) {
    write(text, |error| error.kind() == io::ErrorKind::BrokenPipe);
}

/// Prints a result for programs, as JSON. Half a document is an error, whyever the rest is missing.
pub fn print_json(value: &impl Serialize) {
    let json = serde_json::to_string_pretty(value).expect("results are valid JSON");
    write(&(json + "\n"), |_| false);
}

fn write(text: &str, is_no_error: impl Fn(&io::Error) -> bool) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if let Err(error) = written
        && !is_no_error(&error)
        && !CUT_SHORT.swap(true, Ordering::Relaxed)
    {
        complain(&format!("cannot write the result to stdout: {error}"));
    }
}

/// Whether a part of the results could not be printed.
pub fn is_cut_short() -> bool {
    CUT_SHORT.load(Ordering::Relaxed)
}

/// Prints an error.
pub fn complain(message: &str) {
    let (red, plain) = if colour(&io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    eprintln!("{red}error{plain}: {message}");
}

/// Whether the stream wants colours: a terminal, and `NO_COLOR` not set.
pub fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
