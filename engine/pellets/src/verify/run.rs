//! One verification from its beginning to its end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use durable_fs::{Clock, Fs};

use super::entries::{Checker, Findings};
use super::finding::{Finding, Verified, VerifyOptions};
use crate::cpu::Meter;
use crate::digest::Digest;
use crate::observer::Progress;
use crate::read::{
    Archive, Index, Layers, ReadError, ReadErrorKind, Span, assert_lines, assert_tree, digest_of,
};
use crate::restore::{RestoreObserver, run_units};
use crate::sidecar::{EntryKind, Sidecar};
use crate::sign::authenticate;
use crate::tree::{NodeKind, hash_directories};

/// Two blocks of zeros end the tar stream.
const TRAILER: usize = 1024;

/// Verifies a Pellet; differences are findings, not errors.
///
/// # Errors
/// [`ReadError`] where archive or sidecar cannot be read at all, or the observer cancels.
pub fn verify(
    fs: &dyn Fs,
    clock: &dyn Clock,
    options: &VerifyOptions,
    observer: &dyn RestoreObserver,
) -> Result<Verified, ReadError> {
    let (begun, cpu) = (clock.monotonic(), Meter::default());
    let running = cpu.run();
    let verified = judge(fs, options, observer);
    drop(running);
    let duration = clock.monotonic().saturating_sub(begun);
    verified.map(|verified| Verified { duration, cpu: cpu.total(), ..verified })
}

fn judge(
    fs: &dyn Fs,
    options: &VerifyOptions,
    observer: &dyn RestoreObserver,
) -> Result<Verified, ReadError> {
    let findings = Findings::new();
    // Where neither is there, the archive is the one that was asked for.
    let archive = match Archive::open(fs, &options.archive, &options.limits) {
        Err(e) if !is_finding(&e) => return Err(e),
        archive => archive,
    };
    let sidecar = sidecar(fs, options, &findings)?;
    let signed_by = sidecar.as_ref().and_then(|sidecar| signer(sidecar, options, &findings));
    let archive = kept(archive, &findings)?;
    let layers = match (archive, &sidecar) {
        (Some(archive), Some(sidecar)) => {
            Some(Layers::open(fs, archive, sidecar, &options.ancestors, &options.limits)?)
        }
        (archive, _) => archive.map(Layers::single),
    };
    layers.iter().flat_map(Layers::missing).for_each(|missing| findings.add(0, missing));
    let (digest, bytes) =
        read(fs, options, layers.as_ref(), sidecar.as_ref(), &findings, observer)?;
    for expected in [sidecar.as_ref().map(|s| s.digest), options.expected].into_iter().flatten() {
        if expected != digest {
            let what = "the digest of the archive is another one";
            findings.add(0, ReadError::damaged("digest-mismatch", what).instead(expected, digest));
        }
    }
    let (entries, frames) =
        (findings.n_entries.load(Ordering::Relaxed), findings.n_frames.load(Ordering::Relaxed));
    let all = findings.sorted();
    Ok(Verified {
        digest,
        entries,
        frames,
        bytes,
        signed_by,
        n_findings: all.len() as u64,
        findings: all.into_iter().take(options.max_findings).map(Finding::from).collect(),
        duration: Duration::ZERO,
        cpu: Duration::ZERO,
    })
}

/// The sidecar, as far as it can be used.
fn sidecar(
    fs: &dyn Fs,
    options: &VerifyOptions,
    findings: &Findings,
) -> Result<Option<Sidecar>, ReadError> {
    let sidecar = Sidecar::read(fs, &options.sidecar);
    let sidecar = sidecar.map_err(|e| ReadError::in_sidecar(&options.sidecar, e));
    let sidecar = kept(sidecar, findings)?;
    if let Some(sidecar) = &sidecar {
        lines(fs, options, sidecar, findings)?;
    }
    Ok(sidecar)
}

/// The key that signed it: the one that was given, where it did, else the one that the signature names.
fn signer(sidecar: &Sidecar, options: &VerifyOptions, findings: &Findings) -> Option<String> {
    match (authenticate(sidecar, options.key.as_ref()), &options.key) {
        (Ok(()), Some(key)) => return Some(key.to_string()),
        (Ok(()), None) => {}
        (Err(error), _) => findings.add(0, error),
    }
    sidecar.signature.as_ref().map(|signature| signature.key.clone())
}

/// Reads every archive whole, side by side; digest and length of the Pellet's own.
fn read(
    fs: &dyn Fs,
    options: &VerifyOptions,
    layers: Option<&Layers>,
    sidecar: Option<&Sidecar>,
    findings: &Findings,
    observer: &dyn RestoreObserver,
) -> Result<(Digest, u64), ReadError> {
    let stop = AtomicBool::new(false);
    let cpu = Meter::current();
    std::thread::scope(|scope| {
        let hashing = scope.spawn(|| {
            let _counted = cpu.run();
            match layers {
                Some(layers) => layers.own().digest(&stop),
                None => hash(fs, options, &stop),
            }
        });
        let earlier = scope.spawn(|| ancestors(layers, sidecar, findings, &stop));
        let read = match layers {
            Some(layers) => contents(layers, sidecar, options, findings, &stop, observer),
            None => Ok(()),
        };
        let (hashed, earlier) = (hashing.join(), earlier.join());
        read?;
        earlier.unwrap_or(Ok(()))?;
        hashed.unwrap_or_else(|_| {
            Err(ReadError::new(ReadErrorKind::Internal, "internal", "hashing the archive panicked"))
        })
    })
}

/// Who asks for one file finds no other entry than who reads the whole sidecar.
fn lines(
    fs: &dyn Fs,
    options: &VerifyOptions,
    sidecar: &Sidecar,
    findings: &Findings,
) -> Result<(), ReadError> {
    let at = &options.sidecar;
    let file = fs.open_read(at).map_err(|e| ReadError::in_input(at, e))?;
    kept(assert_lines(&*file, at, sidecar), findings).map(drop)
}

/// What could be read; damage becomes a finding.
fn kept<T>(read: Result<T, ReadError>, findings: &Findings) -> Result<Option<T>, ReadError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(e) if is_finding(&e) => {
            findings.add(0, e);
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn is_finding(error: &ReadError) -> bool {
    matches!(
        error.kind(),
        ReadErrorKind::Damaged | ReadErrorKind::Refused | ReadErrorKind::TooLarge
    )
}

/// The digest of what is no archive.
fn hash(
    fs: &dyn Fs,
    options: &VerifyOptions,
    stop: &AtomicBool,
) -> Result<(Digest, u64), ReadError> {
    let failed = |e| ReadError::in_input(&options.archive, e);
    let file = fs.open_read(&options.archive).map_err(failed)?;
    digest_of(&*file, &options.archive, stop)
}

/// The earlier archives of a delta are those that it names.
fn ancestors(
    layers: Option<&Layers>,
    sidecar: Option<&Sidecar>,
    findings: &Findings,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let told = sidecar.and_then(|s| s.delta.as_ref()).map_or(&[][..], |delta| &delta.layers);
    for (layer, archive) in layers.into_iter().flat_map(Layers::earlier) {
        let (found, _) = archive.digest(stop)?;
        let told = usize::try_from(layer - 1).ok().and_then(|n| told.get(n));
        if let Some(told) =
            told.filter(|told| told.digest != found && !stop.load(Ordering::Relaxed))
        {
            let what = "the digest of an archive that the delta needs is another one";
            let error = ReadError::damaged("digest-mismatch", what).at(archive.path());
            findings.add(0, error.instead(told.digest, found));
        }
    }
    Ok(())
}

fn contents(
    layers: &Layers,
    sidecar: Option<&Sidecar>,
    options: &VerifyOptions,
    findings: &Findings,
    stop: &AtomicBool,
    observer: &dyn RestoreObserver,
) -> Result<(), ReadError> {
    let index = match sidecar {
        Some(sidecar) => kept(Index::check(sidecar, layers.own(), &options.limits), findings)?,
        None => None,
    };
    let units = units(layers, index.as_ref());
    let bytes_total = layers.own().content_len();
    let watch = || {
        let n_frames = findings.n_frames.load(Ordering::Relaxed);
        let part = bytes_total.saturating_mul(n_frames) / (units.len() as u64).max(1);
        observer.progress(&Progress {
            bytes_done: part,
            bytes_total,
            entries_done: findings.n_entries.load(Ordering::Relaxed),
            entries_total: sidecar.map_or(0, |s| s.entries.len() as u64),
            bytes_out: 0,
        });
        observer.cancelled()
    };
    let start = || Checker::new(layers, index.as_ref(), findings, stop);
    let work = |checker: &mut Checker<'_>, unit: usize| {
        let (place, entries) = &units[unit];
        checker.frame(*place, entries);
        Ok(())
    };
    run_units(options.threads, units.len(), stop, start, work, &watch)?;
    // Where all came to, and of a small Pellet the only look.
    if watch() {
        return Err(ReadError::cancelled());
    }
    if let (Some(sidecar), Some(index)) = (sidecar, &index) {
        if tree(sidecar, index, findings) {
            totals(sidecar, layers.own(), findings);
        }
        trailer(layers.own(), index, findings);
    }
    Ok(())
}

/// A frame of a layer, and the entries that begin in it.
type Unit = ((u32, usize), Vec<usize>);

/// All frames of the Pellet's own archive, and those of earlier ones that it needs.
fn units(layers: &Layers, index: Option<&Index<'_>>) -> Vec<Unit> {
    let own = (0..layers.own().frames().len()).map(|frame| ((0, frame), Vec::new()));
    let mut units: BTreeMap<(u32, usize), Vec<usize>> = own.collect();
    for (i, entry) in index.into_iter().flat_map(|index| &index.sidecar.entries).enumerate() {
        // What is missing as a whole was told once.
        if layers.get(entry.layer).is_ok() {
            let frame = usize::try_from(entry.frame).unwrap_or(usize::MAX);
            units.entry((entry.layer, frame)).or_default().push(i);
        }
    }
    units.into_iter().collect()
}

/// The sums of the sidecar are those of its tables and its archive.
fn totals(sidecar: &Sidecar, archive: &Archive, findings: &Findings) {
    let told = &sidecar.totals;
    let count = |kind| sidecar.entries.iter().filter(|e| e.kind == kind).count() as u64;
    let sums = [
        ("entries", told.entries, sidecar.entries.len() as u64),
        ("files", told.files, count(EntryKind::File)),
        ("directories", told.directories, count(EntryKind::Directory)),
        ("symlinks", told.symlinks, count(EntryKind::Symlink)),
        ("hard_links", told.hard_links, count(EntryKind::Hardlink)),
        ("bytes_in", told.bytes_in, sidecar.entries.iter().filter_map(|e| e.size).sum()),
        ("bytes_tar", told.bytes_tar, archive.content_len()),
        ("bytes_out", told.bytes_out, archive.len()),
    ];
    for (name, told, found) in sums {
        if told != found {
            let what = format!("the sidecar's `{name}` is not what its entries and archive give");
            findings.add(0, ReadError::damaged("totals-mismatch", what).instead(told, found));
        }
    }
}

/// Whether the digest of the tree follows from what the sidecar says of its entries.
fn tree(sidecar: &Sidecar, index: &Index<'_>, findings: &Findings) -> bool {
    if let Err(error) = assert_tree(sidecar) {
        findings.add(0, error);
        // The directories above such an entry and the sums differ too, which explains nothing more.
        return false;
    }
    if let Some(root) = sidecar.merkle {
        directories(sidecar, root, index, findings);
    }
    true
}

/// So do the digests of its directories.
fn directories(sidecar: &Sidecar, root: Digest, index: &Index<'_>, findings: &Findings) {
    let entries = &sidecar.entries;
    let found = hash_directories(entries, |i| {
        let first = match entries[i].kind {
            EntryKind::Directory => return Some(NodeKind::Directory),
            EntryKind::Symlink => {
                let target = entries[i].target.as_ref()?.as_bytes();
                return Some(NodeKind::Symlink { target });
            }
            EntryKind::File => i,
            EntryKind::Hardlink => index.find(entries[i].target.as_ref()?.as_bytes())?,
        };
        let file = entries.get(first)?;
        Some(NodeKind::File { size: file.size?, content: file.blake3.as_ref()?, first })
    });
    let Some(found) = found else { return };
    let what = "the digest of a directory does not follow from what is in it";
    let differs = |told: Option<Digest>, found: Digest| {
        let told = told.map_or_else(|| "none".to_owned(), |told| told.to_string());
        ReadError::damaged("tree-mismatch", what).instead(told, found)
    };
    if found.root != root {
        findings.add(0, differs(Some(root), found.root));
    }
    for (i, found) in found.dirs() {
        let entry = &entries[i];
        let told = entry.merkle.as_deref().copied();
        if told != Some(found) {
            findings.add(index.start(i), differs(told, found).on(entry.path.as_bytes()));
        }
    }
}

/// Behind the last entry nothing may hide.
fn trailer(archive: &Archive, index: &Index<'_>, findings: &Findings) {
    let start = archive.content_len().saturating_sub(TRAILER as u64);
    // It need not lie in the last frame alone.
    let behind = (0..archive.frames().len()).rev().find(|f| index.frame_start(0, *f) <= start);
    let frame = behind.unwrap_or(0);
    let offset = start.saturating_sub(index.frame_start(0, frame));
    let mut end = Vec::new();
    let read = Span::at(archive, frame, offset).and_then(|mut span| {
        std::io::Read::read_to_end(&mut span, &mut end).map_err(crate::read::from_stream)
    });
    match read {
        Ok(_) if end.len() == TRAILER && end.iter().all(|b| *b == 0) => {}
        Ok(_) => {
            let what = "the tar stream does not end in its two blocks of zeros";
            findings.add(u64::MAX, ReadError::damaged("tar-after-end", what).in_frame(frame));
        }
        // The frame itself was found to be broken.
        Err(_) => {}
    }
}
