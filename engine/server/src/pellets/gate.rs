//! Keeps packing and removing apart where both touch one Pellet.
//!
//! A packing whose archive the store holds already gives up its own copy and records the digest a moment
//! later. Were that Pellet removed in between, a row would name files that are gone. So a packing passes the
//! gate from the moment at which it looks into the store until its row is committed, many at once; a
//! removal passes alone, from its row to its files.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The gate of one store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<RwLock<()>>);

/// A packing that is passing.
pub(crate) type Publishing = OwnedRwLockReadGuard<()>;

/// The removal that is passing.
pub(crate) type Removing = OwnedRwLockWriteGuard<()>;

impl Gate {
    /// Waits until no removal is under way.
    pub(crate) async fn publish(&self) -> Publishing {
        Arc::clone(&self.0).read_owned().await
    }

    /// Waits until nobody else passes; packings that come later wait for it.
    pub(crate) async fn remove(&self) -> Removing {
        Arc::clone(&self.0).write_owned().await
    }
}
