//! `NAME.meta.json`: what a Pellet holds and where it came from, readable without the archive.
//!
//! Each entry stands on a line of its own. So those of a large tree are written and read by several threads, some
//! thousand at a time, and the text is never in memory as a whole.

mod form;
mod raw_path;
mod read;
mod write;

pub(crate) use form::CREATED_BY;
pub use form::{
    DELTA_SCHEMA_VERSION, Delta, EntryKind, Layer, LockFile, Origin, SCHEMA_VERSION, Sidecar,
    SidecarAttribute, SidecarEntry, SidecarError, SidecarFrame, Totals,
};
pub use raw_path::RawPath;
pub(crate) use read::{ENTRIES, read_as};
pub(crate) use write::{Later, Rows};
