//! Puts the frames of an archive in order into a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use durable_fs::File;

use super::delta_frame::DeltaFrame;
use super::frame::Packed;
use super::job::Job;
use super::seek_table::{SeekTable, SeekTableFrame};
use super::turns::Turns;
use super::workers::work;
use crate::cpu::Meter;
use crate::digest::Digest;
use crate::error::PackError;
use crate::observer::{Milestone, PackObserver, Progress};
use crate::tree::tree_digest;

/// How long the writer waits for a frame before it looks at its observer.
const TICK: Duration = Duration::from_millis(100);

/// A written archive; not yet durable.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) digest: Digest,
    pub(crate) len: u64,
    pub(crate) seek_table: SeekTable,
    /// The digest of each regular file, by entry.
    pub(crate) contents: Vec<Option<Digest>>,
}

struct Writer<'a> {
    job: &'a Job<'a>,
    turns: &'a Turns,
    observer: &'a dyn PackObserver,
    file: &'a mut dyn File,
    path: &'a Path,
    hasher: blake3::Hasher,
    len: u64,
    seek_table: SeekTable,
    contents: Vec<Option<Digest>>,
}

/// Stops the workers however the writer ends.
struct StopOnDrop<'a>(&'a Turns);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Writes the archive of `job` to `file`, which bears the name `path`; `contents` are the digests that are known, by
/// entry, and empty where there are none.
pub(crate) fn write_archive(
    job: &Job<'_>,
    mut contents: Vec<Option<Digest>>,
    file: &mut dyn File,
    path: &Path,
    observer: &dyn PackObserver,
) -> Result<Written, PackError> {
    let n_threads = job.threads.get().min(job.plan.frames.len());
    let turns = Turns::new(job.plan.frames.len(), n_threads);
    contents.resize(job.tree.entries.len(), None);
    let mut writer = Writer {
        job,
        turns: &turns,
        observer,
        file,
        path,
        hasher: blake3::Hasher::new(),
        len: 0,
        seek_table: SeekTable::default(),
        contents,
    };
    thread::scope(|scope| {
        let stop = StopOnDrop(&turns);
        let (sender, results) = mpsc::channel();
        let mut workers = Vec::with_capacity(n_threads);
        for n in 0..n_threads {
            let (sender, turns, cpu) = (sender.clone(), &turns, Meter::current());
            let worker = thread::Builder::new()
                .name(format!("pellet-pack-{n}"))
                .spawn_scoped(scope, move || {
                    let _counted = cpu.run();
                    work(job, turns, &sender);
                })
                .map_err(|_| PackError::internal("no thread could be started"))?;
            workers.push(worker);
        }
        drop(sender);
        let result = writer.take_frames(&results);
        drop(stop);
        // Joined by hand, since the scope would hand a panic on to a caller that wants an error.
        let n_panicked = workers.into_iter().map(|w| w.join()).filter(Result::is_err).count();
        if n_panicked > 0 {
            return Err(PackError::internal("a packing thread panicked"));
        }
        result
    })?;
    writer.finish()
}

impl Writer<'_> {
    fn take_frames(
        &mut self,
        results: &Receiver<Result<Packed, PackError>>,
    ) -> Result<(), PackError> {
        let n_frames = self.job.plan.frames.len();
        let mut early = BTreeMap::new();
        let mut next = 0;
        while next < n_frames {
            match results.recv_timeout(TICK) {
                Ok(frame) => {
                    let frame = frame?;
                    early.insert(frame.index, frame);
                }
                Err(RecvTimeoutError::Timeout) => self.report(),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PackError::internal("the packing threads ended too early"));
                }
            }
            if self.observer.cancelled() {
                return Err(PackError::cancelled());
            }
            while let Some(frame) = early.remove(&next) {
                self.put(frame)?;
                self.report();
                self.observer
                    .milestone(Milestone::FrameWritten { index: next, n_planned: n_frames });
                next += 1;
            }
        }
        Ok(())
    }

    fn put(&mut self, frame: Packed) -> Result<(), PackError> {
        let size = |n: u64| {
            u32::try_from(n).map_err(|_| PackError::internal("a frame exceeds the seek table"))
        };
        self.append(&frame.bytes)?;
        self.seek_table.frames.push(SeekTableFrame {
            compressed: size(frame.bytes.len() as u64)?,
            content: size(frame.content_len)?,
        });
        for (entry, digest) in frame.digests {
            self.contents[entry] = Some(digest);
        }
        self.turns.frame_written(frame.bytes);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.file.write_all(bytes).map_err(|e| PackError::in_output(self.path, e))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn report(&self) {
        self.observer.progress(&Progress {
            bytes_done: self.turns.bytes_done.load(Ordering::Relaxed),
            bytes_total: self.job.tree.bytes,
            entries_done: self.turns.entries_done.load(Ordering::Relaxed),
            entries_total: self.job.tree.entries.len() as u64,
            bytes_out: self.len,
        });
    }

    fn finish(mut self) -> Result<Written, PackError> {
        if let Some((base, layers)) = self.job.delta {
            let tree = tree_digest(&self.job.tree.entries, &self.contents)
                .ok_or_else(|| PackError::internal("a file was packed without its digest"))?;
            let frame = DeltaFrame { tree, base, layers: layers.to_vec() };
            self.append(&frame.encode())?;
        }
        let table = self.seek_table.encode();
        self.append(&table)?;
        Ok(Written {
            digest: self.hasher.finalize().into(),
            len: self.len,
            seek_table: self.seek_table,
            contents: self.contents,
        })
    }
}
