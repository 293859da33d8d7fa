//! The perch command: reads the command line, sets up logging and hands over.

mod command;
mod guard;
mod http;
mod logging;
mod up;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = command::Perch::parse();
    logging::start();
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}
