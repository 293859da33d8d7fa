//! The `.pellet` format: packs a directory tree into a seekable zstd tarball with a sidecar.
//!
//! The bytes of both files are described in `docs/formats/pellet.md`. The crate is synchronous: a
//! caller runs [`pack`] on a thread of its own and watches it through a [`PackObserver`].
//!
//! # Invariants
//! 1. Equal trees give equal archive bytes for the same version and profile, whatever the number of
//!    threads, the clock, the user or the file system.
//! 2. A name that a reader looks for appears only after its content is durable; an error leaves
//!    neither a final name nor a temporary one.
//! 3. The source tree is read through directory descriptors and no symbolic link in it is followed.
//!
//! # Not here
//! The list of Pellets (the caller records each one in its own database, and that record is the
//! commit point of a [`Store`]), spans and metrics (the caller observes), restore and verification.
//!
//! # Failure
//! Every failure is a [`PackError`] with a stable code. What a killed process leaves is removed by
//! [`Store::recover`], or by the next run that writes to the same file.

mod archive;
mod base;
mod cpu;
mod diff;
mod digest;
mod ecosystem;
mod error;
mod gc;
mod lanes;
mod name;
mod observer;
mod pack;
mod pages;
mod profile;
mod quote;
mod read;
mod restore;
mod sidecar;
mod sign;
mod store;
mod subtrees;
mod text;
mod tree;
mod verify;

pub use archive::{DeltaFrame, DeltaFrameError, SeekTable, SeekTableError, SeekTableFrame};
pub use base::{Base, Stamps};
pub use diff::{Aspect, ChangedEntry, DiffEntry, PelletDiff, diff};
pub use digest::{Digest, DigestError};
pub use ecosystem::{Ecosystem, Expected, SelfTest, Shape, self_tests};
pub use error::{ErrorKind, PackError};
pub use gc::{
    GcItem, GcPlan, GcPolicy, GcRemoval, GcWhy, ListedDelta, ListedLayer, ListedPellet, Listing,
    list, plan as gc_plan, remove,
};
pub use name::{NameError, PelletName};
pub use observer::{Milestone, PackObserver, Phase, Progress, Unobserved};
pub use pack::{Destination, PackOptions, Packed, pack};
pub use profile::{Parameters, Profile, UnknownProfile};
pub use read::{
    Extent, ForeignEntry, Limits, PathOdd, ReadError, ReadErrorKind, SafePath, TarEntry, TarError,
    TarKind, TarOdd, TarReader, Xattr, list_foreign,
};
pub use restore::{
    Relocate, RestoreObserver, RestoreOptions, RestorePhase, Restored, UnknownRelocate, Unwatched,
    Way, restore, sweep_beside,
};
pub use sidecar::{
    DELTA_SCHEMA_VERSION, Delta, EntryKind, Layer, LockFile, Origin, RawPath, SCHEMA_VERSION,
    Sidecar, SidecarAttribute, SidecarEntry, SidecarError, SidecarFrame, Totals,
};
pub use sign::{KeyError, SidecarSignature, SigningKey, VerifyingKey};
pub use store::{Removed, RemovedWhy, Store, StoredPellet};
pub use tree::{Skipped, SpecialKind};
pub use verify::{Finding, Verified, VerifyOptions, verify};

#[cfg(test)]
mod tests;
