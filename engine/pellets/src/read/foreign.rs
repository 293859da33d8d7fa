//! Archives without seek table or sidecar: read from the beginning, once.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use durable_fs::{File, Fs};

use super::ahead::Ahead;
use super::error::{ReadError, ReadErrorKind, into_stream};
use super::limits::Limits;
use super::tar::{TarEntry, TarReader};

/// A zstd frame and a skippable one begin so.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// How archives begin that are compressed otherwise.
const OTHERS: [(&[u8], &str); 4] = [
    (&[0x1f, 0x8b, 0x08], "gzip"),
    (b"\xfd7zX", "xz"),
    (b"PK\x03\x04", "zip"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
];
/// The widest window that is decoded; what `zstd` itself takes unasked.
const WINDOW_LOG_MAX: u32 = 27;

/// An entry of an archive that is no Pellet.
pub type ForeignEntry = TarEntry;

/// A tar stream, compressed with zstd or not at all, with its entries counted against the limits.
pub(crate) struct Foreign<'a> {
    reader: TarReader<Box<dyn Read + 'a>>,
    limits: Limits,
    n_entries: u64,
    bytes: u64,
}

impl<'a> Foreign<'a> {
    /// Opens the archive at `path`, whatever its name says.
    pub(crate) fn open(fs: &dyn Fs, path: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let failed = |e| ReadError::in_input(path, e);
        let file = fs.open_read(path).map_err(failed)?;
        let mut magic = [0; 4];
        let n = file.read_at(&mut magic, 0).map_err(failed)?;
        let len = file.len().map_err(failed)?;
        let raw = Raw { file, path: path.to_owned(), at: 0 };
        if let Some((_, name)) = OTHERS.iter().find(|(begin, _)| magic[..n].starts_with(begin)) {
            let what = format!("the archive is compressed with {name}, which is not read");
            return Err(ReadError::refused("archive-unknown", what).at(path));
        }
        let skippable = magic[0] & 0xf0 == 0x50 && magic[1..] == SKIPPABLE;
        if n == 4 && (magic == ZSTD || skippable) {
            let mut decoder = zstd::stream::read::Decoder::new(raw).map_err(failed)?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
            let max = len.saturating_mul(limits.max_ratio).max(limits.ratio_from);
            let ahead = Ahead::of(Capped { inner: decoder, left: max }).map_err(failed)?;
            return Ok(Self::over(Box::new(ahead), limits));
        }
        Ok(Self::over(Box::new(io::BufReader::with_capacity(128 << 10, raw)), limits))
    }

    /// Reads a tar stream from `input`.
    pub(crate) fn over(input: Box<dyn Read + 'a>, limits: &Limits) -> Self {
        let limits = limits.clone();
        Self { reader: TarReader::new(input), limits, n_entries: 0, bytes: 0 }
    }

    /// The next entry; its content comes through [`Foreign::reader`].
    pub(crate) fn next_entry(&mut self) -> Result<Option<ForeignEntry>, ReadError> {
        let Some(entry) = self.reader.next_entry()? else { return Ok(None) };
        self.n_entries += 1;
        self.bytes = self.bytes.saturating_add(entry.size);
        let too_large = |code, what: &str| {
            Err(ReadError::new(ReadErrorKind::TooLarge, code, what).on(&entry.path))
        };
        if self.n_entries > self.limits.max_entries {
            return too_large("too-many-entries", "the archive has too many entries");
        }
        if self.bytes > self.limits.max_bytes {
            return too_large("too-many-bytes", "the archive's files are too large");
        }
        Ok(Some(entry))
    }

    pub(crate) fn reader(&mut self) -> &mut impl Read {
        &mut self.reader
    }
}

/// Lists an archive that is no Pellet: a tar, or one compressed with zstd.
///
/// # Errors
/// [`ReadError`] where any of it is odd; then there is no list at all.
pub fn list_foreign(
    fs: &dyn Fs,
    path: &Path,
    limits: &Limits,
) -> Result<Vec<ForeignEntry>, ReadError> {
    let mut archive = Foreign::open(fs, path, limits).map_err(|e| e.at(path))?;
    let mut entries = Vec::new();
    while let Some(entry) = archive.next_entry().map_err(|e| e.at(path))? {
        entries.push(entry);
    }
    Ok(entries)
}

/// A file read from its start.
struct Raw {
    file: Box<dyn File>,
    path: PathBuf,
    at: u64,
}

impl Read for Raw {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buf, self.at);
        let n = read.map_err(|e| into_stream(ReadError::in_input(&self.path, e)))?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Fails once a stream gave more bytes than it may.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            let what = "the archive becomes too many times its size";
            into_stream(ReadError::new(ReadErrorKind::TooLarge, "ratio-too-high", what))
        })?;
        Ok(n)
    }
}
