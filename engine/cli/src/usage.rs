//! A command line that cannot be understood, as a failure like any other.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Exit, Failure};

/// Whether the command line asks for JSON. Looked at before it is parsed, since parsing may fail.
pub(crate) fn asks_for_json(args: impl Iterator<Item = OsString>) -> bool {
    args.take_while(|arg| arg != "--").any(|arg| arg == "--json")
}

/// What is wrong with the command line, without the layout that is meant for a terminal.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let rendered = error.render().to_string();
    let mut parts = rendered.split("\n\n");
    let detail = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is missing",
        _ => parts.next().unwrap_or_default().trim_start_matches("error: ").trim_end(),
    };
    let mut hints: Vec<String> = parts
        .filter_map(|part| part.trim().strip_prefix("tip: "))
        .map(|tip| tip.lines().next().unwrap_or_default().to_owned())
        .collect();
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        hints.push(format!("usage: {}", usage.trim_start_matches("Usage:").trim()));
    }
    hints.push("--help says more".to_owned());
    Failure::new(Exit::Usage, "usage", detail).hint(hints.join("; "))
}
