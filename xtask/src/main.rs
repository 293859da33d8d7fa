//! The rules of the house as programs: `cargo xtask arch`, `tidy`, `gen [--check]`, `queries`.

#![expect(clippy::print_stderr, reason = "a command speaks to the terminal")]

mod alerts;
mod arch;
mod generate;
mod known;
mod promql_names;
mod queries;
mod repo;
mod source;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "The rules of the house as programs")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Refuse arrows between crates and modules that the design forbids.
    Arch,
    /// Watch the tail: file and function length, unwraps, forbidden words.
    Tidy,
    /// Write constants and reference pages from the catalogue, and alerts from the objectives.
    Gen {
        /// Change nothing; fail if anything would change.
        #[arg(long)]
        check: bool,
    },
    /// Refuse a query, alert or objective that names a metric nobody emits.
    Queries,
}

fn main() -> ExitCode {
    match run(&Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One chain of causes on one line; a backtrace of a broken rule helps nobody.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let root = repo::root()?;
    match command {
        Command::Arch => arch::run(&root),
        Command::Tidy => tidy::run(&root),
        Command::Gen { check } => generate::run(&root, *check),
        Command::Queries => queries::run(&root),
    }
}
