//! The SLO tracker: counts good and bad events of objectives where telemetry passes, before any sampling.
//!
//! ```text
//! config ─▶ objectives ─▶ count (spans, counters) ─▶ account: ring, groups, spending ─▶ view ─▶ API, metrics
//!                                                              │
//!                                                            state (with the cursor, in one checkpoint)
//! ```
//!
//! # Invariants
//! 1. An event counts at the instant its record entered the log, which stands in the record: a replay counts it there
//!    again. Windows end with the bucket that holds `now` and are multiples of buckets long; within that they are exact
//!    to the event.
//! 2. Memory is bounded: an objective's buckets by [`max_bytes`], its groups by `max_groups` and all of them by the size
//!    of a checkpoint, causes and traces by number, counter series by `max_series`.
//! 3. What is not known is said: how long was counted, what was missed, what is in no group of its own.
//!
//! # Not here
//! Sampling, alerting, and sending: a tier's condition is shown here and fires in Prometheus.
//!
//! # Failure
//! A crash costs nothing that the log still holds. A state that cannot be read is told, and counting begins anew.

mod account;
mod burn;
mod bytes;
mod config;
mod count;
mod counts;
mod fingerprint;
mod groups;
mod objective;
mod objectives;
mod policy;
mod publish;
mod replay;
mod ring;
mod spending;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod tracked;
mod tracker;
mod view;

pub use burn::{exhausted_in, fires, left, rate};
pub use counts::{Counts, Sum};
pub use objective::{Counted, Objective};
pub use objectives::{BadCondition, Limits, Objectives};
pub use policy::{Policy, PolicyState};
pub use publish::publish;
pub use replay::{Alert, replay};
pub use ring::{FINE_REACH, Reach, Resolution, Series, begin, max_bytes};
pub use spending::MAX_CAUSES;
pub use status::{
    CauseStatus, GroupStatus, History, Status, TierStatus, TraceStatus, WindowStatus,
};
pub use time::{Moment, Timeline};
pub use tracked::{BadState, Tracked};
pub use tracker::{DEFAULTS, KIND, Tracker};
pub use view::View;
