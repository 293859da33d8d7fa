//! The perch command: reads the command line, sets up logging and hands over.

mod api;
mod bench;
mod check;
mod collect;
mod command;
mod failure;
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
    match command::Perch::try_parse() {
        Ok(command) => {
            command.run().unwrap_or_else(|error| failure::report(failure::Kind::Failed, &error))
        }
        Err(error) => failure::usage(&error),
    }
}
