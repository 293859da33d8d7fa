//! Closed buckets in a row, oldest first, as bytes.
//!
//! A bucket is `total`, then the gap to the one before it, then `bad`, as varints; the two low bits of the first tell
//! whether the others follow. A minute of up to 15 events without failures takes one byte.
//!
//! # Invariants
//! 1. Indices ascend; a bucket without events is not there.

use crate::bytes::{Reader, put, put_bytes, unzigzag, zigzag};
use crate::counts::Sum;

const HAS_GAP: u64 = 1;
const HAS_BAD: u64 = 2;
/// The first number has two bits less than others; sums beyond that are cut there.
const MOST: i64 = (1 << 60) - 1;
/// What a bucket takes at most.
pub(super) const MAX_BUCKET_BYTES: usize = 9 + 10 + 9;
/// Bytes that may lie unused in front before they are given back.
const SLACK: usize = 4096;

/// The events of one step of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Steps since the epoch.
    pub(crate) index: u64,
    pub(crate) sum: Sum,
}

/// The row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape {
    bytes: Vec<u8>,
    /// Bytes given back so far: places count them, so that they stay what they are.
    n_gone: u64,
    /// The index that the first bucket in `bytes` counts its gap from.
    before_first: u64,
    last: u64,
}

/// A place between two buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    offset: u64,
    /// The index of the bucket in front of it.
    index: u64,
}

impl Tape {
    /// Appends a bucket that is later than all others.
    pub(super) fn push(&mut self, bucket: Bucket) {
        let gap = bucket.index.saturating_sub(self.last);
        let (bad, total) = (bucket.sum.bad.clamp(-MOST, MOST), bucket.sum.total.clamp(-MOST, MOST));
        let mut head = zigzag(total) << 2;
        if gap != 1 {
            head |= HAS_GAP;
        }
        if bad != 0 {
            head |= HAS_BAD;
        }
        put(&mut self.bytes, head);
        if gap != 1 {
            put(&mut self.bytes, gap);
        }
        if bad != 0 {
            put(&mut self.bytes, zigzag(bad));
        }
        self.last = bucket.index;
    }

    /// The place before the oldest bucket.
    pub(super) fn start(&self) -> Place {
        Place { offset: self.n_gone, index: self.before_first }
    }

    /// The bucket behind a place, and the place behind that.
    pub(super) fn next(&self, place: Place) -> Option<(Bucket, Place)> {
        let at = usize::try_from(place.offset.checked_sub(self.n_gone)?).ok()?;
        let mut rest = Reader(self.bytes.get(at..)?);
        let n_before = rest.0.len();
        let head = rest.u64()?;
        let gap = if head & HAS_GAP == 0 { 1 } else { rest.u64()? };
        let bad = if head & HAS_BAD == 0 { 0 } else { rest.i64()? };
        let index = place.index.checked_add(gap)?;
        let n = (n_before - rest.0.len()) as u64;
        let sum = Sum { bad, total: unzigzag(head >> 2) };
        Some((Bucket { index, sum }, Place { offset: place.offset + n, index }))
    }

    /// All buckets.
    pub(super) fn iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        let mut place = self.start();
        std::iter::from_fn(move || {
            let (bucket, next) = self.next(place)?;
            place = next;
            Some(bucket)
        })
    }

    /// Gives back what lies before a place, once it is worth while.
    pub(super) fn forget_before(&mut self, place: Place) {
        let n = usize::try_from(place.offset.saturating_sub(self.n_gone)).unwrap_or_default();
        if n == 0 || (n < SLACK && n < self.bytes.len()) {
            return;
        }
        self.bytes.drain(..n);
        self.bytes.shrink_to(self.bytes.len() + SLACK);
        self.n_gone = place.offset;
        self.before_first = place.index;
    }

    /// Bytes it holds.
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Writes what lies behind `place`.
    pub(super) fn encode_from(&self, place: Place, out: &mut Vec<u8>) {
        let at = usize::try_from(place.offset.saturating_sub(self.n_gone)).unwrap_or_default();
        put(out, place.index);
        put_bytes(out, self.bytes.get(at..).unwrap_or_default());
    }

    /// Reads a row; none where it is no sound row.
    pub(super) fn decode(rest: &mut Reader<'_>) -> Option<Self> {
        let before_first = rest.u64()?;
        let bytes = rest.bytes()?.to_vec();
        let mut tape = Self { bytes, n_gone: 0, before_first, last: before_first };
        let (mut place, end) = (tape.start(), tape.bytes.len() as u64);
        while place.offset < end {
            let (bucket, next) = tape.next(place)?;
            let (Sum { bad, total }, range) = (bucket.sum, -MOST..=MOST);
            if bucket.index <= place.index || !range.contains(&bad) || !range.contains(&total) {
                return None;
            }
            place = next;
        }
        tape.last = place.index;
        Some(tape)
    }
}
