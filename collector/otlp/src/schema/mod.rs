//! The messages of OTLP as static tables: one source for the shape check and the JSON transcoder.
//!
//! *Invariants*
//! 1. Field numbers are below 32, so that one word remembers which fields were seen.
//! 2. A message has at most one `oneof`.

mod common;
mod logs;
mod metrics;
mod table;
mod traces;

pub use table::{EnumNames, Field, Kind, Label, Message};

use crate::Signal;

/// The table of a signal's export request.
pub fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &traces::REQUEST,
        Signal::Metrics => &metrics::REQUEST,
        Signal::Logs => &logs::REQUEST,
    }
}
