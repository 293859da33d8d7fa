//! One frame, decoded from its beginning as far as somebody reads.
//!
//! # Invariants
//! 1. zstd writes each byte where it stays: there is no window beside what was decoded, and no copy of it
//!    but what a reader takes.

use std::io::{self, Read};

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::archive::Archive;
use super::error::{ReadError, ReadErrorKind, into_stream};
use crate::pages::Pages;
use crate::sidecar::SidecarFrame;

/// Bytes of the archive read at once: what is decoded in vain behind an entry comes from less than these.
const CHUNK: usize = 32 << 10;

/// The content of one frame as it is decoded.
pub(crate) struct FrameStream<'a> {
    archive: &'a Archive,
    index: usize,
    frame: SidecarFrame,
    decoder: DCtx<'static>,
    content: Pages,
    n_decoded: usize,
    n_taken: usize,
    input: Vec<u8>,
    /// Compressed bytes that were read.
    n_read: u64,
    /// What of them is at hand.
    at_hand: std::ops::Range<usize>,
}

impl<'a> FrameStream<'a> {
    /// Begins the frame at `index` of `archive`.
    pub(super) fn open(archive: &'a Archive, index: usize) -> Result<Self, ReadError> {
        let frame = archive.frame(index)?;
        let internal = |what| ReadError::new(ReadErrorKind::Internal, "internal", what);
        let mut decoder = DCtx::try_create().ok_or_else(|| internal("zstd does not start"))?;
        let window = DParameter::WindowLogMax(archive.window_log_max());
        for parameter in [window, DParameter::StableOutBuffer(true)] {
            decoder.set_parameter(parameter).map_err(|_| internal("zstd refused a parameter"))?;
        }
        let content = Pages::zeroed(frame.content as usize)
            .map_err(|e| internal("there is no memory for a frame").because(e))?;
        Ok(Self {
            archive,
            index,
            frame,
            decoder,
            content,
            n_decoded: 0,
            n_taken: 0,
            input: vec![0; CHUNK],
            n_read: 0,
            at_hand: 0..0,
        })
    }

    /// Passes over the next `n` bytes.
    pub(super) fn skip(&mut self, n: u64) -> Result<(), ReadError> {
        let to = usize::try_from(n).ok().and_then(|n| self.n_taken.checked_add(n));
        let to = to.filter(|to| *to <= self.content.len()).ok_or_else(|| {
            let what = "an entry begins behind the end of its frame";
            ReadError::damaged("entry-mismatch", what).in_frame(self.index)
        })?;
        self.decode(to)?;
        self.n_taken = to;
        Ok(())
    }

    /// Decodes until there are `n` bytes.
    fn decode(&mut self, n: usize) -> Result<(), ReadError> {
        while self.n_decoded < n {
            if self.at_hand.is_empty() {
                self.fetch()?;
            }
            let index = self.index;
            let damaged = |what: &str| ReadError::damaged("frame-damaged", what).in_frame(index);
            let mut input = InBuffer::around(&self.input[self.at_hand.clone()]);
            let mut output = OutBuffer::around_pos(&mut self.content[..], self.n_decoded);
            let done = self.decoder.decompress_stream(&mut output, &mut input);
            let (n_used, n_decoded) = (input.pos(), output.pos());
            let hint = done.map_err(|code| {
                damaged(&format!("a frame cannot be decompressed: {}", get_error_name(code)))
            })?;
            let moved = n_used > 0 || n_decoded > self.n_decoded;
            self.at_hand.start += n_used;
            self.n_decoded = n_decoded;
            // A second frame in the place of one would begin anew, over what stands there.
            if self.n_decoded < n && (hint == 0 || !moved) {
                return Err(damaged("a frame holds less than it should"));
            }
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<(), ReadError> {
        let left = u64::from(self.frame.compressed) - self.n_read;
        let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let n = self.archive.read_at(&mut self.input[..want], self.frame.offset + self.n_read)?;
        self.n_read += n as u64;
        self.at_hand = 0..n;
        Ok(())
    }
}

impl Read for FrameStream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.content.len() - self.n_taken;
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
