//! `perch bench send`: makes items, sends them, and says what became of each.
//!
//! With a rate, requests are due at fixed times whatever the other side does, and latency counts
//! from the time a request was due: a stall shows in all requests it held up. Without one, each
//! place in flight sends its next request when the last one is settled.

mod account;
mod args;
mod latency;
mod report;
mod source;
mod verdict;
mod work;

pub(super) use args::{SendArgs, run};
