//! The local store: finds traces and logs in the pipelines' own logs and answers in Jaeger's shapes.
//!
//! The log is the only storage. For each sealed segment the store writes one index file beside it,
//! once; the index of the open segment is in memory. A follower per pipeline reads behind the writer
//! and may lag: receiving never waits for it.
//!
//! # Invariants
//! 1. An index file is never changed; one that is missing, damaged or of another form is made anew
//!    from its segment.
//! 2. What is answered is read from the log, so nothing is answered that the log does not hold; an
//!    index only says where to look.
//! 3. Retention wins: a segment that goes while it is read or indexed is counted, never an error.
//! 4. Scans end at a deadline, and the answer says so.
//!
//! # Not here
//! Long-term storage, replication, queries over metrics. With a log in memory the store reads from
//! that ring and forgets what it forgets.

mod assemble;
mod follow;
mod index;
pub mod jaeger;
mod logs;
mod pipeline;
mod scope;
mod search;
mod store;
#[cfg(test)]
mod tests;
mod trace_query;

pub use logs::{LogLine, LogQuery, LogsFound};
pub use pipeline::Source;
pub use scope::{Deadline, TimeRange};
pub use search::Found;
pub use store::{Followers, Operation, Store, StoreError, StoreOptions};
pub use trace_query::TraceQuery;
