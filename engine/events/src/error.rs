//! What can go wrong with the log, told so that a caller can act on it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use crate::EventType;

/// Why a commit, a read or an opening did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EventError {
    /// Another process holds the log.
    #[error(
        "the event log {path} is in use by another process{}; stop it or choose another state folder",
        owner.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The file of the log.
        path: PathBuf,
        /// The process that holds it, where it said so.
        owner: Option<u32>,
    },
    /// The file was written by a later version.
    #[error(
        "the event log has version {found} of the tables of `{part}`, this program knows {known}; \
         run the version that wrote it"
    )]
    SchemaAhead {
        /// The part whose tables they are.
        part: String,
        /// The version found in the file.
        found: u32,
        /// The greatest version this program knows.
        known: u32,
    },
    /// A migration that has been applied reads differently now, or versions are not 1, 2, 3, ….
    #[error("migration {version} of `{part}` {what}")]
    Migration {
        /// The part whose migration it is.
        part: String,
        /// Its version.
        version: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is no room left: on the disk or within the configured size.
    #[error("no space left for the event log; nothing was recorded")]
    Full,
    /// SQLite refused a statement or could not make it durable.
    #[error("the event log could not be read or written: {0}")]
    Storage(Arc<rusqlite::Error>),
    /// The file or its lock could not be opened.
    #[error("cannot open the event log {path}: {cause}")]
    Open {
        /// The file that was opened.
        path: PathBuf,
        /// The operating system's word.
        cause: Arc<std::io::Error>,
    },
    /// A closure of the same group broke the shared transaction; nothing of it was recorded.
    #[error(
        "the shared commit was undone by another writer's failure; nothing was recorded, try again"
    )]
    GroupUndone,
    /// The cursor lies ahead of the log: it belongs to another log.
    #[error("revision {asked} is ahead of the log, which ends at {last}; start again from 0")]
    RevAhead {
        /// The cursor that was given.
        asked: u64,
        /// The last revision of the log.
        last: u64,
    },
    /// A stored row does not read back as an event.
    #[error("event {rev} cannot be read: {what}")]
    Unreadable {
        /// Its revision.
        rev: u64,
        /// What is wrong with the row.
        what: String,
    },
    /// Events of this type pass by and are not recorded.
    #[error("events of type `{}` are not recorded", .0.short())]
    NotStored(EventType),
    /// The closure panicked; what it did was undone.
    #[error("the recording code panicked; what it wrote was undone")]
    Panicked,
    /// The closure itself declined; what it did was undone.
    #[error("{0}")]
    Refused(Arc<dyn Error + Send + Sync>),
    /// The log is closed.
    #[error("the event log is closed")]
    Closed,
}

impl EventError {
    /// Lets a closure undo its own rows and hand a reason of its own to its caller.
    pub fn refuse(reason: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused(Arc::new(reason))
    }

    /// The closure's own reason, where it is an `E`.
    #[must_use]
    pub fn refusal<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Refused(reason) => reason.downcast_ref(),
            _ => None,
        }
    }

    /// The stable code of this kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "events-in-use",
            Self::SchemaAhead { .. } => "events-schema-ahead",
            Self::Migration { .. } => "events-migration",
            Self::Full => "no-space",
            Self::Storage(_) | Self::GroupUndone | Self::Panicked | Self::NotStored(_) => {
                "internal"
            }
            Self::Open { .. } => "events-open",
            Self::RevAhead { .. } => "bad-request",
            Self::Unreadable { .. } => "events-unreadable",
            Self::Refused(_) => "refused",
            Self::Closed => "events-closed",
        }
    }
}

impl From<rusqlite::Error> for EventError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Storage(Arc::new(error)),
        }
    }
}
