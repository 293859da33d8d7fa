//! Where Pellets get their names: a store of many, or one file of the user's choice.
//!
//! ```text
//! <store>/.partial/<random>/NAME.pellet        being written; the folder is locked by its writer
//!                           NAME.meta.json
//! <store>/<digest>/NAME.pellet                 sealed
//!                  NAME.meta.json
//!
//! <dir>/.FILE.pellet.<random>.partial/…        being written, the same two names
//! <dir>/FILE.pellet, <dir>/FILE.meta.json      sealed
//! ```
//!
//! Update protocol: both files are written and fsynced in the temporary folder, renamed one after
//! the other, and the folder that received them is fsynced. In a store the archive comes first and
//! neither counts before the caller recorded the digest; [`Store::recover`] removes what nobody
//! recorded. Beside a user's file there is no such record, so there the archive comes last: a
//! `FILE.pellet` that exists is whole.
//!
//! # Invariants
//! 1. A writer holds an advisory lock (`flock`) on its temporary folder as long as it lives; the
//!    kernel drops the lock with the process, so a folder whose lock is free has no writer. A folder
//!    is removed only by who holds its lock, and a writer that got the lock looks whether the folder
//!    still is where it was made; so neither a reused process number nor bad timing can take a living
//!    writer's folder away.
//! 2. Renames into one folder happen under a lock on that folder, so two writers of one Pellet do
//!    not undo each other's work.
//!
//! # Failure
//! Where the file system knows no `flock`, nothing is considered dead and nothing is removed.

mod directory;
mod publish;
mod staging;

pub use directory::{Removed, RemovedWhy, Store, StoredPellet};
pub(crate) use publish::{FileTarget, Published, publish_beside, publish_in_store};
pub(crate) use staging::{Staging, remove_dead};
