//! `nestr pellet compress`: packs without a running Engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_fs::{DiskFs, Fs, SystemClock};
use nestr_pellets::{
    Base, Destination, ErrorKind, Limits, PackError, PackOptions, Packed, PelletName,
};
use nestr_server::{Cost, TracedPacking, outcome_of};
use nestr_telemetry::names::{Direction, Outcome, Stage, attr, span};
use nestr_telemetry::{Instruments, trace_id_of};
use serde_json::json;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::restore::not_read;
use crate::args::CompressArgs;
use crate::bar::Bar;
use crate::failure::{Exit, Failure, chain};
use crate::{interrupt, keys, output, setup};

/// Packs a directory into a file.
pub(crate) fn run(args: &CompressArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let source = real_path(&args.path)?;
    let name = args.name.clone().unwrap_or_else(|| PelletName::from_path(&source));
    let target = target(args, &name)?;
    let options = PackOptions {
        name,
        profile: args.profile,
        threads: config.pellets.threads,
        mtime: setup::source_date_epoch()?,
        base: args.base.as_deref().map(open_base).transpose()?.map(Arc::new),
        delta: args.delta.then_some(args.max_layers),
        sign: args.sign_key.as_deref().map(keys::signing).transpose()?.map(Arc::new),
        ..PackOptions::new(source)
    };
    let telemetry = setup::command_telemetry(&config)?;
    let done = pack(&options, target, telemetry.instruments(), !args.json)
        .and_then(|(packed, trace_id)| show(args, &options, &packed, trace_id.as_deref()));
    telemetry.end(done)
}

fn pack(
    options: &PackOptions,
    target: PathBuf,
    instruments: &Instruments,
    bar: bool,
) -> Result<(Packed, Option<String>), Failure> {
    // Kept until the end: its thread listens for ctrl-C.
    let (cancel, _runtime) = interrupt::watch()?;
    let operation = tracing::info_span!(span::PELLET_COMPRESS);
    operation.set_attribute(attr::NESTR_PELLET_SOURCE, options.source.display().to_string());
    operation.set_attribute(attr::NESTR_PELLET_NAME, options.name.to_string());
    operation.set_attribute(attr::NESTR_PELLET_PROFILE, options.profile.as_str());
    let bar = Bar::new(bar);
    let observer = TracedPacking::new(&operation, &bar, &cancel);
    let fs: Arc<dyn Fs> = Arc::new(DiskFs);
    let destination = Destination::File(target);
    let clock = SystemClock::new();
    let packed = operation
        .in_scope(|| nestr_pellets::pack(fs.as_ref(), &clock, options, &destination, &observer));
    bar.end();
    match &packed {
        Ok(packed) => {
            observer.finish(None);
            succeed(&operation, instruments, packed);
        }
        Err(e) => {
            let detail = chain(e);
            observer.finish(Some((e.code(), &detail)));
            nestr_telemetry::fail(&operation, e.code(), &detail);
            instruments.pellet_compressed(outcome_of(e.code()), Duration::ZERO);
        }
    }
    let trace_id = trace_id_of(&operation);
    match packed {
        Ok(packed) => Ok((packed, trace_id)),
        Err(e) => Err(not_packed(&e).in_trace(trace_id)),
    }
}

fn succeed(operation: &Span, instruments: &Instruments, packed: &Packed) {
    operation.set_attribute(attr::NESTR_PELLET_DIGEST, packed.digest.to_string());
    operation.set_attribute(attr::NESTR_PELLET_TREE, packed.tree.to_string());
    Cost::from(packed).tell(operation);
    instruments.pellet_compressed(Outcome::Success, packed.duration);
    instruments.pellet_bytes(Direction::In, Stage::Compress, packed.bytes_in);
    instruments.pellet_bytes(Direction::Out, Stage::Compress, packed.bytes_out);
    instruments.pellet_ratio(ratio(packed));
}

fn show(
    args: &CompressArgs,
    options: &PackOptions,
    packed: &Packed,
    trace_id: Option<&str>,
) -> Result<(), Failure> {
    if args.json {
        return output::line(
            &json!({
                "digest": packed.digest,
                "tree": packed.tree,
                "name": options.name,
                "profile": options.profile,
                "archive": packed.archive,
                "sidecar": packed.sidecar,
                "entries": packed.entries,
                "skipped": packed.n_skipped,
                "bytes_in": packed.bytes_in,
                "bytes_out": packed.bytes_out,
                "ratio": ratio(packed),
                "frames": packed.frames,
                "frames_reused": packed.n_frames_reused,
                "layers": packed.layers,
                "duration_ms": u64::try_from(packed.duration.as_millis()).unwrap_or(u64::MAX),
                "trace_id": trace_id,
            })
            .to_string(),
        );
    }
    let skipped = match packed.n_skipped {
        0 => String::new(),
        n => format!(", left out {n} sockets, pipes or devices"),
    };
    let against = match (args.base.is_some(), packed.layers.len()) {
        (false, _) => String::new(),
        (true, 0) if args.delta => {
            ", whole: a delta would need too many pellets, or all".to_owned()
        }
        (true, 0) => format!(", {} of {} frames copied", packed.n_frames_reused, packed.frames),
        (true, n) => format!(", a delta that needs {n} earlier pellets"),
    };
    output::text(&format!(
        "{}  {} entries, {} → {} ({:.2}×) in {}{skipped}{against}\ndigest  {}\n",
        packed.archive.display(),
        packed.entries,
        output::bytes(packed.bytes_in),
        output::bytes(packed.bytes_out),
        ratio(packed),
        output::duration(packed.duration),
        packed.digest,
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is shown with three digits")]
fn ratio(packed: &Packed) -> f64 {
    packed.bytes_in as f64 / packed.bytes_out.max(1) as f64
}

/// The directory itself, so that `.` has a name.
fn real_path(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|e| {
        let (exit, code) = match e.kind() {
            std::io::ErrorKind::NotFound => (Exit::NotFound, "path-not-found"),
            std::io::ErrorKind::PermissionDenied => (Exit::Failure, "permission-denied"),
            _ => (Exit::Failure, "internal"),
        };
        Failure::new(exit, code, format!("cannot pack {}: {e}", path.display()))
            .hint("check the spelling of the path")
    })
}

/// The earlier Pellet to pack against.
fn open_base(archive: &Path) -> Result<Base, Failure> {
    let sidecar = archive.with_extension("meta.json");
    Base::open(&DiskFs, archive, &sidecar, &Limits::default())
        .map_err(|e| not_read(&e).hint("pack without --base, or name another one"))
}

/// The archive to write. A name that was not given must be free.
fn target(args: &CompressArgs, name: &PelletName) -> Result<PathBuf, Failure> {
    match &args.output {
        Some(file) if file.extension().is_some_and(|ending| ending == "pellet") => Ok(file.clone()),
        Some(file) => {
            let message = format!("{} is no NAME.pellet", file.display());
            Err(Failure::new(Exit::Usage, "output-unnamed", message)
                .hint("write --output NAME.pellet"))
        }
        None => {
            let file = PathBuf::from(format!("{name}.pellet"));
            match file.symlink_metadata() {
                Ok(_) => {
                    let message = format!("{} exists", file.display());
                    Err(Failure::new(Exit::Conflict, "output-exists", message)
                        .hint("name it with --output to replace it"))
                }
                Err(_) => Ok(file),
            }
        }
    }
}

fn not_packed(error: &PackError) -> Failure {
    let exit = match error.kind() {
        ErrorKind::PathNotFound => Exit::NotFound,
        ErrorKind::NotADirectory => Exit::Usage,
        ErrorKind::Cancelled => Exit::Interrupted,
        _ => Exit::Failure,
    };
    Failure::new(exit, error.code(), chain(error)).hint(error.hint())
}
