//! Brings a Pellet back: all of it at once, or the old tree stays.
//!
//! ```text
//! <parent>/.nestr-restore.<random>.partial/     being built; the folder is locked by its builder
//!                                  tree/…
//! <parent>/TARGET                               exchanged with tree/, or tree/ renamed to it
//! ```
//!
//! Threads take frame after frame, decode it portion by portion, compare each entry with the sidecar and each
//! content with its digest, and create what it says below a directory descriptor of the new tree. A large
//! file is brought back in pieces by all who decode some of it; who finds no frame left is given portions by
//! the others. Directories are
//! made when the first entry below them comes; scripts that name the path of the tree are rewritten where
//! it moves; hard links, then the modes and times of directories,
//! follow when all files are there. One rename then gives the tree its name, and the old tree is
//! removed from the folder to which the exchange took it.
//!
//! # Invariants
//! 1. Until that rename the target is as it was; from then on it is the new tree. There is no third state,
//!    whenever the process ends.
//! 2. Nothing is created but below the new tree: every directory is opened beneath its root without
//!    following any link, every file is created new, and no link in the tree is ever followed.
//! 3. A file is not shared with anything outside the tree unless that was asked for.
//!
//! # Not here
//! Owners, setuid, setgid and sticky bits, attributes outside `user.`: they are not brought back.
//!
//! # Failure
//! An error leaves the target as it was. What a killed process leaves is removed by the next restore
//! into the same folder. After a power cut the new tree may have its name before its content unless
//! [`RestoreOptions::sync`] was set.

mod builder;
mod cache;
mod dirs;
mod extract;
mod finish;
mod foreign;
mod job;
mod large;
mod one;
mod only;
mod options;
mod place;
mod relocate;
mod run;
mod share;
mod units;
mod workers;

pub use options::{
    Relocate, RestoreObserver, RestoreOptions, RestorePhase, Restored, UnknownRelocate, Unwatched,
    Way,
};
pub use place::sweep_beside;
pub use run::restore;
pub(crate) use workers::run as run_units;

#[cfg(test)]
mod tests;
