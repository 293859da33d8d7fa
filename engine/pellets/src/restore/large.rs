//! A file whose pieces are written by whichever thread has decoded them.
//!
//! Whoever has the first piece creates the file, and whoever brings the last one compares the digest of all
//! and gives the file its mode and time.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::builder::{Builder, FileSpec, check_digest, failed};
use super::job::Job;
use crate::read::{ReadError, SafePath, Xattr};
use crate::sidecar::SidecarEntry;
use crate::subtrees::{Piece, Subtrees};

/// A large file under way.
#[derive(Debug)]
pub(super) struct Large<'a> {
    entry: &'a SidecarEntry,
    /// Where its content stands in the tar stream.
    pub(super) content: Range<u64>,
    xattrs: Vec<Xattr>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Option<Arc<File>>,
    subtrees: Subtrees,
    /// Bytes that are still to come.
    left: u64,
}

impl<'a> Large<'a> {
    /// The file at `i`.
    pub(super) fn new(job: &Job<'a>, i: usize) -> Self {
        let content = job.content(i);
        let left = content.end - content.start;
        let state = State { file: None, subtrees: Subtrees::default(), left };
        Self { entry: job.entry(i), content, xattrs: job.xattrs(i), state: Mutex::new(state) }
    }

    /// Writes `bytes`, which stand at `offset` of the file at `path`; true where they were the last ones.
    pub(super) fn write(
        &self,
        builder: &mut Builder<'_>,
        path: SafePath<'a>,
        bytes: &[u8],
        offset: u64,
    ) -> Result<bool, ReadError> {
        let size = self.content.end - self.content.start;
        let spec = FileSpec {
            path,
            mode: self.entry.mode,
            mtime_ns: self.entry.mtime_ns,
            size,
            extents: None,
            xattrs: &self.xattrs,
            expected: self.entry.blake3,
        };
        let file = self.file(builder, &spec)?;
        builder.site().admit(path.as_bytes())?;
        file.write_all_at(bytes, offset).map_err(|e| failed(path, e))?;
        let piece = Piece::of(bytes, offset, size);
        let mut state = self.lock();
        state.subtrees.add(piece);
        state.left = state.left.saturating_sub(bytes.len() as u64);
        if state.left > 0 {
            return Ok(false);
        }
        let (found, _) = (state.subtrees.digest(size), state.file.take());
        drop(state);
        let found = found.ok_or_else(|| {
            ReadError::damaged("entry-mismatch", "a piece of a file came twice").on(path.as_bytes())
        })?;
        check_digest(&spec, || found)?;
        builder.describe(&file, &spec)?;
        Ok(true)
    }

    fn file(&self, builder: &mut Builder<'_>, spec: &FileSpec<'_>) -> Result<Arc<File>, ReadError> {
        let mut state = self.lock();
        if let Some(file) = &state.file {
            return Ok(Arc::clone(file));
        }
        builder.site().admit(spec.path.as_bytes())?;
        let file = Arc::new(builder.create(spec)?);
        state.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
