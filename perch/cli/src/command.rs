//! The command line: one variant per command, each with the arguments of its own module.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, check, collect, guard, slo, up};

/// Watches what speaks OTLP: collects, keeps, hands on.
#[derive(Debug, Parser)]
#[command(name = "perch", version, disable_help_subcommand = true)]
pub(crate) struct Perch {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the Engine, the collector and the servers found, and stop them together
    Up(Box<up::UpArgs>),
    /// Run the collector with a configuration file
    Collect(collect::CollectArgs),
    /// Check a configuration file and say what it would run
    Check(check::CheckArgs),
    /// Load an OTLP endpoint, or stand behind one and count
    Bench(bench::BenchArgs),
    /// Compile and test service level objectives
    Slo(Box<slo::SloArgs>),
    #[command(hide = true)]
    Guard(guard::GuardArgs),
}

impl Perch {
    /// Runs the command; the exit code of a failure that is not an error of ours (2 usage, 130
    /// interrupted) is decided by the command itself.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Up(args) => up::run(*args),
            Command::Collect(args) => collect::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Bench(args) => bench::run(args),
            Command::Slo(args) => slo::run(&args),
            Command::Guard(args) => guard::run(&args),
        }
    }
}
