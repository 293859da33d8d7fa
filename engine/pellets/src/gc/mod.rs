//! Which Pellets of a store go, and their going.
//!
//! A pure plan says which and why; who holds the record of the store carries it out: first the record,
//! then [`remove`]. What dies between the two is what `Store::recover` removes anyway.

mod list;
mod plan;
mod remove;

pub use list::{ListedDelta, ListedLayer, ListedPellet, Listing, list};
pub use plan::{GcItem, GcPlan, GcPolicy, GcRemoval, GcWhy, plan};
pub use remove::remove;

#[cfg(test)]
mod tests;
