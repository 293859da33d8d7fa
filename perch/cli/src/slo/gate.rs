//! `perch slo gate`: whether budgets leave room for a change; for CI.
//!
//! Exit codes: 0 changes may go ahead, 3 a budget is frozen or exhausted, 4 an objective is not tracked, 1 Perch cannot
//! be asked. Whoever cannot be asked has not agreed.

use std::process::ExitCode;

use perch_slo_tracker::Status;
use serde_json::json;

use super::remote::Endpoint;
use super::status::left;
use super::{CLOSED, output};
use crate::failure;

/// `perch slo gate [ID...]`
#[derive(Debug, clap::Args)]
pub(super) struct GateArgs {
    /// The objectives that the change touches; all where none is named
    ids: Vec<String>,
    #[command(flatten)]
    endpoint: Endpoint,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a line per objective; 3 where changes have to wait.
pub(super) fn run(args: &GateArgs) -> anyhow::Result<ExitCode> {
    let all = args.endpoint.open()?.all()?;
    match chosen(&all, &args.ids) {
        Ok(chosen) => {
            let closed = chosen.iter().any(|s| s.state.is_closed());
            output::print(&report(&chosen, args.json))?;
            Ok(if closed { ExitCode::from(CLOSED) } else { ExitCode::SUCCESS })
        }
        Err(missing) => Ok(failure::report(failure::Kind::NotFound, &anyhow::anyhow!(missing))),
    }
}

/// The objectives asked for, all of them where none is named; what is missing otherwise.
pub(super) fn chosen<'s>(all: &'s [Status], ids: &[String]) -> Result<Vec<&'s Status>, String> {
    if all.is_empty() {
        return Err(
            "this Perch tracks no objectives, so it cannot say whether a change may go ahead"
                .into(),
        );
    }
    if ids.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |id: &String| {
        all.iter().find(|s| s.id == *id).ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|s| s.id.as_str()).collect();
            format!("no objective `{id}` is tracked; there are {}", known.join(", "))
        })
    };
    ids.iter().map(find).collect()
}

/// The whole output.
pub(super) fn report(chosen: &[&Status], as_json: bool) -> String {
    let open = !chosen.iter().any(|s| s.state.is_closed());
    if as_json {
        let one = |s: &&Status| json!({"id": s.id, "state": s.state, "budget_remaining": s.budget_remaining});
        let objectives: Vec<_> = chosen.iter().map(one).collect();
        return format!("{}\n", json!({"open": open, "objectives": objectives}));
    }
    let mut out = String::new();
    for s in chosen {
        let word = if s.state.is_closed() { "closed" } else { "open" };
        let (state, left) = (s.state.as_str(), left(s.budget_remaining));
        out.push_str(&format!("{word:6}  {}: {state}, {left} of the budget left\n", s.id));
    }
    out.push_str(if open { "\nchanges may go ahead\n" } else { "\nchanges have to wait\n" });
    out
}
