//! What can be done only when all files are there: hard links, and the modes and times of directories.

use std::num::NonZeroUsize;

use rustix::fs::{Mode, fchmod, futimens};

use super::builder::{Builder, MODE_MASK, times};
use super::dirs::Dirs;
use super::job::Job;
use super::workers;
use crate::read::ReadError;
use crate::sidecar::{EntryKind, Origin};

/// Directories that a thread takes at once: some milliseconds of work.
const BATCH: usize = 256;

/// Completes the tree of `job`; the root gets what `origin` says.
pub(super) fn finish(
    job: &Job<'_>,
    threads: NonZeroUsize,
    origin: Option<&Origin>,
) -> Result<(), ReadError> {
    let mut builder = Builder::new(job.site);
    hard_links(job, &mut builder)?;
    let directories: Vec<usize> =
        job.entries.clone().filter(|i| job.entry(*i).kind == EntryKind::Directory).collect();
    let batches: Vec<&[usize]> = directories.chunks(BATCH).collect();
    let time = |builder: &mut Builder<'_>, batch: usize| {
        for i in batches[batch] {
            job.ensure_dir(builder, *i)?;
            builder.dir_xattrs(job.path(*i)?, &job.xattrs(*i))?;
            builder.dir_time(job.path(*i)?, job.entry(*i).mtime_ns)?;
        }
        Ok(())
    };
    let start = || Ok(Builder::new(job.site));
    workers::run(threads, batches.len(), &job.stop, start, time, || false)?;
    // From the leaves to the root: a mode may close the way to what is below.
    for i in directories.into_iter().rev() {
        let mode = job.site.mode(job.entry(i).mode);
        if mode & 0o700 != 0o700 || job.site.masks(mode) {
            builder.dir_mode(job.path(i)?, mode)?;
        }
    }
    if let Some(origin) = origin {
        root(job, origin)?;
    }
    Ok(())
}

fn hard_links(job: &Job<'_>, builder: &mut Builder<'_>) -> Result<(), ReadError> {
    let mut firsts = Dirs::below(job.site.root);
    for i in job.entries.clone() {
        let entry = job.entry(i);
        let (EntryKind::Hardlink, Some(target)) = (entry.kind, &entry.target) else { continue };
        let first = job.index.find(target.as_bytes()).filter(|first| job.entries.contains(first));
        let first = first.ok_or_else(|| {
            let what = "a hard link leads out of what is brought back; ask for a larger part";
            ReadError::refused("link-target", what).on(entry.path.as_bytes())
        })?;
        builder.hard_link(&mut firsts, job.path(first)?, job.path(i)?)?;
    }
    Ok(())
}

fn root(job: &Job<'_>, origin: &Origin) -> Result<(), ReadError> {
    job.site.admit(b".")?;
    let failed = |e| ReadError::in_output(std::path::Path::new("."), e);
    let mode = Mode::from_raw_mode(job.site.mode(origin.mode) & MODE_MASK);
    futimens(job.site.root, &times(origin.mtime_ns)).map_err(failed)?;
    fchmod(job.site.root, mode).map_err(failed)
}
