//! The perch command: reads the command line, sets up logging and hands over.

mod api;
mod bench;
mod check;
mod collect;
mod command;
mod guard;
mod http;
mod logging;
mod registry;
mod shipped;
mod signals;
mod slo;
mod up;

use std::process::ExitCode;

use clap::Parser;

/// Requests come and go in blocks of hundreds of kilobytes, which this allocator has at hand again at
/// once. It asks for no huge pages: one that holds a few small objects would count, and cost, 2 MiB.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = command::Perch::parse();
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}
