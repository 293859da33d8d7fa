//! The tar stream from a place on, whatever number of frames it crosses.

use std::io::{self, Read};

use super::archive::Archive;
use super::decode::FrameDecoder;
use super::error::{ReadError, into_stream};

/// Reads on from a place in the tar stream: first what is at hand of its frame, then the frames
/// behind it as they are decoded.
pub(crate) struct Span<'a> {
    archive: &'a Archive,
    /// Decoded bytes that are at hand.
    at_hand: &'a [u8],
    /// The frame that comes once these are used up.
    next: usize,
    decoder: Option<FrameDecoder<'a>>,
}

impl<'a> Span<'a> {
    /// Begins with `at_hand`, the rest of a frame, and goes on with the frame at `next`.
    pub(crate) fn new(archive: &'a Archive, at_hand: &'a [u8], next: usize) -> Self {
        Self { archive, at_hand, next, decoder: None }
    }

    /// Begins `offset` bytes into the frame at `index`, and decodes nothing that is not asked for.
    pub(crate) fn at(archive: &'a Archive, index: usize, offset: u64) -> Result<Self, ReadError> {
        let mut decoder = FrameDecoder::without_checksums(archive)?;
        decoder.begin(archive, index)?;
        decoder.skip(offset)?;
        Ok(Self { archive, at_hand: &[], next: index + 1, decoder: Some(decoder) })
    }

    /// Begins the next frame.
    fn go_on(&mut self) -> Result<(), ReadError> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(FrameDecoder::without_checksums(self.archive)?),
        };
        decoder.begin(self.archive, self.next)?;
        self.next += 1;
        Ok(())
    }
}

impl Read for Span<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.at_hand.is_empty() {
                return self.at_hand.read(buf);
            }
            if let Some(decoder) = &mut self.decoder {
                let n = decoder.read(buf)?;
                if n > 0 {
                    return Ok(n);
                }
            }
            if self.next >= self.archive.frames().len() {
                return Ok(0);
            }
            self.go_on().map_err(into_stream)?;
        }
    }
}
