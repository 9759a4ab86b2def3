//! The `imsim` program: reads the command line and runs one command.

mod cli;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A simulated cluster makes and drops many small buffers.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main().into()
}
