//! The protobuf messages of Loki's push API (`logproto.PushRequest`), structured metadata included.

/// One push.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) streams: Vec<Stream>,
}

/// Records that share labels.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stream {
    /// `{name="value", …}`.
    #[prost(string, tag = "1")]
    pub(super) labels: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) entries: Vec<Entry>,
}

/// One record.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Entry {
    #[prost(message, optional, tag = "1")]
    pub(super) timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    pub(super) line: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) metadata: Vec<Pair>,
}

/// A name and a value of structured metadata.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Pair {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

/// Time since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

impl Entry {
    /// Bytes it takes up in memory until its push is compressed: itself, encoded, and compressed at worst.
    pub(super) fn held_bytes(&self) -> usize {
        let pairs = self.metadata.iter().map(|p| size_of::<Pair>() + p.name.len() + p.value.len());
        3 * (size_of::<Self>() + self.line.len() + pairs.sum::<usize>())
    }
}

impl Timestamp {
    pub(super) fn from_nanos(nanos: u64) -> Self {
        const SECOND: u64 = 1_000_000_000;
        let seconds = (nanos / SECOND).cast_signed();
        Self { seconds, nanos: i32::try_from(nanos % SECOND).unwrap_or_default() }
    }
}
