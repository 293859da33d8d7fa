//! Perch's answers for the page: a read-only proxy to a fixed base with a closed list of paths.
//!
//! # Invariants
//! 1. Only GET, only paths on the list, only the configured base; neither token nor cookie goes along.

mod allowed;
mod routes;

pub(crate) use routes::{__path_ask_perch, Perch, ask_perch};
