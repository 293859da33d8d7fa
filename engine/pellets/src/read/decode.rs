//! Frames, each decoded from its beginning as far as somebody reads.
//!
//! # Invariants
//! 1. zstd writes each byte where it stays until the next frame: there is no window beside what was decoded,
//!    and no copy of it but what a reader takes.
//! 2. What is decoded ahead of who reads is less than one block of zstd, 128 KiB.

use std::io::{self, Read};
use std::ops::Range;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::archive::Archive;
use super::error::{ReadError, ReadErrorKind, into_stream};
use crate::pages::Pages;
use crate::sidecar::SidecarFrame;

/// Bytes of the archive read at once; at least a block and two heads, so that zstd takes each block from here.
const CHUNK: usize = 256 << 10;
/// Bytes that zstd wants first: a magic number and how long the frame's head is.
const BEGINNING: usize = 5;

/// What decodes one frame after the other, into the same place.
pub(crate) struct FrameDecoder<'a> {
    decoder: DCtx<'static>,
    /// At least as long as the frame.
    content: Pages,
    input: Vec<u8>,
    archive: &'a Archive,
    index: usize,
    frame: SidecarFrame,
    n_decoded: usize,
    n_taken: usize,
    /// Compressed bytes that were read.
    n_read: u64,
    /// What of them is at hand.
    at_hand: Range<usize>,
    /// How many zstd asks for.
    wanted: usize,
    /// Whether zstd has seen the end of the frame, checksum included.
    ended: bool,
}

impl<'a> FrameDecoder<'a> {
    /// A decoder of the frames of `archive` and others; no frame has begun.
    pub(crate) fn new(archive: &'a Archive) -> Result<Self, ReadError> {
        Self::with(archive, true)
    }

    /// One for who compares what it takes with digests of its own: zstd's checksums take a twentieth of the time.
    pub(crate) fn without_checksums(archive: &'a Archive) -> Result<Self, ReadError> {
        Self::with(archive, false)
    }

    fn with(archive: &'a Archive, checksums: bool) -> Result<Self, ReadError> {
        let mut decoder = DCtx::try_create().ok_or_else(|| internal("zstd does not start"))?;
        let window = DParameter::WindowLogMax(archive.window_log_max());
        let checksums = DParameter::ForceIgnoreChecksum(!checksums);
        for parameter in [window, checksums, DParameter::StableOutBuffer(true)] {
            decoder.set_parameter(parameter).map_err(|_| internal("zstd refused a parameter"))?;
        }
        Ok(Self {
            decoder,
            content: no_memory(Pages::zeroed(0))?,
            input: vec![0; CHUNK],
            archive,
            index: 0,
            frame: SidecarFrame { offset: 0, compressed: 0, content: 0 },
            n_decoded: 0,
            n_taken: 0,
            n_read: 0,
            at_hand: 0..0,
            wanted: BEGINNING,
            ended: false,
        })
    }

    /// Begins the frame at `index` of `archive`.
    pub(crate) fn begin(&mut self, archive: &'a Archive, index: usize) -> Result<(), ReadError> {
        let frame = archive.frame(index)?;
        let failed = |_| internal("zstd does not start");
        self.decoder.reset(ResetDirective::SessionOnly).map_err(failed)?;
        if self.content.len() < frame.content as usize {
            self.content = no_memory(Pages::zeroed(frame.content as usize))?;
        }
        (self.archive, self.index, self.frame) = (archive, index, frame);
        (self.n_decoded, self.n_taken, self.n_read) = (0, 0, 0);
        (self.at_hand, self.wanted, self.ended) = (0..0, BEGINNING, false);
        Ok(())
    }

    /// Decodes all of the frame at `index` of `archive`, and makes sure that it ends there.
    pub(crate) fn whole(&mut self, archive: &'a Archive, index: usize) -> Result<(), ReadError> {
        self.begin(archive, index)?;
        self.finish()
    }

    /// What is decoded of the frame.
    pub(crate) fn decoded(&self) -> &[u8] {
        &self.content[..self.n_decoded]
    }

    /// The next `n` bytes.
    pub(crate) fn next_bytes(&mut self, n: usize) -> Result<&[u8], ReadError> {
        let (from, to) = (self.n_taken, self.n_taken.saturating_add(n));
        if to > self.len() {
            return Err(self.damaged("an entry ends behind the end of its frame"));
        }
        self.decode(to)?;
        self.n_taken = to;
        Ok(&self.content[from..to])
    }

    /// Passes over the next `n` bytes.
    pub(crate) fn skip(&mut self, n: u64) -> Result<(), ReadError> {
        let to = usize::try_from(n).ok().and_then(|n| self.n_taken.checked_add(n));
        let to = to.filter(|to| *to <= self.len()).ok_or_else(|| {
            let what = "an entry begins behind the end of its frame";
            ReadError::damaged("entry-mismatch", what).in_frame(self.index)
        })?;
        self.decode(to)?;
        self.n_taken = to;
        Ok(())
    }

    /// Decodes what is left, and makes sure that the frame ends there.
    pub(crate) fn finish(&mut self) -> Result<(), ReadError> {
        self.decode(self.len())?;
        while !self.ended {
            if !self.step()? {
                return Err(self.damaged("the archive ends inside a frame"));
            }
        }
        if self.at_hand.is_empty() && self.n_read == u64::from(self.frame.compressed) {
            Ok(())
        } else {
            Err(self.damaged("a frame holds more than it should"))
        }
    }

    fn len(&self) -> usize {
        self.frame.content as usize
    }

    /// Decodes until there are `n` bytes.
    fn decode(&mut self, n: usize) -> Result<(), ReadError> {
        while self.n_decoded < n {
            // A second frame in the place of one would begin anew, over what stands there.
            if self.ended || !self.step()? {
                return Err(self.damaged("a frame holds less than it should"));
            }
        }
        Ok(())
    }

    /// Decodes a block or less; whether anything moved.
    fn step(&mut self) -> Result<bool, ReadError> {
        if self.at_hand.len() < self.wanted {
            self.fetch()?;
        }
        // No more than it asks for: it would go on with the blocks behind.
        let end = self.at_hand.end.min(self.at_hand.start + self.wanted);
        let mut input = InBuffer::around(&self.input[self.at_hand.start..end]);
        let len = self.len();
        let mut output = OutBuffer::around_pos(&mut self.content[..len], self.n_decoded);
        let done = self.decoder.decompress_stream(&mut output, &mut input);
        let (n_used, n_decoded) = (input.pos(), output.pos());
        let hint = done.map_err(|code| {
            self.damaged(&format!("a frame cannot be decompressed: {}", get_error_name(code)))
        })?;
        let moved = n_used > 0 || n_decoded > self.n_decoded;
        self.at_hand.start += n_used;
        (self.n_decoded, self.wanted, self.ended) = (n_decoded, hint.clamp(1, CHUNK), hint == 0);
        Ok(moved)
    }

    /// Reads on in the archive, behind what is at hand.
    fn fetch(&mut self) -> Result<(), ReadError> {
        self.input.copy_within(self.at_hand.clone(), 0);
        let n_kept = self.at_hand.len();
        let left = u64::from(self.frame.compressed) - self.n_read;
        let end = usize::try_from(left).unwrap_or(CHUNK).saturating_add(n_kept).min(CHUNK);
        let to = &mut self.input[n_kept..end];
        let n = self.archive.read_at(to, self.frame.offset + self.n_read)?;
        self.n_read += n as u64;
        self.at_hand = 0..n_kept + n;
        Ok(())
    }

    fn damaged(&self, what: &str) -> ReadError {
        ReadError::damaged("frame-damaged", what).in_frame(self.index)
    }
}

impl Read for FrameDecoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len() - self.n_taken;
        if buf.is_empty() || left == 0 {
            return Ok(0);
        }
        self.decode(self.n_taken + 1).map_err(into_stream)?;
        let n = (self.n_decoded - self.n_taken).min(buf.len());
        buf[..n].copy_from_slice(&self.content[self.n_taken..self.n_taken + n]);
        self.n_taken += n;
        Ok(n)
    }
}

fn internal(what: &str) -> ReadError {
    ReadError::new(ReadErrorKind::Internal, "internal", what)
}

fn no_memory(pages: io::Result<Pages>) -> Result<Pages, ReadError> {
    pages.map_err(|e| internal("there is no memory for a frame").because(e))
}
