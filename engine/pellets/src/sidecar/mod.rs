//! `NAME.meta.json`: what a Pellet holds and where it came from, readable without the archive.
//!
//! Each entry stands on a line of its own. So those of a large tree are written and read by several threads, some
//! thousand at a time, and the text is never in memory as a whole.

mod form;
mod read;
mod text;
mod write;

pub(crate) use form::CREATED_BY;
pub use form::{
    DELTA_SCHEMA_VERSION, Delta, EntryKind, Layer, LockFile, Origin, RawPath, SCHEMA_VERSION,
    Sidecar, SidecarAttribute, SidecarEntry, SidecarError, SidecarFrame, Totals,
};
pub(crate) use read::read_as;
pub(crate) use text::from_text;
pub(crate) use write::{Later, Rows};
