//! `perch slo diff`: what was counted, replayed against changed objectives.

use std::fmt::Write as _;
use std::process::ExitCode;

use perch_slo_tracker::{Alert, History, Status, TierStatus, replay};
use serde_json::{Value, json};
use slo::length::Length;
use slo::plan::Plan;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::input::Input;
use super::output;
use super::remote::Endpoint;

/// `perch slo diff FILE...`
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    endpoint: Endpoint,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One objective, as it is tracked and as it would be.
pub(super) struct Compared {
    id: String,
    /// Absent where it is not tracked.
    known: Option<Known>,
}

/// What is known of an objective that is tracked.
struct Known {
    history: History,
    targets: [f64; 2],
    alerts: [Vec<Alert>; 2],
}

/// Prints which alerts would have come.
pub(super) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let options = args.input.options();
    let compiled = match output::sound(args.input.compile(&options))? {
        Ok(compiled) => compiled,
        Err(code) => return Ok(code),
    };
    let remote = args.endpoint.open()?;
    let tracked = remote.all()?;
    let mut all = Vec::new();
    for plan in &compiled.plans {
        let id = plan.objective.id();
        let before = tracked.iter().find(|s| s.id == id);
        let history = before.map(|_| remote.history(&id)).transpose()?.flatten();
        all.push(compare(plan, before.zip(history)));
    }
    output::print(&report(&all, args.json))?;
    Ok(ExitCode::SUCCESS)
}

/// An objective as it is tracked, with its history, against the same as it is written.
pub(super) fn compare(plan: &Plan, tracked: Option<(&Status, History)>) -> Compared {
    let known = tracked.map(|(before, history)| {
        let after: Vec<TierStatus> =
            plan.tiers.iter().map(|tier| TierStatus::new(tier, false)).collect();
        let alerts = [replay(&history, &before.tiers), replay(&history, &after)];
        Known { history, targets: [before.target, plan.objective.target.value], alerts }
    });
    Compared { id: plan.objective.id(), known }
}

/// The whole output.
pub(super) fn report(all: &[Compared], as_json: bool) -> String {
    if as_json {
        return format!(
            "{}\n",
            json!({ "objectives": all.iter().map(as_value).collect::<Vec<_>>() })
        );
    }
    let mut out = String::new();
    for Compared { id, known } in all {
        let Some(Known { history, targets: [before, after], alerts }) = known else {
            let _ = writeln!(out, "{id}: not tracked, so nothing is known of its past\n");
            continue;
        };
        let since = history.buckets.first().map_or(history.now, |b| b.0);
        let length = Length(history.now.saturating_sub(since) / 60 * 60);
        let _ = writeln!(
            out,
            "{id}: {before} % → {after} %, {length} of events since {}",
            instant(since)
        );
        for (word, alerts) in ["as tracked", "as written"].iter().zip(alerts) {
            for Alert { tier, severity, from, until } in alerts {
                let (at, lasted) = (instant(*from), Length(until - from + history.step));
                let _ = writeln!(out, "  {word}  {at}  {severity:6}  {tier}, for {lasted}");
            }
        }
        let [before, after] = alerts.each_ref().map(|alerts| tally(alerts));
        let _ = writeln!(out, "  {before} as tracked, {after} as written\n");
    }
    out.push_str(
        "conditions are looked at every minute; what alerts inhibit is not taken into account\n",
    );
    out
}

fn as_value(compared: &Compared) -> Value {
    let Compared { id, known } = compared;
    let Some(Known { history, targets: [before, after], alerts: [tracked, written] }) = known
    else {
        return json!({ "id": id, "tracked": false });
    };
    json!({
        "id": id, "tracked": true, "target": { "tracked": before, "written": after },
        "since": history.buckets.first().map(|b| b.0), "now": history.now,
        "alerts": { "tracked": tracked, "written": written },
    })
}

fn tally(alerts: &[Alert]) -> String {
    let count = |severity| alerts.iter().filter(|a| a.severity == severity).count();
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    format!("{} and {}", words(count("page"), "page"), words(count("ticket"), "ticket"))
}

fn instant(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
