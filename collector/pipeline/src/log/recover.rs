//! What an earlier process left: its files are judged, and mended, before the log is used.
//!
//! A process writes to one segment at a time and syncs it before it starts the next, and the last
//! one is synced here; so of all files only the last can lack bytes after a crash, and only behind
//! what was acknowledged.
//!
//! # Invariants
//! 1. Bytes are thrown away only if no sound record lies in them and the first of them is a record
//!    that ends past the file: a write that the crash cut short. All else that cannot be read is
//!    put aside under the segment's name with `.damaged`, and is there before it is cut off here.
//! 2. Mending can be cut short at any step and is done again by the next start.
//!
//! # Failure
//! A file that cannot be judged or mended keeps the log from opening; it never starts empty.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use durable_fs::{File, Fs};

use super::error::{LogError, io};
use super::record::{Header, RECORD_HEADER, SEGMENT_HEADER_LEN, SegmentId};
use super::segment::{Found, Segment, file_name, id_of, inspect};

/// What an earlier process left, mended.
pub(super) struct Recovered {
    pub(super) segments: VecDeque<Segment>,
    pub(super) next_id: SegmentId,
    pub(super) n_damaged: u64,
    pub(super) n_torn: u64,
}

/// Checksums are tried at so many times the bytes of a tail; a tail made to cost more is put aside.
const MAX_TRIED: u64 = 4;

/// Judges all files in `dir`; all segments that come back are sealed.
pub(super) fn recover(fs: &dyn Fs, dir: &Path) -> Result<Recovered, LogError> {
    let (segments, next_id) = (VecDeque::new(), SegmentId(1));
    let mut found = Recovered { segments, next_id, n_damaged: 0, n_torn: 0 };
    let mut changed = false;
    for path in fs.list(dir).map_err(|e| io("list", dir, e))? {
        if path.extension().is_some_and(|e| e == "unfinished") {
            fs.remove_file(&path).map_err(|e| io("remove", &path, e))?;
            continue;
        }
        // The number of a segment that was put aside is used up as well.
        let aside = path.extension().is_some_and(|e| e == "damaged");
        let name = if aside { path.with_extension("") } else { path.clone() };
        let Some(id) = id_of(&name) else { continue };
        found.next_id = found.next_id.max(SegmentId(id.0 + 1));
        if aside {
            continue;
        }
        match inspect(fs, path.clone(), id)? {
            Found::Segment(segment) => found.segments.push_back(segment),
            Found::Empty => {
                tracing::info!(path = %path.display(), "removing a log segment without records");
                fs.remove_file(&path).map_err(|e| io("remove", &path, e))?;
                changed = true;
            }
            Found::Foreign => {
                let aside = aside_of(&path);
                let (path, now) = (path.display(), aside.display());
                tracing::error!(%path, %now, "not a log segment, going on without it");
                fs.rename(&dir.join(file_name(id)), &aside)
                    .map_err(|e| io("move aside", &aside, e))?;
                found.n_damaged += 1;
                changed = true;
            }
        }
    }
    if let Some(mut last) = found.segments.pop_back() {
        let path = dir.join(file_name(last.id));
        let file = fs.open_append(&path).map_err(|e| io("open", &path, e))?;
        let mended = mend(fs, &path, file.as_ref(), &mut last)?;
        found.n_damaged += u64::from(mended == Mended::PutAside);
        found.n_torn += u64::from(mended == Mended::CutOff);
        file.sync().map_err(|e| io("sync", &path, e))?;
        changed = true;
        if last.n_bytes > SEGMENT_HEADER_LEN {
            found.segments.push_back(last);
        } else {
            fs.remove_file(&path).map_err(|e| io("remove", &path, e))?;
        }
    }
    if changed {
        fs.sync_dir(dir).map_err(|e| io("sync", dir, e))?;
    }
    Ok(found)
}

#[derive(Debug, PartialEq, Eq)]
enum Mended {
    Sound,
    CutOff,
    PutAside,
}

/// Cuts a segment behind its last sound record.
fn mend(
    fs: &dyn Fs,
    path: &Path,
    file: &dyn File,
    segment: &mut Segment,
) -> Result<Mended, LogError> {
    let (end, torn) = sound_end(file, segment.n_bytes).map_err(|e| io("read", path, e))?;
    if end == segment.n_bytes {
        return Ok(Mended::Sound);
    }
    let n_bytes = segment.n_bytes - end;
    let (segment_id, tail) = (segment.id, read(file, end, n_bytes));
    let tail = tail.map_err(|e| io("read", path, e))?;
    let mended = if torn && !holds_a_record(&tail) {
        tracing::warn!(segment = %segment_id, at = end, n_bytes, "cutting off a record that was never whole");
        Mended::CutOff
    } else {
        let aside = aside_of(path);
        put_aside(fs, &aside, &tail)?;
        let now = aside.display();
        tracing::error!(segment = %segment_id, at = end, n_bytes, %now, "damaged log records put aside, going on without them");
        Mended::PutAside
    };
    file.set_len(end).map_err(|e| io("cut", path, e))?;
    segment.n_bytes = end;
    Ok(mended)
}

/// The end of the last sound record of a file of `n_bytes`, and whether what follows it is a record
/// that ends past the file.
fn sound_end(file: &dyn File, n_bytes: u64) -> std::io::Result<(u64, bool)> {
    let mut at = SEGMENT_HEADER_LEN;
    while at < n_bytes {
        let raw = read(file, at, RECORD_HEADER as u64)?;
        let Ok(raw) = <[u8; RECORD_HEADER]>::try_from(raw) else { return Ok((at, true)) };
        let Ok(header) = Header::decode(&raw) else { return Ok((at, false)) };
        let payload_at = at + RECORD_HEADER as u64;
        let end = payload_at + u64::from(header.stored_len);
        if end > n_bytes {
            return Ok((at, true));
        }
        if header.checksum(&read(file, payload_at, end - payload_at)?) != header.crc {
            return Ok((at, false));
        }
        at = end;
    }
    Ok((at, false))
}

/// Whether a sound record begins anywhere in `tail`, or finding out costs too much.
fn holds_a_record(tail: &[u8]) -> bool {
    let mut n_left = (tail.len() as u64).saturating_mul(MAX_TRIED);
    for at in 0..tail.len().saturating_sub(RECORD_HEADER - 1) {
        let (head, rest) = tail[at..].split_at(RECORD_HEADER);
        let Ok(raw) = <[u8; RECORD_HEADER]>::try_from(head) else { return false };
        let Ok(header) = Header::decode(&raw) else { continue };
        let Some(stored) = rest.get(..header.stored_len as usize) else { continue };
        let Some(left) = n_left.checked_sub(stored.len() as u64) else { return true };
        n_left = left;
        if header.checksum(stored) == header.crc {
            return true;
        }
    }
    false
}

/// Writes `tail` to the file `aside`, which is there whole or not at all.
fn put_aside(fs: &dyn Fs, aside: &Path, tail: &[u8]) -> Result<(), LogError> {
    let unfinished = aside.with_extension("unfinished");
    let mut file = fs.create_new(&unfinished).map_err(|e| io("create", &unfinished, e))?;
    file.write_all(tail).map_err(|e| io("write", &unfinished, e))?;
    file.sync().map_err(|e| io("sync", &unfinished, e))?;
    fs.rename(&unfinished, aside).map_err(|e| io("rename", aside, e))?;
    let dir = aside.parent().unwrap_or(aside);
    fs.sync_dir(dir).map_err(|e| io("sync", dir, e))
}

fn aside_of(path: &Path) -> PathBuf {
    path.with_extension("seg.damaged")
}

/// Up to `n` bytes from `at` on; fewer only at the end of the file.
fn read(file: &dyn File, at: u64, n: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(n).unwrap_or(usize::MAX)];
    let n_read = file.read_at(&mut bytes, at)?;
    bytes.truncate(n_read);
    Ok(bytes)
}
