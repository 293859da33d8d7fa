//! Fills one frame of the tar stream from the tree and compresses it.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::{Errno, pread};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{self, CParameter};

use super::header::encode;
use super::job::Job;
use super::plan::{Frame, Place, target_of};
use super::turns::Turns;
use crate::digest::Digest;
use crate::error::{ErrorKind, PackError};
use crate::pages::Pages;
use crate::profile::Parameters;
use crate::read::Archive;
use crate::sidecar::SidecarFrame;
use crate::tree::{Dirs, Entry, Kind, Sparse, Stamp, has_attributes};

/// A compressed frame and the digests of the files that end in it.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) index: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_len: u64,
    pub(crate) digests: Vec<(usize, Digest)>,
}

/// What one worker keeps from frame to frame.
pub(crate) struct Packer<'a> {
    job: &'a Job<'a>,
    turns: &'a Turns,
    dirs: Dirs<'a>,
    compressor: Compressor<'static>,
    /// As long as the longest frame; begins with the bytes of the one at hand.
    content: Pages,
    header: Vec<u8>,
    digests: Vec<(usize, Digest)>,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(job: &'a Job<'a>, turns: &'a Turns) -> Result<Self, PackError> {
        let longest = job.plan.frames.iter().map(|frame| frame.end - frame.start).max();
        let content = usize::try_from(longest.unwrap_or(0)).ok().map(Pages::zeroed);
        let Some(Ok(content)) = content else {
            return Err(PackError::internal("there is no memory for a frame"));
        };
        Ok(Self {
            job,
            turns,
            dirs: Dirs::below(job.tree.root.as_fd()),
            compressor: compressor(job.parameters)
                .map_err(|_| PackError::internal("zstd refused its parameters"))?,
            content,
            header: Vec::new(),
            digests: Vec::new(),
        })
    }

    /// Reads, hashes and compresses the frame at `index`; `bytes` is a used buffer to fill.
    pub(crate) fn pack(&mut self, index: usize, mut bytes: Vec<u8>) -> Result<Packed, PackError> {
        let frame = self.job.plan.frames[index];
        let content_len = frame.end - frame.start;
        if let Some((archive, earlier)) = self.job.reused(index) {
            self.copy(archive, earlier, &mut bytes)?;
            self.count_done(frame);
            return Ok(Packed { index, bytes, content_len, digests: Vec::new() });
        }
        let len = usize::try_from(content_len)
            .map_err(|_| PackError::internal("a frame exceeds the address space"))?;
        // What an earlier frame left is overwritten byte for byte, padding and trailer included.
        let places = self.job.plan.places.iter().enumerate().skip(frame.first);
        let mut end = frame.start;
        for (entry, place) in places.take_while(|(_, place)| place.offset < frame.end) {
            self.fill(entry, *place, frame)?;
            zero(&mut self.content, frame, place.content_start() + place.content_len..place.end());
            end = end.max(place.end());
        }
        zero(&mut self.content, frame, end..frame.end);
        bytes.clear();
        bytes.reserve(zstd_safe::compress_bound(len));
        self.compressor
            .compress_to_buffer(&self.content[..len], &mut bytes)
            .map_err(|_| PackError::internal("zstd failed to compress a frame"))?;
        Ok(Packed { index, bytes, content_len, digests: std::mem::take(&mut self.digests) })
    }

    /// Reads a frame of an earlier archive as it is.
    fn copy(
        &self,
        archive: &Archive,
        frame: SidecarFrame,
        bytes: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        if self.turns.stopped() {
            return Err(PackError::cancelled());
        }
        bytes.resize(frame.compressed as usize, 0);
        let failed = |what| PackError::new(ErrorKind::Internal, what, Some(archive.path().into()));
        match archive.read_at(bytes, frame.offset) {
            Ok(n) if n == bytes.len() => Ok(()),
            Ok(_) => Err(failed("the base pellet became shorter while it was read")),
            Err(_) => Err(failed("reading the base pellet failed")),
        }
    }

    /// Counts what a copied frame holds as done.
    fn count_done(&self, frame: Frame) {
        let places = self.job.plan.places.iter().skip(frame.first);
        for place in places.take_while(|place| place.offset < frame.end) {
            let start = place.content_start().max(frame.start);
            let end = (place.content_start() + place.content_len).min(frame.end);
            self.turns.bytes_done.fetch_add(end.saturating_sub(start), Ordering::Relaxed);
            if !place.is_elsewhere() && place.end() <= frame.end {
                self.turns.entries_done.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn fill(&mut self, index: usize, place: Place, frame: Frame) -> Result<(), PackError> {
        if self.turns.stopped() {
            return Err(PackError::cancelled());
        }
        if place.is_elsewhere() {
            return Ok(());
        }
        let entries = &self.job.tree.entries;
        let entry = &entries[index];
        if place.content_start() > frame.start {
            self.header.clear();
            encode(entry, target_of(entry, entries), self.job.parameters.mtime, &mut self.header);
            copy_overlap(&mut self.content, frame.start, &self.header, place.offset);
        }
        if matches!(entry.kind, Kind::File { .. }) {
            self.fill_content(index, entry, place, frame)?;
        }
        if place.end() <= frame.end {
            self.turns.entries_done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn fill_content(
        &mut self,
        index: usize,
        entry: &Entry,
        place: Place,
        frame: Frame,
    ) -> Result<(), PackError> {
        let start = place.content_start().max(frame.start);
        let end = (place.content_start() + place.content_len).min(frame.end);
        let empty = place.content_len == 0 && place.content_start() <= frame.end;
        if start >= end && !empty {
            return Ok(());
        }
        if entry.settled {
            self.digests.push((index, Digest::of(b"")));
            return Ok(());
        }
        let at = |offset: u64| usize::try_from(offset.saturating_sub(frame.start)).unwrap_or(0);
        let content = &mut self.content[at(start.min(end))..at(end)];
        let offset = start.min(end) - place.content_start();
        let asked = if offset == 0 { self.job.unasked } else { None };
        read_checked(&mut self.dirs, entry, offset, content, asked)?;
        let (turns, len) = (self.turns, content.len() as u64);
        if len > 0 {
            turns.bytes_done.fetch_add(len, Ordering::Relaxed);
        }
        if self.job.known.get(index) == Some(&true) {
            return Ok(());
        }
        if len == place.content_len && entry.sparse().is_none() {
            self.digests.push((index, Digest::of(content)));
            return Ok(());
        }
        let feed = |hasher: &mut _| match entry.sparse() {
            Some(sparse) => feed_sparse(hasher, turns, sparse, entry.size(), offset, content),
            None => {
                hasher.update(content);
                Ok(())
            }
        };
        if let Some(digest) = turns.hash_piece(index, offset, len, place, feed)? {
            self.digests.push((index, digest));
        }
        Ok(())
    }
}

/// Hashes the stored bytes `piece` of a file of `size` bytes and the holes before each segment that
/// begins in them; behind the last stored byte also the hole at the end.
fn feed_sparse(
    hasher: &mut blake3::Hasher,
    turns: &Turns,
    sparse: &Sparse,
    size: u64,
    offset: u64,
    piece: &[u8],
) -> Result<(), PackError> {
    let end = offset + piece.len() as u64;
    let (mut stored, mut done) = (0, 0);
    for segment in &sparse.data {
        let from = offset.clamp(stored, stored + segment.len);
        let to = end.clamp(stored, stored + segment.len);
        if from < to {
            if from == stored {
                feed_zeros(hasher, turns, segment.offset - done)?;
            }
            let at = |n: u64| usize::try_from(n - offset).unwrap_or(usize::MAX);
            hasher.update(&piece[at(from)..at(to)]);
        }
        stored += segment.len;
        done = segment.offset + segment.len;
    }
    if end == sparse.stored { feed_zeros(hasher, turns, size - done) } else { Ok(()) }
}

fn feed_zeros(hasher: &mut blake3::Hasher, turns: &Turns, n: u64) -> Result<(), PackError> {
    static ZEROS: [u8; 1 << 18] = [0; 1 << 18];
    let mut left = n;
    while left > 0 {
        if turns.stopped() {
            return Err(PackError::cancelled());
        }
        let zeros = &ZEROS[..usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len())];
        hasher.update(zeros);
        left -= zeros.len() as u64;
        turns.bytes_done.fetch_add(zeros.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Zeroes the part of `range`, a range of the stream, that falls into the frame.
fn zero(content: &mut [u8], frame: Frame, range: Range<u64>) {
    let at = |n: u64| usize::try_from(n.saturating_sub(frame.start)).unwrap_or(usize::MAX);
    if let Some(padding) = content.get_mut(at(range.start)..at(range.end.min(frame.end))) {
        padding.fill(0);
    }
}

/// Copies the part of `bytes`, which stand at `offset` of the stream, that falls into the frame.
fn copy_overlap(frame: &mut [u8], frame_start: u64, bytes: &[u8], offset: u64) {
    let skip = usize::try_from(frame_start.saturating_sub(offset)).unwrap_or(usize::MAX);
    let at = usize::try_from(offset.saturating_sub(frame_start)).unwrap_or(usize::MAX);
    if let (Some(from), Some(to)) = (bytes.get(skip..), frame.get_mut(at..)) {
        let n = from.len().min(to.len());
        to[..n].copy_from_slice(&from[..n]);
    }
}

/// Reads `content.len()` stored bytes of a file from `offset`, and makes sure that the file is still the
/// one that was walked: the check after the read covers everything since. Where the walk did not ask for
/// attributes, `unasked` is set and nothing read if the file has some.
pub(crate) fn read_checked(
    dirs: &mut Dirs<'_>,
    entry: &Entry,
    offset: u64,
    content: &mut [u8],
    unasked: Option<&AtomicBool>,
) -> Result<(), PackError> {
    let failed = |errno| PackError::in_tree(entry.display_path(), errno);
    let changed = || {
        let what = "a file changed while it was packed";
        PackError::new(ErrorKind::PathChanged, what, Some(entry.display_path()))
    };
    let (dir, name) = entry.split();
    // Without NONBLOCK a pipe that took the place of the file would block the open for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file =
        openat(dirs.open(dir).map_err(failed)?, name, flags, Mode::empty()).map_err(failed)?;
    let check = || {
        let now = Stamp::from(&fstat(&file).map_err(failed)?);
        if now == entry.stamp { Ok(()) } else { Err(changed()) }
    };
    if let Some(unasked) = unasked
        && has_attributes(file.as_fd()).map_err(failed)?
    {
        // Who gives a file attributes while it is packed changes it.
        check()?;
        unasked.store(true, Ordering::Relaxed);
        return Err(PackError::internal("a file has attributes that were not asked for"));
    }
    let mut rest = content;
    for segment in entry.segments(offset, rest.len() as u64) {
        let len = usize::try_from(segment.len).unwrap_or(usize::MAX);
        let (part, behind) = rest.split_at_mut_checked(len).ok_or_else(changed)?;
        rest = behind;
        let mut filled = 0;
        while filled < part.len() {
            match pread(&file, &mut part[filled..], segment.offset + filled as u64) {
                Ok(0) => return Err(changed()),
                Ok(n) => filled += n,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
    check()
}

fn compressor(parameters: &Parameters) -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(parameters.level)?;
    for parameter in [
        CParameter::WindowLog(parameters.window_log),
        CParameter::EnableLongDistanceMatching(parameters.long_distance_matching),
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ] {
        compressor.set_parameter(parameter)?;
    }
    if let Some(min_match) = parameters.long_distance_min_match {
        compressor.set_parameter(CParameter::LdmMinMatch(min_match))?;
    }
    if let Some(rate) = parameters.long_distance_hash_rate_log {
        compressor.set_parameter(CParameter::LdmHashRateLog(rate))?;
    }
    let tables = [
        parameters.long_distance_bucket_log.map(CParameter::LdmBucketSizeLog),
        parameters.hash_log.map(CParameter::HashLog),
        parameters.chain_log.map(CParameter::ChainLog),
        parameters.min_match.map(CParameter::MinMatch),
    ];
    for table in tables.into_iter().flatten() {
        compressor.set_parameter(table)?;
    }
    Ok(compressor)
}
