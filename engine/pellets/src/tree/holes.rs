//! Finds the long runs of zeros in a file.
//!
//! What counts is the content, not where the file system happens to have a hole: so the same file
//! gives the same archive wherever it lies. A hole is a longest run of zero blocks of 4 KiB (the last
//! block of a file may be shorter) of at least 1 MiB.
//!
//! # Invariants
//! 1. Only a sample is read of a file without holes: a run of 1 MiB holds one of the samples that
//!    are taken every 512 KiB.
//! 2. Segments of data begin and end at multiples of 4 KiB, but for the end of the file.

use std::os::fd::BorrowedFd;

use rustix::fs::{SeekFrom, seek};
use rustix::io::{Errno, Result, pread};

use super::entry::{Segment, Sparse};

/// The shortest hole, and so the smallest file to be looked at.
pub(super) const MIN_HOLE: u64 = 1 << 20;

const BLOCK: u64 = 4096;
const STEP: u64 = MIN_HOLE / 2;

/// Bytes read at once while a run is followed.
const CHUNK: u64 = 64 << 10;

/// Looks for holes; keeps its buffer from file to file.
pub(super) struct Holes {
    buffer: Vec<u8>,
}

impl Holes {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; usize::try_from(CHUNK).unwrap_or(1 << 16)] }
    }

    /// Where the data of a file of `size` bytes is; none where it has no holes. `stop` is asked
    /// now and then, and ends the search as if there were no more.
    pub(super) fn of(
        &mut self,
        file: BorrowedFd<'_>,
        size: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Sparse>> {
        let mut data = Vec::new();
        // Up to here everything is in `data` or a hole.
        let mut done = 0;
        let mut at = 0;
        let mut found = false;
        while at < size && !stop() {
            if !self.is_zero(file, at, BLOCK.min(size - at))? {
                at += STEP;
                continue;
            }
            let start = self.start_of_run(file, done, at)?;
            let end = self.end_of_run(file, at, size, stop)?;
            if end - start >= MIN_HOLE {
                if start > done {
                    data.push(Segment { offset: done, len: start - done });
                }
                done = end;
                found = true;
            }
            // The run is over; the next multiple of the step behind it is the next sample.
            at = end.max(at + 1).next_multiple_of(STEP);
        }
        if done < size {
            data.push(Segment { offset: done, len: size - done });
        }
        Ok(found.then(|| Sparse::of(data)))
    }

    /// The first block of the run that holds the block at `at`; not before `floor`.
    fn start_of_run(&mut self, file: BorrowedFd<'_>, floor: u64, at: u64) -> Result<u64> {
        let mut start = at;
        while start > floor {
            // The sample before was not zero or its run was looked at: this ends within a step.
            let block = start - BLOCK.min(start - floor);
            if !self.is_zero(file, block, start - block)? {
                break;
            }
            start = block;
        }
        Ok(start)
    }

    /// The end of the run that holds the block at `at`.
    fn end_of_run(
        &mut self,
        file: BorrowedFd<'_>,
        at: u64,
        size: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64> {
        let mut end = at;
        while end < size && !stop() {
            // Where the file system has a hole there is nothing to read.
            let data = match seek(file, SeekFrom::Data(end)) {
                Ok(data) => data,
                Err(Errno::NXIO) => size,
                Err(_) => end,
            };
            if data >= size {
                return Ok(size);
            }
            end = end.max(data / BLOCK * BLOCK);
            let len = CHUNK.min(size - end);
            let n_zero = self.n_zero(file, end, len)?;
            if n_zero < len {
                return Ok(end + n_zero / BLOCK * BLOCK);
            }
            end += len;
        }
        Ok(end)
    }

    fn is_zero(&mut self, file: BorrowedFd<'_>, offset: u64, len: u64) -> Result<bool> {
        Ok(self.n_zero(file, offset, len)? == len)
    }

    /// How many of the `len` bytes from `offset` are zero before the first that is not; a file that
    /// shrank has no more zeros, and reading it for good tells.
    fn n_zero(&mut self, file: BorrowedFd<'_>, offset: u64, len: u64) -> Result<u64> {
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(self.buffer.len());
        let mut n_zero = 0;
        while n_zero < len {
            let n = match pread(file, &mut self.buffer[n_zero..len], offset + n_zero as u64) {
                Ok(0) => break,
                Ok(n) => n,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            let read = &self.buffer[n_zero..n_zero + n];
            let zeros = n_zeros(read);
            n_zero += zeros;
            if zeros < n {
                break;
            }
        }
        Ok(n_zero as u64)
    }
}

/// The zeros at the start of `bytes`; compares sixteen at a time.
fn n_zeros(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<16>();
    let n = words.iter().take_while(|word| u128::from_ne_bytes(**word) == 0).count() * 16;
    n + bytes[n..].iter().take_while(|b| **b == 0).count()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use proptest::prelude::*;

    use super::*;

    /// Runs of zeros or of data, by content alone.
    fn expected(content: &[u8]) -> Vec<(u64, u64)> {
        let blocks: Vec<&[u8]> = content.chunks(4096).collect();
        let mut data: Vec<(u64, u64)> = Vec::new();
        let mut push = |offset: usize, len: usize| match data.last_mut() {
            Some(last) if last.0 + last.1 == offset as u64 => last.1 += len as u64,
            _ => data.push((offset as u64, len as u64)),
        };
        let mut at = 0;
        for run in blocks.chunk_by(|a, b| is_zero(a) == is_zero(b)) {
            let len = run.iter().map(|b| b.len()).sum();
            if !(is_zero(run[0]) && len >= 1 << 20) {
                push(at, len);
            }
            at += len;
        }
        data
    }

    fn is_zero(block: &[u8]) -> bool {
        block.iter().all(|b| *b == 0)
    }

    fn found(content: &[u8]) -> Vec<(u64, u64)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let size = content.len() as u64;
        match Holes::new().of(file.as_fd(), size, &|| false).unwrap() {
            Some(sparse) => sparse.data.iter().map(|s| (s.offset, s.len)).collect(),
            None if size == 0 => Vec::new(),
            None => vec![(0, size)],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_long_run_of_zeros_is_found_and_no_other(
            runs in prop::collection::vec(
                (any::<bool>(), prop_oneof![1usize..10_000, 1_040_000usize..1_060_000, 500_000usize..1_600_000]),
                0..5,
            ),
        ) {
            let content: Vec<u8> = runs
                .iter()
                .flat_map(|(zero, len)| std::iter::repeat_n(u8::from(!zero), *len))
                .collect();
            prop_assert_eq!(found(&content), expected(&content));
        }
    }

    #[test]
    fn a_hole_on_disk_and_written_zeros_are_the_same() {
        let sparse = tempfile::tempfile().unwrap();
        sparse.set_len(5 << 20).unwrap();
        let holes = Holes::new().of(sparse.as_fd(), 5 << 20, &|| false).unwrap();
        assert_eq!(holes, Some(Sparse::of(Vec::new())));
        assert_eq!(found(&vec![0; 5 << 20]), []);
        assert_eq!(found(&vec![0; (1 << 20) - 1]), [(0, (1 << 20) - 1)]);
    }
}
