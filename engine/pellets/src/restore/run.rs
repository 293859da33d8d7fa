//! One restore from its beginning to its end.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use durable_fs::{Clock, Fs};

use super::builder::Site;
use super::cache::{self, Cached};
use super::extract::{Extractor, Job};
use super::options::{PhaseGuard, RestoreObserver, RestoreOptions, RestorePhase, Restored, Way};
use super::place::Place;
use super::share::Share;
use super::units::Units;
use super::{finish, foreign, only, relocate, workers};
use crate::cpu::Meter;
use crate::ecosystem;
use crate::observer::Progress;
use crate::read::{Archive, Index, Layers, ReadError, ReadErrorKind, assert_authentic};
use crate::sidecar::Sidecar;

/// Brings a Pellet back, or a part of it.
///
/// # Errors
/// [`ReadError`]; then the target is as it was.
pub fn restore(
    fs: &dyn Fs,
    clock: &dyn Clock,
    options: &RestoreOptions,
    observer: &dyn RestoreObserver,
) -> Result<Restored, ReadError> {
    let (begun, cpu) = (clock.monotonic(), Meter::default());
    let running = cpu.run();
    let done = match (&options.sidecar, &options.only) {
        (Some(sidecar), None) => whole(fs, options, sidecar, observer),
        (Some(sidecar), Some(path)) => only::restore(fs, options, sidecar, path, observer),
        (None, _) if !options.keys.is_empty() => {
            let what = "the archive has no sidecar, and so no signature";
            Err(ReadError::damaged("signature-missing", what).at(&options.archive))
        }
        (None, None) => foreign::restore(fs, options, observer),
        (None, Some(_)) => {
            let what = "a part can be brought back only with the sidecar beside the archive";
            Err(ReadError::new(ReadErrorKind::NotFound, "sidecar-missing", what))
        }
    };
    let done = done.map_err(|e| e.or_at(&options.archive));
    drop(running);
    let duration = clock.monotonic().saturating_sub(begun);
    done.map(|restored| Restored { duration, cpu: cpu.total(), ..restored })
}

fn whole(
    fs: &dyn Fs,
    options: &RestoreOptions,
    sidecar: &std::path::Path,
    observer: &dyn RestoreObserver,
) -> Result<Restored, ReadError> {
    let phase = PhaseGuard::start(observer, RestorePhase::Check);
    let sidecar = Sidecar::read(fs, sidecar).map_err(|e| ReadError::in_sidecar(sidecar, e))?;
    assert_authentic(&sidecar, &options.keys)?;
    let archive = Archive::open(fs, &options.archive, &options.limits)?;
    let index = Index::check(&sidecar, &archive, &options.limits)?;
    let layers = Layers::open(fs, archive, &sidecar, &options.ancestors, &options.limits)?;
    layers.assert_complete()?;
    let place = Place::prepare(fs, options)?;
    drop(phase);

    let phase = PhaseGuard::start(observer, RestorePhase::Extract);
    let root = place.make_root()?;
    let site = Site::new(fs, root.as_fd(), options.strict);
    let all = 0..sidecar.entries.len();
    let job = Job::new(&index, &layers, &options.limits, &site, all);
    let cached = cache::find(fs, options, &index, &layers, &place, observer)?;
    let way = match &cached {
        Some(cached) => cached.way,
        None => {
            place.assert_room(&root, index.stored())?;
            Way::Extract
        }
    };
    let read = build(&job, options, cached.as_ref(), observer)?;
    let shapes = ecosystem::detect(&sidecar.entries);
    let n_relocated = relocate::relocate(&job, options, &sidecar.origin, &shapes)?;
    finish::finish(&job, options.threads, Some(&sidecar.origin))?;
    let restored = Restored { shapes, n_relocated, ..report(&job, options, way, read) };
    drop(phase);

    let _phase = PhaseGuard::start(observer, RestorePhase::Place);
    if observer.cancelled() {
        return Err(ReadError::cancelled());
    }
    let replaced = place.commit(options.sync)?;
    Ok(Restored { replaced, ..restored })
}

/// Creates the files and links of `job`; returns how many frames it decoded, and the bytes of the archives in them.
pub(super) fn build(
    job: &Job<'_>,
    options: &RestoreOptions,
    cached: Option<&Cached>,
    observer: &dyn RestoreObserver,
) -> Result<(u64, u64), ReadError> {
    let bytes_total = job.entries.clone().filter_map(|i| job.entry(i).size).sum();
    let entries_total = job.entries.len() as u64;
    let watch = || {
        observer.progress(&Progress {
            bytes_done: job.bytes_done.load(Ordering::Relaxed),
            bytes_total,
            entries_done: job.entries_done.load(Ordering::Relaxed),
            entries_total,
            bytes_out: 0,
        });
        observer.cancelled()
    };
    let read = match cached {
        Some(cached) => {
            cached.share(job, options.threads, watch)?;
            (0, 0)
        }
        None => {
            let units = Units::of(job);
            let n_units = units.list.len();
            let share = Share::new(n_units);
            let work = |extractor: &mut Extractor<'_>, n: usize| extractor.unit(n, &share);
            let start = || Extractor::new(job, &units);
            // Behind the frames each thread has one more thing to do: to help.
            let n_all = n_units + options.threads.get();
            workers::run(options.threads, n_all, &job.stop, start, work, watch)?;
            (n_units as u64, units.compressed(job))
        }
    };
    observer.progress(&Progress {
        bytes_done: bytes_total,
        bytes_total,
        entries_done: entries_total,
        entries_total,
        bytes_out: 0,
    });
    Ok(read)
}

/// What is known once the tree is built.
pub(super) fn report(
    job: &Job<'_>,
    options: &RestoreOptions,
    way: Way,
    (frames, bytes_read): (u64, u64),
) -> Restored {
    Restored {
        target: options.target.clone(),
        digest: Some(job.index.sidecar.digest),
        entries: job.entries.len() as u64,
        bytes: job.entries.clone().filter_map(|i| job.entry(i).size).sum(),
        frames,
        way,
        replaced: false,
        verified: way == Way::Extract,
        shapes: Vec::new(),
        n_relocated: 0,
        n_stripped: job.site.n_stripped.load(Ordering::Relaxed),
        n_xattrs_lost: job.site.n_xattrs_lost.load(Ordering::Relaxed),
        duration: Duration::ZERO,
        cpu: Duration::ZERO,
        bytes_read,
    }
}
