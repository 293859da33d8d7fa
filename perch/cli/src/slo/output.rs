//! What the commands print: findings, objectives, JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use slo::burn::{Fault, Tier};
use slo::compile::Compiled;
use slo::finding::{Finding, Level};
use slo::model::{Indicator, Period};
use slo::number::text;
use slo::plan::{Counting, Plan};
use slo::promql::{Shape, classify};

use super::input::Unreadable;
use crate::failure;

/// Says what cannot be read; 4 where there is no such file.
pub(super) fn unreadable(error: Unreadable) -> anyhow::Result<ExitCode> {
    if !error.is_absent() {
        return Err(error.into());
    }
    Ok(failure::report(failure::Kind::NotFound, &error.into()))
}

/// Objectives that are sound; else says what is wrong with them, and gives the exit code.
pub(super) fn sound(
    compiled: Result<Compiled, Unreadable>,
) -> anyhow::Result<Result<Compiled, ExitCode>> {
    match compiled {
        Ok(compiled) if compiled.sound => Ok(Ok(compiled)),
        Ok(compiled) => {
            say(&compiled.findings)?;
            Ok(Err(ExitCode::FAILURE))
        }
        Err(error) => unreadable(error).map(Err),
    }
}

/// Prints to standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Prints findings to standard error, where the result has standard output for itself.
pub(super) fn say(findings: &[Finding]) -> anyhow::Result<()> {
    Ok(std::io::stderr().write_all(lines(findings).as_bytes())?)
}

/// One line per finding.
pub(super) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|f| format!("{f}\n")).collect()
}

/// Findings as JSON.
pub(super) fn findings(list: &[Finding]) -> Value {
    let one = |f: &Finding| {
        json!({
            "code": f.code.as_str(), "level": f.level.as_str(), "file": f.file,
            "line": f.at.line, "column": f.at.column, "message": f.message, "hint": f.hint,
        })
    };
    list.iter().map(one).collect()
}

/// How many findings of each weight there are.
pub(super) fn tally(compiled: &Compiled) -> String {
    let count = |level| compiled.findings.iter().filter(|f| f.level == level).count();
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}",
        words(compiled.plans.len(), "objective"),
        words(count(Level::Error), "error"),
        words(count(Level::Warning), "warning")
    )
}

/// Objectives as a table.
pub(super) fn table(plans: &[Plan]) -> String {
    let rows: Vec<[String; 5]> = plans
        .iter()
        .map(|plan| {
            let o = &plan.objective;
            let tiers: Vec<&str> = plan.tiers.iter().map(|t| t.name.as_str()).collect();
            let tiers = if tiers.is_empty() { "no alerts".to_owned() } else { tiers.join(", ") };
            [
                o.id(),
                format!("{} %", text(o.target.value)),
                period(o.period),
                evaluated(plan).into(),
                tiers,
            ]
        })
        .collect();
    let width = |n: usize| rows.iter().map(|r| r[n].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for row in &rows {
        let _ = write!(out, "  ");
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(out, "{cell:width$}  ");
        }
        let _ = writeln!(out, "{}", row[4]);
    }
    out
}

/// Objectives as JSON.
pub(super) fn objectives(plans: &[Plan]) -> Value {
    let one = |plan: &Plan| {
        let o = &plan.objective;
        // Nothing but failures, at the traffic that is stated, else at plenty of it.
        let per_second = o.traffic.per_hour.map_or(1e6, |n| n / 3_600.0);
        let outage = Fault { rate: per_second, share: 1.0 };
        let tier = |t: &Tier| {
            let told = t.detection(outage).map(|fires| {
                json!({"fires_after_s": fires, "clears_after_s": t.reset(outage, t.long.seconds())})
            });
            json!({
                "name": t.name, "severity": t.severity.as_str(), "factor": t.factor,
                "threshold": t.threshold, "long": t.long.to_string(),
                "short": t.short.map(|s| s.to_string()), "outage": told,
            })
        };
        json!({
            "id": o.id(), "service": o.service, "name": o.name, "target": o.target.value,
            "period": period(o.period), "evaluated": evaluated(plan), "format": o.origin.spec,
            "file": o.origin.file, "line": o.origin.at.line,
            "tiers": plan.tiers.iter().map(tier).collect::<Vec<_>>(),
        })
    };
    plans.iter().map(one).collect()
}

fn period(period: Period) -> String {
    match period {
        Period::Rolling(length) => format!("over {length}"),
        Period::Calendar(calendar) => format!("by {calendar:?}").to_lowercase(),
    }
}

/// Who can evaluate it.
fn evaluated(plan: &Plan) -> &'static str {
    match (&plan.objective.indicator, &plan.counting) {
        (Indicator::Spans(_), _) => "spans, by tracker and rules",
        (_, Counting::Events(_)) => "events, by tracker and rules",
        (Indicator::Ratio { bad }, _) if matches!(classify(&bad.value), Shape::Ratio(..)) => {
            "ratio, by tracker and rules"
        }
        _ => "rules only",
    }
}
