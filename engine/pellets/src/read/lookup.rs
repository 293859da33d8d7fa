//! One entry out of a sidecar, without reading the others.
//!
//! A sidecar of a large tree has tens of megabytes; reading all of it takes longer than decompressing the one
//! file that is asked for. We write each entry on a line of its own, in the order of the paths, so an
//! entry is found by bisection over the bytes of the file. In JSON no string holds a line break, so each one
//! ends an entry.
//!
//! # Invariants
//! 1. What is found here is an entry of the sidecar. That none is found says nothing: the sidecar may have
//!    been written otherwise, or may not be in order. Then all of it is to be read.

use std::cmp::Ordering;
use std::path::Path;

use durable_fs::File;
use serde::Deserialize;

use super::error::ReadError;
use super::path::in_order;
use crate::sidecar::{ENTRIES, RawPath, Sidecar, SidecarEntry, SidecarFrame};

/// What a sidecar that we wrote begins with.
const BEGINNING: &[u8] = b"{\"schema_version\":1,";
/// The longest beginning of a sidecar, up to its entries: some fifty thousand frames.
const MAX_HEAD: usize = 4 << 20;
/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// The longest entry that is found in this way; a longer one is read with all others.
const MAX_LINE: usize = 64 << 10;

/// An entry and the table of frames that says where it stands.
pub(crate) type Found = (SidecarEntry, Vec<SidecarFrame>);

/// Finds the entry of `path` in the sidecar at `at`; none where that is to be told by reading all of it.
pub(crate) fn seek_entry(
    file: &dyn File,
    at: &Path,
    path: &RawPath,
) -> Result<Option<Found>, ReadError> {
    let text = Text { file, at };
    let Some((frames, first)) = text.head()? else { return Ok(None) };
    let begin = text.bisect(first, path)?;
    Ok(text.pick(begin, path)?.map(|entry| (entry, frames)))
}

/// Finds the entry of `path` in all of a sidecar's bytes.
pub(crate) fn find_entry(bytes: &[u8], path: &RawPath) -> Result<Option<Found>, ReadError> {
    let sidecar = Sidecar::parse(bytes)?;
    let mut with_path = sidecar.entries.into_iter().filter(|e| e.path == *path);
    let entry = with_path.next();
    match with_path.next() {
        Some(_) => Err(duplicate(path)),
        None => Ok(entry.map(|entry| (entry, sidecar.frames))),
    }
}

/// What bisection may come upon are entries of `sidecar`, which stands at `at`: in a field that nobody knows a line that
/// looks like one would be found by who asks for one file, and by nobody else.
pub(crate) fn assert_lines(file: &dyn File, at: &Path, sidecar: &Sidecar) -> Result<(), ReadError> {
    let failed = |e| ReadError::in_input(at, e);
    let len = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
    let bytes = Text { file, at }.read(0, len)?;
    let begin = memchr::memmem::find(&bytes, ENTRIES).filter(|_| bytes.starts_with(BEGINNING));
    let Some(begin) = begin else { return Ok(()) };
    let mut entries = sidecar.entries.iter();
    for line in bytes[begin + ENTRIES.len()..].split(|b| *b == b'\n') {
        if let Some(looks) = first::<SidecarEntry>(line)
            && !entries.any(|entry| *entry == looks)
        {
            let what = "a line that is no entry of the sidecar looks like one";
            return Err(ReadError::damaged("sidecar-damaged", what).on(looks.path.as_bytes()));
        }
    }
    Ok(())
}

fn duplicate(path: &RawPath) -> ReadError {
    ReadError::refused("path-duplicate", "a path is there twice").on(path.as_bytes())
}

/// What an entry is ordered by; what has no type is no entry.
#[derive(Deserialize)]
struct Probe {
    path: RawPath,
    #[serde(rename = "type")]
    _kind: serde::de::IgnoredAny,
}

struct Text<'a> {
    file: &'a dyn File,
    at: &'a Path,
}

impl Text<'_> {
    /// The frames, and where the first entry begins.
    fn head(&self) -> Result<Option<(Vec<SidecarFrame>, u64)>, ReadError> {
        let mut len = CHUNK;
        while len <= MAX_HEAD {
            let head = self.read(0, len)?;
            if !head.starts_with(BEGINNING) {
                return Ok(None);
            }
            if let Some(at) = memchr::memmem::find(&head, ENTRIES) {
                let key = b"\"frames\":[";
                let frames = memchr::memmem::find(&head[..at], key)
                    .and_then(|frames| first(&head[frames + key.len() - 1..at]));
                return Ok(frames.map(|frames| (frames, (at + ENTRIES.len()) as u64)));
            }
            if head.len() < len {
                return Ok(None);
            }
            len *= 4;
        }
        Ok(None)
    }

    /// The beginning of a line at or before that of `path`, and near it where the lines are in order.
    fn bisect(&self, first: u64, path: &RawPath) -> Result<u64, ReadError> {
        let failed = |e| ReadError::in_input(self.at, e);
        let (mut low, mut high) = (first, self.file.len().map_err(failed)?);
        while high.saturating_sub(low) > CHUNK as u64 / 2 {
            let middle = low + (high - low) / 2;
            match self.line_behind(middle)? {
                Some((begin, found)) if begin < high && order(&found, path) == Ordering::Less => {
                    low = begin;
                }
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The first line that begins behind `at`, if it is an entry's.
    fn line_behind(&self, at: u64) -> Result<Option<(u64, RawPath)>, ReadError> {
        for len in [CHUNK / 4, MAX_LINE] {
            let bytes = self.read(at, len)?;
            let Some(end) = memchr::memchr(b'\n', &bytes) else { continue };
            if let Some(probe) = self::first::<Probe>(&bytes[end + 1..]) {
                return Ok(Some((at + end as u64 + 1, probe.path)));
            }
        }
        Ok(None)
    }

    /// The entry of `path` among the lines from `begin` on.
    fn pick(&self, begin: u64, path: &RawPath) -> Result<Option<SidecarEntry>, ReadError> {
        let bytes = self.read(begin, CHUNK + MAX_LINE)?;
        let mut picked: Option<SidecarEntry> = None;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let Some(probe) = first::<Probe>(line).filter(|_| line.ends_with(b"\n")) else { break };
            match order(&probe.path, path) {
                Ordering::Less => {}
                Ordering::Greater => break,
                Ordering::Equal if picked.is_some() => return Err(duplicate(path)),
                Ordering::Equal => picked = first(line),
            }
        }
        Ok(picked)
    }

    fn read(&self, at: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; len];
        let n = self.file.read_at(&mut bytes, at).map_err(|e| ReadError::in_input(self.at, e))?;
        bytes.truncate(n);
        Ok(bytes)
    }
}

fn order(a: &RawPath, b: &RawPath) -> Ordering {
    in_order(a.as_bytes(), b.as_bytes())
}

/// The first JSON value of `bytes`.
fn first<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    serde_json::Deserializer::from_slice(bytes).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use durable_fs::{DiskFs, Fs};

    use super::*;
    use crate::tests::kit::Bench;

    fn seek(path: &Path, wanted: &RawPath) -> Result<Option<Found>, ReadError> {
        seek_entry(&*DiskFs.open_read(path).unwrap(), path, wanted)
    }

    #[test]
    fn every_entry_is_found_without_reading_all() {
        let bench = Bench::in_memory();
        for n in 0..700 {
            bench.file(format!("d{}/{}-{n}", n % 7, "x".repeat(n % 90)), b"x");
        }
        bench.file(std::ffi::OsStr::new("quote\"d\n"), b"x");
        bench.file(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff"), b"");
        let packed = bench.pack();
        let sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
        assert!(sidecar.entries.len() > 700);
        for entry in &sidecar.entries {
            let found = seek(&packed.sidecar, &entry.path).unwrap();
            assert_eq!(found, Some((entry.clone(), sidecar.frames.clone())));
            let other = RawPath::from([entry.path.as_bytes(), b"?"].concat().into_boxed_slice());
            assert_eq!(seek(&packed.sidecar, &other).unwrap(), None);
        }
        // One line, as earlier versions wrote it, is read whole; twice the same path is refused.
        let wanted = &sidecar.entries[300].path;
        fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
        assert_eq!(seek(&packed.sidecar, wanted).unwrap(), None);
        let mut twice = sidecar.clone();
        twice.entries.insert(300, twice.entries[300].clone());
        let mut text = Vec::new();
        twice.encode(&mut text).unwrap();
        fs::write(&packed.sidecar, &text).unwrap();
        for error in [seek(&packed.sidecar, wanted), find_entry(&text, wanted)] {
            assert_eq!(error.unwrap_err().code(), "path-duplicate");
        }
    }
}
