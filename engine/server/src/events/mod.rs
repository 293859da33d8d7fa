//! The event log over REST and WebSocket.
//!
//! # Invariants
//! 1. A watcher that gives the last revision it saw gets every later event once and in order.
//! 2. A watcher that does not read is closed; it holds at most one page of events in memory.

mod model;
mod routes;
mod socket;

pub(crate) use model::EventShape;
pub(crate) use routes::{__path_list_events, __path_watch_events, list_events, watch_events};
