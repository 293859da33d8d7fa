//! What can go wrong with a log.

use std::io;
use std::path::{Path, PathBuf};

use super::record::Position;

/// Why a log could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process, or another graph of this one, writes to the folder.
    #[error("another collector uses {0} (stop it, or name another storage.directory)")]
    InUse(PathBuf),
    /// The log was closed: its process is about to end.
    #[error("the log is closed")]
    Closed,
    /// Everything the log holds is still wanted by an exporter.
    #[error("the log is full of what exporters have not sent yet")]
    Full,
    /// The batch is larger than the log may grow.
    #[error("a batch of {n_bytes} bytes does not fit a log of {max_bytes} bytes")]
    TooLarge {
        /// Stored size of the batch.
        n_bytes: u64,
        /// The log's bound.
        max_bytes: u64,
    },
    /// The record's segment has been deleted.
    #[error("the record at {0} is no longer kept")]
    Gone(Position),
    /// No record was ever written there.
    #[error("there is no record at {0}")]
    Absent(Position),
    /// The bytes there fail their checksum or make no sense.
    #[error("the record at {at} is damaged: {what}")]
    Damaged {
        /// Where.
        at: Position,
        /// What does not fit.
        what: &'static str,
    },
}

/// The error of an operation on `path`.
pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> LogError {
    LogError::Io { action, path: path.to_owned(), source }
}
