//! `nestr pellet restore`: brings a tree back without a running Engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use durable_fs::{DiskFs, SystemClock};
use nestr_config::Config;
use nestr_pellets::{RawPath, ReadError, ReadErrorKind, RestoreOptions, Restored, Way};
use nestr_server::{Cost, Proof, TracedRestore, Verdict, outcome_of, traced_proof};
use nestr_telemetry::names::{Direction, Outcome, Stage, attr, span};
use nestr_telemetry::{Instruments, trace_id_of};
use serde_json::json;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::args::RestoreArgs;
use crate::bar::Bar;
use crate::failure::{Exit, Failure, chain};
use crate::{interrupt, keys, output, setup};

/// Restores an archive.
pub(crate) fn run(args: &RestoreArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let telemetry = setup::command_telemetry(&config)?;
    let done = restore_and_show(args, &config, telemetry.instruments());
    telemetry.end(done)
}

fn restore_and_show(
    args: &RestoreArgs,
    config: &Config,
    instruments: &Instruments,
) -> Result<(), Failure> {
    let options = RestoreOptions {
        only: args.only.as_deref().map(RawPath::from),
        replace: args.replace,
        sync: args.sync,
        strict: args.strict,
        ancestors: args.ancestor.clone(),
        keys: args.verify_key.as_deref().map(keys::verifying).transpose()?.into_iter().collect(),
        cache: args.cache.clone(),
        linked: args.linked,
        relocate: args.relocate,
        threads: config.pellets.threads,
        ..RestoreOptions::new(&args.file, real_target(&args.target)?)
    };
    let leaves_here = holds_current_folder(&options.target);
    let done = restore(&options, args.verify_build, instruments, !args.json)?;
    show(args, &done)?;
    if leaves_here && !args.json {
        output::line("the current folder was replaced; cd \"$PWD\" leads into the new one")?;
    }
    match done.proof.as_ref().and_then(Proof::reason) {
        None => Ok(()),
        Some(reason) => Err(Failure::new(Exit::Unverified, "verification-failed", reason)
            .hint(
                "the tree stays where it is, with every file as it was packed; see what the test needs",
            )
            .in_trace(done.trace_id)),
    }
}

/// What there is to show.
struct Done {
    restored: Restored,
    proof: Option<Proof>,
    trace_id: Option<String>,
}

fn restore(
    options: &RestoreOptions,
    verify_build: bool,
    instruments: &Instruments,
    bar: bool,
) -> Result<Done, Failure> {
    // Kept until the end: its thread listens for ctrl-C.
    let (cancel, _runtime) = interrupt::watch()?;
    let operation = tracing::info_span!(span::PELLET_RESTORE);
    operation.set_attribute(attr::NESTR_PELLET_TARGET, options.target.display().to_string());
    let bar = Bar::new(bar);
    let observer = TracedRestore::new(&operation, &bar, &cancel);
    let clock = SystemClock::new();
    let restored =
        operation.in_scope(|| nestr_pellets::restore(&DiskFs, &clock, options, &observer));
    bar.end();
    match &restored {
        Ok(restored) => {
            observer.finish(None);
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            operation.set_attribute(attr::NESTR_PELLET_WAY, restored.way.as_str());
            operation.set_attribute(attr::NESTR_PELLET_RELOCATED, number(restored.n_relocated));
            operation.set_attribute(attr::NESTR_PELLET_ENTRIES, number(restored.entries));
            operation.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(restored.bytes));
            operation.set_attribute(attr::NESTR_PELLET_FRAMES, number(restored.frames));
            Cost::from(restored).tell(&operation);
            instruments.pellet_restored(Outcome::Success, restored.duration);
            instruments.pellet_bytes(Direction::Out, Stage::Restore, restored.bytes);
        }
        Err(e) => {
            let detail = chain(e);
            observer.finish(Some((e.code(), &detail)));
            nestr_telemetry::fail(&operation, e.code(), &detail);
            instruments.pellet_restored(outcome_of(e.code()), Duration::ZERO);
        }
    }
    let trace_id = trace_id_of(&operation);
    let restored = restored.map_err(|e| not_read(&e).in_trace(trace_id.clone()))?;
    let proof = match verify_build {
        true => Some(
            operation
                .in_scope(|| traced_proof(&operation, &restored.shapes, &restored.target, &cancel))
                .map_err(|e| Failure::of(&e))?,
        ),
        false => None,
    };
    if proof.is_some() && cancel.is_asked() {
        return Err(Failure::new(Exit::Interrupted, "cancelled", "the self-tests were cancelled")
            .hint("the tree stays where it is, untried")
            .in_trace(trace_id));
    }
    Ok(Done { restored, proof, trace_id })
}

fn show(args: &RestoreArgs, done: &Done) -> Result<(), Failure> {
    let Done { restored, proof, trace_id } = done;
    if args.json {
        return output::line(
            &json!({
                "target": restored.target,
                "digest": restored.digest,
                "entries": restored.entries,
                "bytes": restored.bytes,
                "frames": restored.frames,
                "way": restored.way.as_str(),
                "replaced": restored.replaced,
                "verified": restored.verified,
                "stripped": restored.n_stripped,
                "xattrs_lost": restored.n_xattrs_lost,
                "ecosystems": ecosystems(restored),
                "relocated": restored.n_relocated,
                "proof": proof.as_ref().map(Proof::to_json),
                "duration_ms": u64::try_from(restored.duration.as_millis()).unwrap_or(u64::MAX),
                "trace_id": trace_id,
            })
            .to_string(),
        );
    }
    output::text(&told(restored, proof.as_ref()))
}

/// The result for a person.
fn told(restored: &Restored, proof: Option<&Proof>) -> String {
    let verified = match (restored.way, restored.verified) {
        (_, true) => "every file verified",
        (Way::Extract, false) => "not verified: there is no sidecar",
        (Way::Linked, false) => "files are read-only links into the cache",
        (Way::Reflink, false) => "files are clones from the cache",
    };
    let mut text = format!(
        "{}  {} entries, {} in {} ({}, {verified})\n",
        restored.target.display(),
        restored.entries,
        output::bytes(restored.bytes),
        output::duration(restored.duration),
        restored.way.as_str(),
    );
    if restored.n_xattrs_lost > 0 {
        let n = restored.n_xattrs_lost;
        text.push_str(&format!("{n} extended attributes were not taken by the file system\n"));
    }
    if restored.n_relocated > 0 {
        text.push_str(&format!("{} scripts name the new path\n", restored.n_relocated));
    }
    for tested in proof.iter().flat_map(|proof| &proof.tests) {
        let (word, why) = match &tested.verdict {
            Verdict::Passed => ("passed", String::new()),
            Verdict::Failed(why) => ("failed", format!(": {why}")),
            Verdict::Untried(why) => ("not tried", format!(": {why}")),
        };
        text.push_str(&format!("{word}  {}{why}\n", tested.command));
    }
    text
}

/// The tools that the tree belongs to, each once.
fn ecosystems(restored: &Restored) -> Vec<&'static str> {
    let mut names: Vec<_> = restored.shapes.iter().map(|s| s.ecosystem.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The target with its own name, so that `.` and `a/..` have one; what does not exist keeps its name.
fn real_target(target: &Path) -> Result<PathBuf, Failure> {
    if target.file_name().is_some() {
        return Ok(target.to_owned());
    }
    target.canonicalize().map_err(|e| {
        let message = format!("cannot restore to {}: {e}", target.display());
        Failure::new(Exit::NotFound, "path-not-found", message)
            .hint("check the spelling of the path")
    })
}

/// Whether the current folder is the one that the tree takes the place of, or lies in it.
fn holds_current_folder(target: &Path) -> bool {
    match (target.canonicalize(), std::env::current_dir()) {
        (Ok(target), Ok(here)) => here.starts_with(target),
        _ => false,
    }
}

/// A failed reading as a failed command.
pub(crate) fn not_read(error: &ReadError) -> Failure {
    let exit = match error.kind() {
        ReadErrorKind::NotFound => Exit::NotFound,
        ReadErrorKind::Damaged => Exit::Unverified,
        ReadErrorKind::TargetExists => Exit::Conflict,
        ReadErrorKind::Cancelled => Exit::Interrupted,
        _ => Exit::Failure,
    };
    Failure::new(exit, error.code(), chain(error)).hint(error.hint())
}
