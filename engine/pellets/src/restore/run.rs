//! One restore from its beginning to its end.

use std::os::fd::AsFd;

use durable_fs::{Clock, Fs};

use super::builder::Site;
use super::job::Job;
use super::options::{PhaseGuard, RestoreObserver, RestoreOptions, RestorePhase, Restored, Way};
use super::place::Place;
use super::{cache, extract, finish, foreign, only, relocate};
use crate::cpu::Meter;
use crate::ecosystem;
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
    let site = Site::new(fs, root.as_fd(), options.strict, observer);
    let all = 0..sidecar.entries.len();
    let job = Job::new(&index, &layers, &options.limits, &site, all);
    let cached = cache::find(fs, options, &index, &layers, &place, observer)?;
    let way = match &cached {
        Some(cached) => cached.way,
        None => {
            place.assert_room(&root, index.stored(), "the tree")?;
            Way::Extract
        }
    };
    let read = match &cached {
        Some(cached) => cached.share(&job, options.threads, observer)?,
        None => extract::extract(&job, options.threads, observer)?,
    };
    let shapes = ecosystem::detect(&sidecar.entries);
    let n_relocated = relocate::relocate(&job, options, &sidecar.origin, &shapes)?;
    finish::finish(&job, options.threads, Some(&sidecar.origin))?;
    let restored = Restored { shapes, n_relocated, ..job.restored(&options.target, way, read) };
    drop(phase);

    let _phase = PhaseGuard::start(observer, RestorePhase::Place);
    if observer.cancelled() {
        return Err(ReadError::cancelled());
    }
    let replaced = place.commit(options.sync)?;
    Ok(Restored { replaced, ..restored })
}
