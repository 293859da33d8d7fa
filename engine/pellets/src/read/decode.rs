//! Frames decoded step by step, with one decoder for all of them and no buffer for a whole frame.

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

use super::archive::Archive;
use super::error::{ReadError, ReadErrorKind};
use crate::sidecar::SidecarFrame;

/// Bytes of the archive read at once.
const CHUNK: usize = 128 << 10;
/// Bytes that are decoded at once where nobody wants them.
const SKIPPED: usize = 64 << 10;

/// What is kept from frame to frame.
pub(crate) struct FrameDecoder {
    decoder: Decoder<'static>,
    input: Vec<u8>,
    skipped: Vec<u8>,
}

/// A frame of which a part is decoded.
pub(crate) struct OpenFrame<'d, 'a> {
    own: &'d mut FrameDecoder,
    archive: &'a Archive,
    index: usize,
    frame: SidecarFrame,
    /// Compressed bytes that were read.
    n_read: u64,
    /// What of them is at hand.
    at_hand: std::ops::Range<usize>,
    /// Content that is still to come.
    left: u64,
    /// Whether zstd has seen the end of what it decoded last, checksum included.
    ended: bool,
}

impl FrameDecoder {
    pub(crate) fn new(window_log_max: u32) -> Result<Self, ReadError> {
        let internal = |e| {
            ReadError::new(ReadErrorKind::Internal, "internal", "zstd does not start").because(e)
        };
        let mut decoder = Decoder::new().map_err(internal)?;
        decoder.set_parameter(DParameter::WindowLogMax(window_log_max)).map_err(internal)?;
        Ok(Self { decoder, input: vec![0; CHUNK], skipped: Vec::new() })
    }

    /// Begins the frame at `index` of `archive`.
    pub(crate) fn open<'d, 'a>(
        &'d mut self,
        archive: &'a Archive,
        index: usize,
    ) -> Result<OpenFrame<'d, 'a>, ReadError> {
        let frame = archive.frame(index)?;
        self.decoder.reinit().map_err(|e| {
            ReadError::new(ReadErrorKind::Internal, "internal", "zstd does not start").because(e)
        })?;
        let left = u64::from(frame.content);
        Ok(OpenFrame {
            own: self,
            archive,
            index,
            frame,
            n_read: 0,
            at_hand: 0..0,
            left,
            ended: false,
        })
    }
}

impl OpenFrame<'_, '_> {
    /// Decodes the next bytes, as many as `out` has room for.
    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Result<(), ReadError> {
        let want = out.len() as u64;
        self.left =
            self.left.checked_sub(want).ok_or_else(|| self.damaged("an entry ends late"))?;
        let mut output = OutBuffer::around(out);
        while (output.pos() as u64) < want {
            if !self.step(&mut output)? {
                return Err(self.damaged("a frame holds less than it should"));
            }
        }
        Ok(())
    }

    /// Decodes and forgets the next `n` bytes.
    pub(crate) fn skip(&mut self, mut n: u64) -> Result<(), ReadError> {
        let mut skipped = std::mem::take(&mut self.own.skipped);
        skipped.resize(SKIPPED, 0);
        while n > 0 {
            let part = usize::try_from(n).unwrap_or(SKIPPED).min(SKIPPED);
            self.fill(&mut skipped[..part])?;
            n -= part as u64;
        }
        self.own.skipped = skipped;
        Ok(())
    }

    /// Decodes what is left, and makes sure that the frame ends there, as its checksum says.
    pub(crate) fn finish(mut self) -> Result<(), ReadError> {
        self.skip(self.left)?;
        let mut behind = [0; 1];
        loop {
            let is_read = self.n_read == u64::from(self.frame.compressed);
            if self.ended && is_read && self.at_hand.is_empty() {
                return Ok(());
            }
            let mut output = OutBuffer::around(&mut behind[..]);
            let moved = self.step(&mut output)?;
            if output.pos() > 0 {
                return Err(self.damaged("a frame holds more than it should"));
            }
            if !moved {
                return Err(self.damaged("the archive ends inside a frame"));
            }
        }
    }

    /// Decodes a step; whether anything moved.
    fn step(&mut self, output: &mut OutBuffer<'_, [u8]>) -> Result<bool, ReadError> {
        if self.at_hand.is_empty() {
            self.read()?;
        }
        let Self { own, at_hand, .. } = self;
        let mut input = InBuffer::around(&own.input[at_hand.clone()]);
        let before = output.pos();
        let hint = own.decoder.run(&mut input, output);
        let n = input.pos();
        let hint =
            hint.map_err(|e| self.damaged(&format!("a frame cannot be decompressed: {e}")))?;
        self.at_hand.start += n;
        self.ended = hint == 0;
        Ok(n > 0 || output.pos() > before)
    }

    fn read(&mut self) -> Result<(), ReadError> {
        let left = u64::from(self.frame.compressed) - self.n_read;
        let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        if want == 0 {
            return Ok(());
        }
        let buffer = &mut self.own.input[..want];
        let n = self.archive.read_at(buffer, self.frame.offset + self.n_read)?;
        self.n_read += n as u64;
        self.at_hand = 0..n;
        Ok(())
    }

    fn damaged(&self, what: &str) -> ReadError {
        ReadError::damaged("frame-damaged", what).in_frame(self.index)
    }
}
