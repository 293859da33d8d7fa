//! `perch slo validate`: what is wrong with objectives, and how each will be evaluated.

use std::process::ExitCode;

use serde_json::json;
use slo::compile::Compiled;

use super::input::Input;
use super::output;

/// `perch slo validate FILE...`
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    input: Input,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints findings and objectives; 1 where nothing could be generated.
pub(super) fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let options = slo::plan::Options { alone: true, ..args.input.options() };
    let compiled = match args.input.compile(&options) {
        Ok(compiled) => compiled,
        Err(error) => return output::unreadable(error),
    };
    output::print(&report(&compiled, args.json))?;
    Ok(if compiled.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole output.
pub(super) fn report(compiled: &Compiled, as_json: bool) -> String {
    if as_json {
        let value = json!({
            "ok": compiled.sound,
            "objectives": output::objectives(&compiled.plans),
            "findings": output::findings(&compiled.findings),
        });
        return format!("{value}\n");
    }
    let table = output::table(&compiled.plans);
    let gap = if table.is_empty() || compiled.findings.is_empty() { "" } else { "\n" };
    let lines = output::lines(&compiled.findings);
    format!("{lines}{gap}{table}\n{}\n", output::tally(compiled))
}
