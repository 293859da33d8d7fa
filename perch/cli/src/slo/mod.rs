//! `perch slo`: objectives are checked, compiled to rules, and the rules are tested.
//!
//! What is counted is asked of a running Perch over its API.
//!
//! The compiler is the crate `slo`, which touches no file; reading, writing and calling promtool stand here.

mod diff;
mod gate;
mod generate;
mod input;
mod output;
mod promtool;
mod remote;
mod status;
mod test;
mod validate;

use std::process::ExitCode;

use clap::Subcommand;

/// Exit codes of the contract.
const CLOSED: u8 = 3;
const VERIFICATION_FAILED: u8 = 5;

/// `perch slo …`
#[derive(Debug, clap::Args)]
pub(crate) struct SloArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check objectives and say how each is evaluated
    Validate(validate::ValidateArgs),
    /// Write rules; into a folder also their tests, routes and runbooks
    Generate(generate::GenerateArgs),
    /// Have promtool run the generated tests of the generated rules
    Test(test::TestArgs),
    /// Show what a running Perch knows of its objectives
    Status(status::StatusArgs),
    /// Fail where a budget says that changes have to wait
    Gate(gate::GateArgs),
    /// Replay what was counted against changed objectives: which alerts would have come
    Diff(diff::DiffArgs),
}

/// Runs the command.
pub(crate) fn run(args: &SloArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Validate(args) => validate::run(args),
        Command::Generate(args) => generate::run(args),
        Command::Test(args) => test::run(args),
        Command::Status(args) => status::run(args),
        Command::Gate(args) => gate::run(args),
        Command::Diff(args) => diff::run(args),
    }
}

#[cfg(test)]
mod tests;
