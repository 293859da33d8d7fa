//! The nestr command: assembles the Engine.

mod args;
mod bar;
mod commands;
mod failure;
mod interrupt;
mod keys;
mod output;
mod setup;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, ConfigCommand, PelletCommand, TokenCommand};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
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
    };
    done.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}
