//! Printing: results to stdout, errors to stderr.

use std::env;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// Prints a result. A reader that has gone away is no error.
pub fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        complain(&format!("cannot write the result: {error}"));
    }
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
