//! Events by time: buckets, and sums over windows that move along.
//!
//! ```text
//! events ─▶ open bucket ─▶ tape (closed buckets, oldest first) ◀─ one place and one sum per window
//! ```
//!
//! # Invariants
//! 1. [`Reach::start`] is the one definition of a window: an event at `t` is in the window at `now` if
//!    `start ≤ bucket(t)`, and buckets are multiples of the step. Running sums and the oracle of the tests use it alike.
//! 2. Time that passes without events takes neither memory nor work.
//! 3. Asking changes nothing: what a window shows depends on the events and on `now` alone.

mod calendar;
mod series;
mod tape;
mod track;

pub use calendar::begin;
pub use series::{FINE_REACH, Resolution, Series, max_bytes};
pub use track::Reach;
