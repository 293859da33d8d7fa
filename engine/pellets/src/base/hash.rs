//! Hashes files of a tree that may be those of an earlier Pellet.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::archive::read_checked;
use crate::cpu::Meter;
use crate::digest::Digest;
use crate::error::PackError;
use crate::observer::PackObserver;
use crate::read::{Stopped, hash_zeros};
use crate::tree::{Dirs, Entry, Segment, Tree};

/// Bytes that are read at once.
const CHUNK: u64 = 1 << 20;

/// Time between two looks at the observer.
const TICK: Duration = Duration::from_millis(50);

/// Stops the threads however the caller ends.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The digests of the regular files at these positions, in any order.
pub(crate) fn hash_files(
    tree: &Tree,
    files: &[usize],
    threads: NonZeroUsize,
    observer: &dyn PackObserver,
) -> Result<Vec<(usize, Digest)>, PackError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        for _ in 0..threads.get().min(files.len()) {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            let cpu = Meter::current();
            scope.spawn(move || {
                let _counted = cpu.run();
                let mut dirs = Dirs::below(tree.root.as_fd());
                let mut buffer = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let digest = hash(&mut dirs, &tree.entries[*file], &mut buffer, stop);
                    if sender.send(digest.map(|digest| (*file, digest))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut digests = Vec::with_capacity(files.len());
        loop {
            if observer.cancelled() {
                return Err(PackError::cancelled());
            }
            match results.recv_timeout(TICK) {
                Ok(digest) => digests.push(digest?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) if digests.len() < files.len() => {
                    return Err(PackError::internal("a hashing thread ended too early"));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(digests),
            }
        }
    })
}

fn hash(
    dirs: &mut Dirs<'_>,
    entry: &Entry,
    buffer: &mut Vec<u8>,
    stop: &AtomicBool,
) -> Result<Digest, PackError> {
    let whole = [Segment { offset: 0, len: entry.size() }];
    let segments = entry.sparse().map_or(&whole[..], |sparse| &sparse.data);
    let mut hasher = blake3::Hasher::new();
    let (mut stored, mut end) = (0, 0);
    let stopped = || stop.load(Ordering::Relaxed);
    let cancelled = |Stopped| PackError::cancelled();
    for segment in segments {
        hash_zeros(&mut hasher, segment.offset - end, stopped).map_err(cancelled)?;
        end = segment.offset + segment.len;
        let last = stored + segment.len;
        while stored < last {
            if stopped() {
                return Err(PackError::cancelled());
            }
            let len = (last - stored).min(CHUNK);
            buffer.resize(usize::try_from(len).unwrap_or(0), 0);
            read_checked(dirs, entry, stored, buffer, None)?;
            hasher.update(buffer);
            stored += len;
        }
    }
    hash_zeros(&mut hasher, entry.size() - end, stopped).map_err(cancelled)?;
    Ok(hasher.finalize().into())
}
