//! Pellets over REST: packing, restoring and verifying as operations, the list of what was packed, what
//! differs between two, and their removal.
//!
//! # Invariants
//! 1. A Pellet is listed exactly if its row was committed, together with the end of its operation and its event.
//! 2. Only trees beneath a configured root are packed, judged after all symbolic links are resolved.
//! 3. A Pellet that another one needs is not removed, and no row names files that were.
//! 4. A request that is refused leaves a failed span, a counter and an event, like one that fails later.
//!
//! # Not here
//! The format of a Pellet: see `nestr-pellets`.

mod collection;
mod compress;
mod cost;
mod diff;
mod entries;
mod gate;
mod idempotency;
mod job;
mod jobs;
mod keeper;
mod model;
mod observer;
mod offline;
mod problems;
mod proof;
mod readback;
mod recovery;
mod removal;
mod roots;
mod routes;
pub(crate) mod rows;
mod sidecar;
mod traced;
mod traced_restore;

/// What an event is about that concerns no one Pellet.
const SUBJECT: &str = "pellets";

pub(crate) use collection::{__path_collect_pellets, collect_pellets};
pub(crate) use compress::{__path_compress_pellet, compress_pellet};
pub use cost::Cost;
pub(crate) use diff::{__path_diff_pellets, diff_pellets};
pub(crate) use entries::{__path_list_pellet_entries, list_pellet_entries};
pub(crate) use gate::Gate;
pub(crate) use jobs::Jobs;
pub use offline::{CollectError, collect_offline};
pub use proof::{Proof, ProofOutcome, Tested, Verdict, prove, traced_proof};
pub(crate) use readback::{
    __path_restore_pellet, __path_verify_pellet, restore_pellet, verify_pellet,
};
pub(crate) use recovery::recover;
pub(crate) use removal::{__path_delete_pellet, delete_pellet};
pub(crate) use roots::Roots;
pub(crate) use routes::{__path_list_pellets, __path_show_pellet, list_pellets, show_pellet};
pub(crate) use sidecar::Sidecars;
pub use traced::TracedPacking;
pub use traced_restore::TracedRestore;
