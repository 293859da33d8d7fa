//! The perch command: reads the command line, sets up logging and hands over.

mod api;
mod check;
mod collect;
mod command;
mod guard;
mod http;
mod logging;
mod signals;
mod slo;
mod up;

use std::process::ExitCode;

use clap::Parser;

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
