//! How large and how old a log may grow, and what it may keep in memory.

use std::time::Duration;

/// Bounds of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes at which a segment is sealed. Default 64 MiB; never more than a quarter of `max_bytes`,
    /// so that making room loses at most that share.
    pub segment_bytes: u64,
    /// Bytes of all segments together, past which the oldest go.
    pub max_bytes: u64,
    /// Age past which segments go that no exporter waits for; `None` keeps them until room is needed.
    pub max_age: Option<Duration>,
    /// Bytes of the last records that a log on disk keeps in memory for those who follow it closely.
    /// Default 4 MiB: a second of a busy machine.
    pub tail_bytes: u64,
    /// Bytes of records that may wait for the thread of a log on disk. Default 32 MiB: what a slow disk
    /// writes in a second. A larger batch passes when it is alone.
    pub waiting_bytes: u64,
    /// Bytes of records that each reader of a log on disk may hold at once, read ahead of the tail or
    /// under way; one record it may hold whatever its size. Default 8 MiB.
    pub ahead_bytes: u64,
    /// Bytes of a log in memory that stay although everybody has passed them; one on disk keeps all
    /// it has room for.
    pub history_bytes: u64,
}

impl LogOptions {
    /// Segments of the default size in `max_bytes` together.
    #[must_use]
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes,
            max_age: None,
            tail_bytes: 4 << 20,
            waiting_bytes: 32 << 20,
            ahead_bytes: 8 << 20,
            history_bytes: u64::MAX,
        }
    }

    /// The same, where segments are small enough for the whole.
    pub(super) fn sound(mut self) -> Self {
        self.segment_bytes = self.segment_bytes.min(self.max_bytes / 4).max(1);
        self
    }
}
