//! `nestr pellet verify`: compares a Pellet with its digests, without a running Engine.

use std::fmt::Write as _;
use std::time::Duration;

use durable_fs::{DiskFs, SystemClock};
use nestr_config::Config;
use nestr_pellets::{Finding, Verified, VerifyOptions};
use nestr_server::{Cost, TracedRestore, outcome_of};
use nestr_telemetry::names::{Outcome, attr, span};
use nestr_telemetry::{Instruments, trace_id_of};
use serde_json::json;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::restore::not_read;
use crate::args::VerifyArgs;
use crate::bar::Bar;
use crate::failure::{Exit, Failure, chain};
use crate::{interrupt, keys, output, setup};

/// Verifies a Pellet; exits with 5 where anything differs.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let telemetry = setup::command_telemetry(&config)?;
    let done = verify(args, &config, telemetry.instruments());
    telemetry.end(done)
}

fn verify(args: &VerifyArgs, config: &Config, instruments: &Instruments) -> Result<(), Failure> {
    // Kept until the end: its thread listens for ctrl-C.
    let (cancel, _runtime) = interrupt::watch()?;
    let options = VerifyOptions {
        expected: args.digest,
        ancestors: args.ancestor.clone(),
        key: args.verify_key.as_deref().map(keys::verifying).transpose()?,
        threads: config.pellets.threads,
        ..VerifyOptions::new(&args.file)
    };
    let operation = tracing::info_span!(span::PELLET_VERIFY);
    let trace_id = trace_id_of(&operation);
    let bar = Bar::new(!args.json);
    let observer = TracedRestore::new(&operation, &bar, &cancel);
    let clock = SystemClock::new();
    let verified =
        operation.in_scope(|| nestr_pellets::verify(&DiskFs, &clock, &options, &observer));
    bar.end();
    let verified = verified.map_err(|e| {
        nestr_telemetry::fail(&operation, e.code(), &chain(&e));
        instruments.pellet_verified(outcome_of(e.code()), Duration::ZERO);
        not_read(&e).in_trace(trace_id.clone())
    })?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    operation.set_attribute(attr::NESTR_PELLET_DIGEST, verified.digest.to_string());
    operation.set_attribute(attr::NESTR_PELLET_FINDINGS, number(verified.n_findings));
    Cost::from(&verified).tell(&operation);
    let outcome = if verified.is_whole() { Outcome::Success } else { Outcome::Failed };
    instruments.pellet_verified(outcome, verified.duration);
    drop(operation);
    show(args, &verified, trace_id.as_deref())?;
    if verified.is_whole() {
        return Ok(());
    }
    let message = format!("{} is not as it was packed", args.file.display());
    Err(Failure::new(Exit::Unverified, "verification-failed", message)
        .hint("take it from another place or pack the tree again")
        .in_trace(trace_id))
}

fn show(args: &VerifyArgs, verified: &Verified, trace_id: Option<&str>) -> Result<(), Failure> {
    if args.json {
        return output::line(
            &json!({
                "whole": verified.is_whole(),
                "digest": verified.digest,
                "entries": verified.entries,
                "frames": verified.frames,
                "bytes": verified.bytes,
                "signed_by": verified.signed_by,
                "n_findings": verified.n_findings,
                "findings": verified.findings,
                "duration_ms": u64::try_from(verified.duration.as_millis()).unwrap_or(u64::MAX),
                "trace_id": trace_id,
            })
            .to_string(),
        );
    }
    let mut text: String = verified.findings.iter().map(line).collect();
    let untold = verified.n_findings - verified.findings.len() as u64;
    if untold > 0 {
        let _ = writeln!(text, "and {untold} more");
    }
    let _ = writeln!(
        text,
        "{}  {} entries and {} frames as packed, {} findings, {} in {}\ndigest  {}",
        args.file.display(),
        verified.entries,
        verified.frames,
        verified.n_findings,
        output::bytes(verified.bytes),
        output::duration(verified.duration),
        verified.digest,
    );
    if let Some(key) = &verified.signed_by {
        // A key that was not asked for proves only that nothing was damaged.
        let trust = if args.verify_key.is_some() { "" } else { ", which --verify-key would judge" };
        let _ = writeln!(text, "signed  by the key {key}{trust}");
    }
    output::text(&text)
}

fn line(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.code, finding.what);
    if let Some(file) = &finding.file {
        let _ = write!(text, "\n  file      {}", file.display());
    }
    if let Some(entry) = &finding.entry {
        let _ = write!(text, "\n  entry     {entry}");
    }
    if let Some(frame) = finding.frame {
        let _ = write!(text, "\n  frame     {frame}");
    }
    for (label, value) in [("expected", &finding.expected), ("found   ", &finding.found)] {
        if let Some(value) = value {
            let _ = write!(text, "\n  {label}  {value}");
        }
    }
    text.push('\n');
    text
}
