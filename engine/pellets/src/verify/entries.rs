//! The entries that begin in one frame, compared with the sidecar.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;
use crate::read::{
    FrameDecoder, Index, Layers, ReadError, Span, TarEntry, TarReader, from_stream, read_header,
};
use crate::sidecar::EntryKind;

/// Bytes that go through a buffer at once.
const CHUNK: usize = 256 << 10;

/// What the threads of one verification share.
pub(super) struct Findings {
    list: Mutex<Vec<(u64, ReadError)>>,
    pub(super) n_entries: AtomicU64,
    pub(super) n_frames: AtomicU64,
}

/// Verifies frames, one after the other.
pub(super) struct Checker<'a> {
    layers: &'a Layers,
    index: Option<&'a Index<'a>>,
    decoder: FrameDecoder<'a>,
    findings: &'a Findings,
    stop: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl Findings {
    pub(super) fn new() -> Self {
        let (n_entries, n_frames) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { list: Mutex::new(Vec::new()), n_entries, n_frames }
    }

    /// Adds what was found at `place` of the tar stream.
    pub(super) fn add(&self, place: u64, error: ReadError) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push((place, error));
    }

    /// All of them by place.
    pub(super) fn sorted(self) -> Vec<ReadError> {
        let mut list = self.list.into_inner().unwrap_or_else(PoisonError::into_inner);
        list.sort_by_key(|(place, _)| *place);
        list.into_iter().map(|(_, error)| error).collect()
    }
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        layers: &'a Layers,
        index: Option<&'a Index<'a>>,
        findings: &'a Findings,
        stop: &'a AtomicBool,
    ) -> Result<Self, ReadError> {
        let decoder = FrameDecoder::new(layers.own())?;
        Ok(Self { layers, index, decoder, findings, stop, buffer: vec![0; CHUNK] })
    }

    /// Decodes a frame and compares `entries`, all that begin in it.
    pub(super) fn frame(&mut self, (layer, frame): (u32, usize), entries: &[usize]) {
        let place = self.index.map_or(frame as u64, |index| index.frame_start(layer, frame));
        let archive = self.layers.get(layer);
        match archive.and_then(|archive| self.decoder.whole(archive, frame)) {
            Ok(_) if layer > 0 => {}
            Ok(_) => {
                self.findings.n_frames.fetch_add(1, Ordering::Relaxed);
            }
            Err(e) => {
                self.findings.add(place, e);
                return self.lost(frame, entries);
            }
        }
        let Some(index) = self.index else { return };
        for i in entries.iter().copied() {
            match self.entry(index, i, frame) {
                Ok(()) => {
                    self.findings.n_entries.fetch_add(1, Ordering::Relaxed);
                }
                Err(e) => self.findings.add(index.start(i), e.in_frame(frame)),
            }
        }
    }

    /// Says which entries a broken frame takes with it.
    fn lost(&self, frame: usize, entries: &[usize]) {
        let Some(index) = self.index else { return };
        for i in entries.iter().copied() {
            let path = &index.sidecar.entries[i].path;
            let what = "the entry stands in a frame that cannot be decompressed";
            let lost = ReadError::damaged("entry-lost", what).on(path.as_bytes()).in_frame(frame);
            self.findings.add(index.start(i), lost);
        }
    }

    fn entry(&mut self, index: &Index<'_>, i: usize, frame: usize) -> Result<(), ReadError> {
        let entry = &index.sidecar.entries[i];
        let (start, end) = (index.start(i), index.end(i));
        let at =
            usize::try_from(start - index.frame_start(entry.layer, frame)).unwrap_or(usize::MAX);
        let rest = self.decoder.decoded().get(at..).unwrap_or_default();
        let mut reader = TarReader::new(Span::new(self.layers.get(entry.layer)?, rest, frame + 1));
        let found = read_header(&mut reader, entry, Some(end - start))?;
        if entry.kind != EntryKind::File {
            return Ok(());
        }
        let digest = digest(&found, &mut reader, &mut self.buffer, self.stop);
        let digest = digest.map_err(|e| e.on(entry.path.as_bytes()))?;
        match entry.blake3 {
            Some(expected) if expected != digest => {
                let what = "the content of a file is not what was packed";
                Err(ReadError::damaged("content-mismatch", what)
                    .on(entry.path.as_bytes())
                    .instead(expected, digest))
            }
            _ => Ok(()),
        }
    }
}

/// The digest of a file's content, holes included.
fn digest(
    found: &TarEntry,
    content: &mut dyn Read,
    buffer: &mut [u8],
    stop: &AtomicBool,
) -> Result<Digest, ReadError> {
    let mut hasher = blake3::Hasher::new();
    let whole = [crate::read::Extent { offset: 0, len: found.size }];
    let stopped = || stop.load(Ordering::Relaxed);
    let mut end = 0;
    for extent in found.extents.as_deref().unwrap_or(&whole) {
        crate::read::hash_zeros(&mut hasher, extent.offset - end, stopped)?;
        let mut left = extent.len;
        while left > 0 {
            if stopped() {
                return Err(ReadError::cancelled());
            }
            let want = usize::try_from(left).unwrap_or(CHUNK).min(buffer.len());
            content.read_exact(&mut buffer[..want]).map_err(from_stream)?;
            hasher.update(&buffer[..want]);
            left -= want as u64;
        }
        end = extent.offset + extent.len;
    }
    crate::read::hash_zeros(&mut hasher, found.size - end, stopped)?;
    Ok(hasher.finalize().into())
}
