//! Where things are in one segment: in memory while it grows, in a file once it is sealed.

mod building;
mod file;
mod names;

pub(crate) use building::Building;
pub(crate) use file::{FileIndex, segment_of, write};
pub(crate) use names::{Names, OTHER, service_of};

use std::collections::HashMap;
use std::io;

use collector_otlp::TraceId;

use crate::scope::TimeRange;

/// The spans or log lines of one trace and one service in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The trace.
    pub(crate) trace: TraceId,
    /// The record's offset in its segment.
    pub(crate) offset: u64,
    /// Start times of the spans, or times of the lines.
    pub(crate) range: TimeRange,
    /// Number of the service among the segment's [`Names`], or [`OTHER`].
    pub(crate) service: u32,
}

/// The times of everything in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordRange {
    /// The record's offset in its segment.
    pub(crate) offset: u64,
    /// The times.
    pub(crate) range: TimeRange,
}

/// One segment's index.
#[derive(Debug)]
pub(crate) enum SegmentIndex {
    /// Still growing, or of a log in memory, or not writable as a file.
    Memory(Building),
    /// On disk.
    File(FileIndex),
}

impl SegmentIndex {
    /// The times of everything in the segment.
    pub(crate) fn range(&self) -> TimeRange {
        match self {
            Self::Memory(index) => index.range,
            Self::File(index) => index.range,
        }
    }

    /// Services and operations seen in the segment.
    pub(crate) fn names(&self) -> &Names {
        match self {
            Self::Memory(index) => &index.names,
            Self::File(index) => &index.names,
        }
    }

    /// Offsets of the records that hold anything of the trace, ascending, each once.
    pub(crate) fn offsets_of(&self, trace: TraceId) -> io::Result<Vec<u64>> {
        let mut offsets: Vec<u64> = match self {
            Self::Memory(index) => index.of_trace(trace).map(|e| e.offset).collect(),
            Self::File(index) => index.of_trace(trace)?.iter().map(|e| e.offset).collect(),
        };
        offsets.sort_unstable();
        offsets.dedup();
        Ok(offsets)
    }

    /// Adds the traces that have something of the service in the range, with the latest such time.
    pub(crate) fn candidates(
        &self,
        service: Option<&str>,
        range: &TimeRange,
        into: &mut HashMap<TraceId, u64>,
    ) -> io::Result<()> {
        let Some(wanted) = service.map_or(Some(None), |s| self.names().number(s).map(Some)) else {
            return Ok(());
        };
        let mut look = |entry: &Entry| {
            let service_fits = wanted.is_none_or(|n| n == entry.service || entry.service == OTHER);
            if service_fits && entry.range.overlaps(range) {
                let latest = into.entry(entry.trace).or_default();
                *latest = entry.range.to.min(range.to).max(*latest);
            }
        };
        match self {
            Self::Memory(index) => index.entries().iter().for_each(look),
            Self::File(index) => index.each_entry(&mut look)?,
        }
        Ok(())
    }

    /// The records that have something in the range.
    pub(crate) fn records_within(&self, range: &TimeRange) -> io::Result<Vec<RecordRange>> {
        let mut records = match self {
            Self::Memory(index) => index.records().to_vec(),
            Self::File(index) => index.records()?,
        };
        records.retain(|r| r.range.overlaps(range));
        Ok(records)
    }
}
