//! What can be done only when all files are there: hard links, and the modes and times of directories.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use rustix::fs::{Mode, fchmod, futimens};

use super::builder::{Builder, MODE_MASK, times};
use super::dirs::Dirs;
use super::job::Job;
use super::{one, workers};
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
    workers::run(threads, batches.len(), &job.site.stop, start, time, || false)?;
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
    // Of a file whose first name lies outside of the part, the name that has its content here.
    let mut instead: HashMap<usize, usize> = HashMap::new();
    for i in job.entries.clone() {
        let entry = job.entry(i);
        let (EntryKind::Hardlink, Some(target)) = (entry.kind, &entry.target) else { continue };
        let first = job.index.find(target.as_bytes()).ok_or_else(|| {
            let what = "a hard link does not lead to an earlier file of the archive";
            ReadError::refused("link-target", what).on(entry.path.as_bytes())
        })?;
        let here =
            if job.entries.contains(&first) { Some(first) } else { instead.get(&first).copied() };
        if let Some(here) = here {
            builder.hard_link(&mut firsts, job.path(here)?, job.path(i)?)?;
            continue;
        }
        if let Some(dir) = job.index.parent(i).filter(|dir| job.entries.contains(dir)) {
            job.ensure_dir(builder, dir)?;
        }
        one::bring(job.layers, job.limits, builder, job.entry(first), job.path(i)?)
            .map_err(|e| e.on(entry.path.as_bytes()))?;
        instead.insert(first, i);
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
