//! The rules of the house as programs: `cargo xtask arch`, `tidy`, `gen [--check]`.

mod arch;
mod generate;
mod repo;
mod tidy;

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
    /// Write constants and reference pages from the catalogue.
    Gen {
        /// Change nothing; fail if anything would change.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let root = repo::root()?;
    match Args::parse().command {
        Command::Arch => arch::run(&root),
        Command::Tidy => tidy::run(&root),
        Command::Gen { check } => generate::run(&root, check),
    }
}
