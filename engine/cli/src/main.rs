//! The nestr command: assembles the Engine.

mod args;
mod bar;
mod commands;
mod failure;
mod interrupt;
mod keys;
mod output;
mod setup;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, ConfigCommand, PelletCommand, TokenCommand};
use crate::failure::Failure;

fn main() -> ExitCode {
    let json = usage::asks_for_json(std::env::args_os());
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        // Help and version are no failures, and a person gets the layout of the terminal.
        Err(error) if !json || !error.use_stderr() => error.exit(),
        Err(error) => Err(usage::failure(&error)),
    };
    done.map_or_else(|failure| failure.report(json), |()| ExitCode::SUCCESS)
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => commands::serve::run(&args),
        Command::Pellet(PelletCommand::Compress(args)) => commands::compress::run(&args),
        Command::Pellet(PelletCommand::Restore(args)) => commands::restore::run(&args),
        Command::Pellet(PelletCommand::List(args)) => commands::list::run(&args),
        Command::Pellet(PelletCommand::Show(args)) => commands::show::run(&args),
        Command::Pellet(PelletCommand::Verify(args)) => commands::verify::run(&args),
        Command::Pellet(PelletCommand::Diff(args)) => commands::diff::run(&args),
        Command::Pellet(PelletCommand::Gc(args)) => commands::gc::run(&args),
        Command::Token(TokenCommand::Create(args)) => commands::token::run(&args),
        Command::Config(ConfigCommand::Show(args)) => commands::config::run(&args),
        Command::Openapi => output::text(&nestr_server::openapi_json()),
    }
}
