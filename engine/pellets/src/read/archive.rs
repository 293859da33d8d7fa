//! A seekable archive: its frames, each decoded alone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use durable_fs::{File, Fs};

use super::error::{ReadError, ReadErrorKind};
use super::limits::Limits;
use crate::archive::{DeltaFrame, SeekTable};
use crate::digest::Digest;
use crate::sidecar::SidecarFrame;

/// Bytes of a seek table's footer, and of its skippable frame's head.
const FOOTER_LEN: usize = 9;
const HEAD_LEN: u64 = 8;
/// The largest seek table that is read: eight million frames.
const MAX_TABLE: u64 = 64 << 20;
/// Bytes of the archive that are hashed at once.
const HASHED: usize = 1 << 20;

/// An open archive and where its frames stand.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Box<dyn File>,
    path: PathBuf,
    len: u64,
    frames: Vec<SidecarFrame>,
    delta: Option<DeltaFrame>,
    window_log_max: u32,
}

impl Archive {
    /// Opens the archive at `path` and reads its seek table.
    pub(crate) fn open(fs: &dyn Fs, path: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let failed = |e| ReadError::in_input(path, e);
        let file = fs.open_read(path).map_err(failed)?;
        let len = file.len().map_err(failed)?;
        let (frames, delta) = frames(&*file, len, path, limits)?;
        // A frame may ask for a window as long as itself, never for more.
        let window_log_max = limits.max_frame.ilog2().max(27);
        Ok(Self { file, path: path.to_owned(), len, frames, delta, window_log_max })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn frames(&self) -> &[SidecarFrame] {
        &self.frames
    }

    /// What says that the archive is a delta.
    pub(crate) fn delta(&self) -> Option<&DeltaFrame> {
        self.delta.as_ref()
    }

    /// BLAKE3 of all its bytes, and their number; ends early where `stop` says so.
    pub(crate) fn digest(&self, stop: &AtomicBool) -> Result<(Digest, u64), ReadError> {
        digest_of(&*self.file, &self.path, stop)
    }

    /// Binary logarithm of the largest window that a frame may ask for.
    pub(crate) fn window_log_max(&self) -> u32 {
        self.window_log_max
    }

    /// Bytes of the tar stream.
    pub(crate) fn content_len(&self) -> u64 {
        self.frames.iter().map(|f| u64::from(f.content)).sum()
    }

    /// Reads bytes of the archive as they are.
    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize, ReadError> {
        self.file.read_at(bytes, offset).map_err(|e| ReadError::in_input(&self.path, e))
    }

    pub(super) fn frame(&self, index: usize) -> Result<SidecarFrame, ReadError> {
        self.frames.get(index).copied().ok_or_else(|| {
            ReadError::damaged("archive-truncated", "an entry reaches behind the last frame")
        })
    }
}

/// BLAKE3 of the file at `path`, and its length; ends early where `stop` says so.
pub(crate) fn digest_of(
    file: &dyn File,
    path: &Path,
    stop: &AtomicBool,
) -> Result<(Digest, u64), ReadError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; HASHED];
    let mut at = 0;
    while !stop.load(Ordering::Relaxed) {
        let n = file.read_at(&mut buffer, at).map_err(|e| ReadError::in_input(path, e))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        at += n as u64;
    }
    Ok((hasher.finalize().into(), at))
}

/// The frames by the seek table at the end of the archive, and what says that it is a delta.
fn frames(
    file: &dyn File,
    len: u64,
    path: &Path,
    limits: &Limits,
) -> Result<(Vec<SidecarFrame>, Option<DeltaFrame>), ReadError> {
    let failed = |e| ReadError::in_input(path, e);
    let odd = |what: String| ReadError::damaged("seek-table-damaged", what).at(path);
    let mut footer = [0; FOOTER_LEN];
    let start = len.checked_sub(FOOTER_LEN as u64);
    let start = start.ok_or_else(|| odd("the archive is too short for a seek table".to_owned()))?;
    file.read_at(&mut footer, start).map_err(failed)?;
    let n_frames = u64::from(u32::from_le_bytes([footer[0], footer[1], footer[2], footer[3]]));
    let with_checksums = footer[4] & 0x80 != 0;
    let table_len = n_frames * if with_checksums { 12 } else { 8 } + FOOTER_LEN as u64 + HEAD_LEN;
    let start = len.checked_sub(table_len).filter(|_| table_len <= MAX_TABLE);
    let start = start.ok_or_else(|| odd("the archive does not end in a seek table".to_owned()))?;
    let mut table = vec![0; usize::try_from(table_len).unwrap_or(0)];
    file.read_at(&mut table, start).map_err(failed)?;
    let table = SeekTable::decode(&table).map_err(|e| odd(e.to_string()))?;
    let mut offset = 0;
    let mut frames = Vec::with_capacity(table.frames.len());
    for (index, frame) in table.frames.into_iter().enumerate() {
        if frame.content > limits.max_frame {
            let what = format!("a frame of {} bytes exceeds the limit", frame.content);
            return Err(ReadError::new(ReadErrorKind::TooLarge, "frame-too-large", what)
                .at(path)
                .in_frame(index));
        }
        frames.push(SidecarFrame { offset, compressed: frame.compressed, content: frame.content });
        offset += u64::from(frame.compressed);
    }
    let delta = match start.checked_sub(offset) {
        Some(0) => None,
        Some(len) if len <= DeltaFrame::MAX_LEN => {
            let mut mark = vec![0; usize::try_from(len).unwrap_or(0)];
            file.read_at(&mut mark, offset).map_err(failed)?;
            Some(DeltaFrame::decode(&mark).map_err(|e| odd(e.to_string()))?)
        }
        _ => return Err(odd(format!("the seek table covers {offset} of {start} bytes"))),
    };
    Ok((frames, delta))
}
