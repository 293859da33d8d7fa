//! The choice between the two halves.

use std::process::ExitCode;

use clap::Subcommand;

use super::{send, sink};

/// `perch bench`
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    half: Half,
}

#[derive(Debug, Subcommand)]
enum Half {
    /// Send items to an OTLP endpoint and report what became of them
    Send(Box<send::SendArgs>),
    /// Take OTLP, count it, and answer as told
    Sink(sink::SinkArgs),
}

/// Runs one half.
pub(crate) fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    match args.half {
        Half::Send(args) => send::run(*args),
        Half::Sink(args) => sink::run(args),
    }
}
