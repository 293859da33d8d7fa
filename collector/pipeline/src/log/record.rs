//! One record and its form in bytes; see `docs/formats/log.md`.

use std::fmt;

use bytes::Bytes;
use collector_otlp::{Encoded, Encoding, Payload, Signal};
use serde::{Deserialize, Serialize};

use crate::Batch;
use crate::ledger::Amount;

/// The number of a segment; later segments have higher numbers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct SegmentId(pub u64);

/// The place of a record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    /// The segment.
    pub segment: SegmentId,
    /// Bytes from the start of the segment to the record's header.
    pub offset: u64,
}

/// Who a batch came from: the number of a receiver in the pipeline's register; 0 where nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin(pub u16);

/// A record as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// When it was received, in nanoseconds since the Unix epoch.
    pub received_at: u64,
    /// Who it came from.
    pub origin: Origin,
    /// The batch as it was received.
    pub batch: Batch,
    /// Bytes it takes up in the log.
    pub(super) n_bytes: u64,
}

/// Bytes before the first record of a segment.
pub(super) const SEGMENT_HEADER: usize = 32;
pub(super) const SEGMENT_HEADER_LEN: u64 = SEGMENT_HEADER as u64;
/// Bytes of a record before its payload.
pub(super) const RECORD_HEADER: usize = 32;
pub(super) const RECORD_HEADER_LEN: u64 = RECORD_HEADER as u64;
const MAGIC: [u8; 8] = *b"PERCHLOG";
const VERSION: u32 = 2;
/// The first form, which knew no origins; it reads as the second with no origin named.
const FIRST_VERSION: u32 = 1;
/// No request is larger than this on its way in, so no sound record is either.
const MAX_STORED_LEN: u32 = 1 << 30;

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the payload as stored.
    pub(super) stored_len: u32,
    pub(super) crc: u32,
    pub(super) signal: Signal,
    pub(super) encoding: Option<Encoding>,
    pub(super) origin: Origin,
    pub(super) n_items: u32,
    pub(super) received_at: u64,
    /// Bytes of the payload once inflated.
    pub(super) decoded_len: u32,
}

/// The bytes of a batch that are stored: compressed ones as they came.
pub(super) fn stored(batch: &Batch) -> &Bytes {
    batch.payload.kept()
}

impl Header {
    /// The header of `batch`, not [sealed](Self::sealed) yet; nothing if its length does not fit the form.
    pub(super) fn of(batch: &Batch, origin: Origin, received_at: u64) -> Option<Self> {
        let bytes = stored(batch);
        let stored_len = u32::try_from(bytes.len()).ok().filter(|n| *n <= MAX_STORED_LEN)?;
        let decoded_len = u32::try_from(batch.payload.len()).ok()?;
        Some(Self {
            stored_len,
            crc: 0,
            signal: batch.signal,
            encoding: batch.payload.carried().map(|c| c.encoding),
            origin,
            n_items: batch.n_items,
            received_at,
            decoded_len,
        })
    }

    /// With the checksum over itself and `stored`. What stays in memory goes without: nothing reads it back.
    pub(super) fn sealed(self, stored: &[u8]) -> Self {
        Self { crc: self.checksum(stored), ..self }
    }

    pub(super) fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut out = [0; RECORD_HEADER];
        out[0..4].copy_from_slice(&self.stored_len.to_le_bytes());
        out[4..8].copy_from_slice(&self.crc.to_le_bytes());
        out[8] = signal_code(self.signal);
        out[9] = encoding_code(self.encoding);
        out[10..12].copy_from_slice(&self.origin.0.to_le_bytes());
        out[12..16].copy_from_slice(&self.n_items.to_le_bytes());
        out[16..24].copy_from_slice(&self.received_at.to_le_bytes());
        out[24..28].copy_from_slice(&self.decoded_len.to_le_bytes());
        out
    }

    pub(super) fn decode(raw: &[u8; RECORD_HEADER]) -> Result<Self, &'static str> {
        let stored_len = u32_at(raw, 0);
        if stored_len > MAX_STORED_LEN {
            return Err("impossible length");
        }
        if raw[28..32] != [0; 4] {
            return Err("reserved bytes are set");
        }
        Ok(Self {
            stored_len,
            crc: u32_at(raw, 4),
            signal: signal_of(raw[8]).ok_or("unknown signal")?,
            encoding: encoding_of(raw[9])?,
            origin: Origin(u16::from_le_bytes([raw[10], raw[11]])),
            n_items: u32_at(raw, 12),
            received_at: u64_at(raw, 16),
            decoded_len: u32_at(raw, 24),
        })
    }

    /// What the record adds to accounts.
    pub(super) fn amount(&self) -> Amount {
        Amount::new(self.n_items.into(), self.decoded_len.into())
    }

    /// CRC-32 over the header without the checksum itself, then the stored bytes.
    pub(super) fn checksum(&self, stored: &[u8]) -> u32 {
        let raw = self.encode();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&raw[0..4]);
        crc.update(&raw[8..]);
        crc.update(stored);
        crc.finalize()
    }

    /// Proves the stored bytes and gives the batch.
    pub(super) fn batch(&self, stored: Bytes) -> Result<Batch, &'static str> {
        if self.checksum(&stored) != self.crc {
            return Err("checksum differs");
        }
        let (signal, n_items) = (self.signal, self.n_items);
        let payload = match self.encoding {
            None => stored.into(),
            Some(encoding) => {
                let carried = Encoded { encoding, bytes: stored };
                Payload::restored(carried, self.decoded_len as usize)
            }
        };
        Ok(Batch { signal, payload, n_items })
    }
}

/// The header of segment `id`.
pub(super) fn segment_header(id: SegmentId, created_at: u64) -> [u8; SEGMENT_HEADER] {
    let mut out = [0; SEGMENT_HEADER];
    out[0..8].copy_from_slice(&MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..20].copy_from_slice(&id.0.to_le_bytes());
    out[20..28].copy_from_slice(&created_at.to_le_bytes());
    let crc = crc32fast::hash(&out[0..28]);
    out[28..32].copy_from_slice(&crc.to_le_bytes());
    out
}

/// When segment `id` was created, if `raw` is its header.
pub(super) fn created_at(raw: &[u8; SEGMENT_HEADER], id: SegmentId) -> Option<u64> {
    let sound = raw[0..8] == MAGIC
        && matches!(u32_at(raw, 8), FIRST_VERSION | VERSION)
        && u64_at(raw, 12) == id.0
        && u32_at(raw, 28) == crc32fast::hash(&raw[0..28]);
    sound.then(|| u64_at(raw, 20))
}

fn u32_at(raw: &[u8], at: usize) -> u32 {
    raw[at..at + 4].iter().rev().fold(0, |n, b| (n << 8) | u32::from(*b))
}

fn u64_at(raw: &[u8], at: usize) -> u64 {
    raw[at..at + 8].iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b))
}

fn signal_code(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Metrics => 2,
        Signal::Logs => 3,
    }
}

fn signal_of(code: u8) -> Option<Signal> {
    Signal::ALL.into_iter().find(|s| signal_code(*s) == code)
}

fn encoding_code(encoding: Option<Encoding>) -> u8 {
    match encoding {
        None => 0,
        Some(Encoding::Gzip) => 1,
        Some(Encoding::Zstd) => 2,
    }
}

fn encoding_of(code: u8) -> Result<Option<Encoding>, &'static str> {
    match code {
        0 => Ok(None),
        1 => Ok(Some(Encoding::Gzip)),
        2 => Ok(Some(Encoding::Zstd)),
        _ => Err("unknown encoding"),
    }
}

impl Record {
    /// The position right behind it: the next record's, if the segment has another.
    #[must_use]
    pub fn end(&self) -> Position {
        Position { offset: self.position.offset + self.n_bytes, ..self.position }
    }

    /// Bytes it takes up in the log, and about as many in memory.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// What it adds to accounts.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Amount::of(&self.batch)
    }
}

impl Position {
    /// The first record of a segment.
    #[must_use]
    pub fn start_of(segment: SegmentId) -> Self {
        Self { segment, offset: SEGMENT_HEADER_LEN }
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}
