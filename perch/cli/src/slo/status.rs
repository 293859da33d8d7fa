//! `perch slo status`: what a running Perch knows of its objectives.

use std::fmt::Write as _;
use std::process::ExitCode;

use perch_slo_tracker::{GroupStatus, Status};
use serde_json::json;
use slo::length::Length;

use super::output;
use super::remote::Endpoint;
use crate::failure;

/// `perch slo status [ID]`
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// One objective, with its windows, groups and what spent its budget
    id: Option<String>,
    #[command(flatten)]
    endpoint: Endpoint,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a line per objective, or everything about one; 4 where it is not tracked.
pub(super) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let remote = args.endpoint.open()?;
    let Some(id) = &args.id else {
        let all = remote.all()?;
        let text =
            if args.json { format!("{}\n", json!({ "objectives": all })) } else { table(&all) };
        output::print(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(status) = remote.one(id)? else {
        let missing = anyhow::anyhow!("no objective `{id}` is tracked");
        return Ok(failure::report(failure::Kind::NotFound, &missing));
    };
    let text = if args.json { format!("{}\n", json!(status)) } else { page(&status) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One line per objective.
pub(super) fn table(all: &[Status]) -> String {
    if all.is_empty() {
        return "no objectives are tracked\n".to_owned();
    }
    let head = ["OBJECTIVE", "TARGET", "PERIOD", "STATE", "BUDGET LEFT", "BURN", "FIRING"];
    let mut rows = vec![head.map(str::to_owned)];
    for s in all {
        let firing: Vec<&str> =
            s.tiers.iter().filter(|t| t.firing).map(|t| t.tier.as_str()).collect();
        let burns: Vec<String> = s
            .windows
            .iter()
            .filter(|w| w.total > 0)
            .map(|w| format!("{} {:.1}", w.window, w.burn_rate))
            .collect();
        let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
        rows.push([
            s.id.clone(),
            format!("{} %", s.target),
            s.period.replace('_', " "),
            s.state.as_str().to_owned(),
            left(s.budget_remaining),
            or(burns.join(", "), "no events"),
            or(firing.join(", "), "-"),
        ]);
    }
    let mut out = columns(&rows);
    for s in all.iter().filter(|s| s.known_seconds < s.period_seconds) {
        let _ = writeln!(out, "{}: {}", s.id, known(s));
    }
    out
}

/// Everything about one objective.
pub(super) fn page(s: &Status) -> String {
    let mut out = format!("{}: {} % over {}\n", s.id, s.target, s.period.replace('_', " "));
    if !s.description.is_empty() {
        let _ = writeln!(out, "{}", s.description);
    }
    let _ = writeln!(
        out,
        "\nstate {}, {} of the budget left",
        s.state.as_str(),
        left(s.budget_remaining)
    );
    match s.exhausted_in_seconds {
        Some(seconds) if seconds > 0.0 => {
            let _ = writeln!(out, "at the present burn rate it lasts for {}", span(seconds));
        }
        _ => {}
    }
    if s.known_seconds < s.period_seconds {
        let _ = writeln!(out, "{}", known(s));
    }
    let mut rows = vec![["WINDOW", "BAD", "ALL", "BURN"].map(str::to_owned)];
    for w in &s.windows {
        let burn = format!("{:.2}", w.burn_rate);
        rows.push([w.window.replace('_', " "), w.bad.to_string(), w.total.to_string(), burn]);
    }
    let _ = write!(out, "\n{}", columns(&rows));
    let mut rows = vec![["TIER", "SEVERITY", "FACTOR", "LONG", "SHORT", ""].map(str::to_owned)];
    for t in &s.tiers {
        let short = t.short.clone().unwrap_or_else(|| "-".into());
        let firing = if t.firing { "firing" } else { "" };
        let factor = t.factor.to_string();
        rows.push([
            t.tier.clone(),
            t.severity.clone(),
            factor,
            t.long.clone(),
            short,
            firing.into(),
        ]);
    }
    if rows.len() > 1 {
        let _ = write!(out, "\n{}", columns(&rows));
    }
    if !s.groups.is_empty() {
        let _ = write!(out, "\n{}", groups(s));
    }
    if !s.spending.is_empty() {
        let mut rows = vec![["SPENT BY", "ERROR", "BAD", "LATEST TRACE"].map(str::to_owned)];
        for c in &s.spending {
            let trace = c.traces.first().map_or("-".to_owned(), |t| t.trace_id.clone());
            rows.push([c.operation.clone(), c.error.clone(), c.bad.to_string(), trace]);
        }
        let _ = write!(out, "\n{}", columns(&rows));
    }
    out
}

fn groups(s: &Status) -> String {
    let head =
        [s.group_by.join(", "), "BAD".into(), "ALL".into(), "BUDGET LEFT".into(), "FIRING".into()];
    let mut rows = vec![head];
    rows.extend(s.groups.iter().map(|g: &GroupStatus| {
        let name = if g.values.is_empty() { "(the rest)".into() } else { g.values.join(", ") };
        let firing = if g.firing.is_empty() { "-".into() } else { g.firing.join(", ") };
        [name, g.bad.to_string(), g.total.to_string(), left(g.budget_remaining), firing]
    }));
    columns(&rows)
}

fn known(s: &Status) -> String {
    #[expect(clippy::cast_precision_loss, reason = "seconds of months")]
    let seconds = s.known_seconds as f64;
    format!("counted for {} of {}", span(seconds), Length(s.period_seconds))
}

/// The share of the budget that is left.
pub(super) fn left(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A length of time, told to the minute where it is long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length of months at most"
)]
fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    Length(if whole >= 3_600 { whole / 60 * 60 } else { whole }).to_string()
}

/// Texts side by side.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |n: usize| rows.iter().map(|r| r[n].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}
