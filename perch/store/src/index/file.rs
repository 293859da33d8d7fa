//! The index file of a sealed segment, `SEGMENT.idx` beside `SEGMENT.seg`.
//!
//! Layout, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `PERCHIDX` |
//! | 4 | form, 1 |
//! | 4 | CRC-32 of everything behind the header |
//! | 8 | number of the segment |
//! | 8 | bytes of the segment |
//! | 8, 8 | earliest and latest time |
//! | 4, 4, 4 | number of entries, number of records, bytes of names |
//! | 4 | CRC-32 of the header so far |
//! | 48 each | entries by trace id, then offset: trace id 16, offset 8, earliest 8, latest 8, service 4, zero 4 |
//! | 24 each | records by offset: offset 8, earliest 8, latest 8 |
//! | rest | names, JSON: services by number with their operations and kinds |
//!
//! # Failure
//! It is written under another name, synced and renamed: under its own name it is whole. Its
//! checksums are proven once, when it is opened; one that fails is as good as missing.

use std::io;
use std::path::{Path, PathBuf};

use collector_otlp::TraceId;
use collector_pipeline::log::{SegmentId, SegmentInfo};
use durable_fs::{File, Fs};

use super::names::Names;
use super::{Building, Entry, RecordRange};
use crate::scope::TimeRange;

const MAGIC: &[u8; 8] = b"PERCHIDX";
const FORM: u32 = 1;
const HEADER_LEN: usize = 64;
const ENTRY_LEN: usize = 48;
const RECORD_LEN: usize = 24;
/// Entries read at once by a scan.
const CHUNK: u64 = 1_024;

/// An index file, open.
#[derive(Debug)]
pub(crate) struct FileIndex {
    /// The times of everything.
    pub(crate) range: TimeRange,
    /// Services and operations.
    pub(crate) names: Names,
    n_entries: u64,
    n_records: u64,
    file: Box<dyn File>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    body_crc: u32,
    segment: SegmentId,
    segment_bytes: u64,
    range: TimeRange,
    n_entries: u32,
    n_records: u32,
    n_name_bytes: u32,
}

/// Where the index of a segment lies; nothing for a segment in memory.
pub(crate) fn path_of(segment: &SegmentInfo) -> Option<PathBuf> {
    segment.path.as_ref().map(|path| path.with_extension("idx"))
}

/// Writes the index of a sealed segment and opens it.
pub(crate) fn write(
    fs: &dyn Fs,
    segment: &SegmentInfo,
    building: &Building,
) -> io::Result<FileIndex> {
    let path = path_of(segment).ok_or(io::ErrorKind::Unsupported)?;
    let bytes = encode(segment, building)?;
    let unfinished = path.with_extension("idx.new");
    match fs.remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs.create_new(&unfinished)?;
    file.write_all(&bytes)?;
    file.sync()?;
    fs.rename(&unfinished, &path)?;
    if let Some(folder) = path.parent() {
        fs.sync_dir(folder)?;
    }
    FileIndex::open(fs, segment)
}

fn encode(segment: &SegmentInfo, building: &Building) -> io::Result<Vec<u8>> {
    let names = serde_json::to_vec(building.names.services())?;
    let count =
        |n: usize| u32::try_from(n).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
    let mut body = Vec::new();
    for entry in building.sorted_entries() {
        body.extend_from_slice(&entry.trace.0);
        for number in [entry.offset, entry.range.from, entry.range.to] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(&entry.service.to_le_bytes());
        body.extend_from_slice(&[0; 4]);
    }
    for record in building.records() {
        for number in [record.offset, record.range.from, record.range.to] {
            body.extend_from_slice(&number.to_le_bytes());
        }
    }
    body.extend_from_slice(&names);
    let header = Header {
        body_crc: crc32fast::hash(&body),
        segment: segment.id,
        segment_bytes: segment.n_bytes,
        range: building.range,
        n_entries: count(building.entries().len())?,
        n_records: count(building.records().len())?,
        n_name_bytes: count(names.len())?,
    };
    let mut bytes = header.encode().to_vec();
    bytes.append(&mut body);
    Ok(bytes)
}

impl Header {
    fn encode(&self) -> [u8; HEADER_LEN] {
        let mut raw = [0; HEADER_LEN];
        raw[0..8].copy_from_slice(MAGIC);
        raw[8..12].copy_from_slice(&FORM.to_le_bytes());
        raw[12..16].copy_from_slice(&self.body_crc.to_le_bytes());
        raw[16..24].copy_from_slice(&self.segment.0.to_le_bytes());
        raw[24..32].copy_from_slice(&self.segment_bytes.to_le_bytes());
        raw[32..40].copy_from_slice(&self.range.from.to_le_bytes());
        raw[40..48].copy_from_slice(&self.range.to.to_le_bytes());
        raw[48..52].copy_from_slice(&self.n_entries.to_le_bytes());
        raw[52..56].copy_from_slice(&self.n_records.to_le_bytes());
        raw[56..60].copy_from_slice(&self.n_name_bytes.to_le_bytes());
        let crc = crc32fast::hash(&raw[..60]);
        raw[60..64].copy_from_slice(&crc.to_le_bytes());
        raw
    }

    fn decode(raw: &[u8; HEADER_LEN]) -> Option<Self> {
        let sound = &raw[0..8] == MAGIC
            && u32_at(raw, 8) == FORM
            && u32_at(raw, 60) == crc32fast::hash(&raw[..60]);
        sound.then(|| Self {
            body_crc: u32_at(raw, 12),
            segment: SegmentId(u64_at(raw, 16)),
            segment_bytes: u64_at(raw, 24),
            range: TimeRange { from: u64_at(raw, 32), to: u64_at(raw, 40) },
            n_entries: u32_at(raw, 48),
            n_records: u32_at(raw, 52),
            n_name_bytes: u32_at(raw, 56),
        })
    }

    fn body_len(&self) -> u64 {
        u64::from(self.n_entries) * ENTRY_LEN as u64
            + u64::from(self.n_records) * RECORD_LEN as u64
            + u64::from(self.n_name_bytes)
    }
}

impl FileIndex {
    /// Opens the index of a segment; `NotFound` without one, `InvalidData` for one that is of no use.
    pub(crate) fn open(fs: &dyn Fs, segment: &SegmentInfo) -> io::Result<Self> {
        let path = path_of(segment).ok_or(io::ErrorKind::NotFound)?;
        let file = fs.open_read(&path)?;
        let header = read_header(file.as_ref())?;
        let fits = header.segment == segment.id
            && header.segment_bytes == segment.n_bytes
            && file.len()? == HEADER_LEN as u64 + header.body_len();
        if !fits {
            return Err(useless("it does not fit its segment"));
        }
        let names = prove_body(file.as_ref(), &header)?;
        Ok(Self {
            range: header.range,
            names,
            n_entries: header.n_entries.into(),
            n_records: header.n_records.into(),
            file,
        })
    }

    /// The entries of one trace, found by halving.
    pub(crate) fn of_trace(&self, trace: TraceId) -> io::Result<Vec<Entry>> {
        let (mut low, mut high) = (0, self.n_entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.trace < trace { low = middle + 1 } else { high = middle }
        }
        let mut found = Vec::new();
        while low < self.n_entries {
            let entry = self.entry(low)?;
            if entry.trace != trace {
                break;
            }
            found.push(entry);
            low += 1;
        }
        Ok(found)
    }

    /// Shows every entry.
    pub(crate) fn each_entry(&self, look: &mut impl FnMut(&Entry)) -> io::Result<()> {
        let mut raw = Vec::new();
        let mut at = 0;
        while at < self.n_entries {
            let n = CHUNK.min(self.n_entries - at);
            self.read(entry_at(at), n * ENTRY_LEN as u64, &mut raw)?;
            raw.chunks_exact(ENTRY_LEN).for_each(|entry| look(&decode_entry(entry)));
            at += n;
        }
        Ok(())
    }

    /// Every record's times.
    pub(crate) fn records(&self) -> io::Result<Vec<RecordRange>> {
        let mut raw = Vec::new();
        self.read(entry_at(self.n_entries), self.n_records * RECORD_LEN as u64, &mut raw)?;
        let decode = |raw: &[u8]| RecordRange {
            offset: u64_at(raw, 0),
            range: TimeRange { from: u64_at(raw, 8), to: u64_at(raw, 16) },
        };
        Ok(raw.chunks_exact(RECORD_LEN).map(decode).collect())
    }

    fn entry(&self, number: u64) -> io::Result<Entry> {
        let mut raw = [0; ENTRY_LEN];
        if self.file.read_at(&mut raw, entry_at(number))? < ENTRY_LEN {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(decode_entry(&raw))
    }

    fn read(&self, at: u64, len: u64, into: &mut Vec<u8>) -> io::Result<()> {
        read_exactly(self.file.as_ref(), at, len, into)
    }
}

fn entry_at(number: u64) -> u64 {
    HEADER_LEN as u64 + number * ENTRY_LEN as u64
}

fn decode_entry(raw: &[u8]) -> Entry {
    let mut trace = TraceId::default();
    trace.0.copy_from_slice(&raw[..16]);
    Entry {
        trace,
        offset: u64_at(raw, 16),
        range: TimeRange { from: u64_at(raw, 24), to: u64_at(raw, 32) },
        service: u32_at(raw, 40),
    }
}

fn read_header(file: &dyn File) -> io::Result<Header> {
    let mut raw = [0; HEADER_LEN];
    if file.read_at(&mut raw, 0)? < HEADER_LEN {
        return Err(useless("it is too short"));
    }
    Header::decode(&raw).ok_or_else(|| useless("its header is damaged or of another form"))
}

/// Reads the body once to prove its checksum; the names at its end stay in memory.
fn prove_body(file: &dyn File, header: &Header) -> io::Result<Names> {
    let mut crc = crc32fast::Hasher::new();
    let mut chunk = Vec::new();
    let names_at = header.body_len() - u64::from(header.n_name_bytes);
    let mut at = 0;
    while at < names_at {
        let n = (CHUNK * ENTRY_LEN as u64).min(names_at - at);
        read_exactly(file, HEADER_LEN as u64 + at, n, &mut chunk)?;
        crc.update(&chunk);
        at += n;
    }
    read_exactly(file, HEADER_LEN as u64 + at, header.n_name_bytes.into(), &mut chunk)?;
    crc.update(&chunk);
    if crc.finalize() != header.body_crc {
        return Err(useless("its checksum differs"));
    }
    serde_json::from_slice(&chunk)
        .map(Names::from_services)
        .map_err(|_| useless("its names make no sense"))
}

fn read_exactly(file: &dyn File, at: u64, len: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    into.resize(len, 0);
    if file.read_at(into, at)? < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn useless(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn u32_at(raw: &[u8], at: usize) -> u32 {
    raw[at..at + 4].iter().rev().fold(0, |n, b| (n << 8) | u32::from(*b))
}

fn u64_at(raw: &[u8], at: usize) -> u64 {
    raw[at..at + 8].iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b))
}

/// The segment an index file belongs to, by its name; nothing for other files.
pub(crate) fn segment_of(path: &Path) -> Option<PathBuf> {
    let ours = path.extension().is_some_and(|e| e == "idx");
    ours.then(|| path.with_extension("seg"))
}
