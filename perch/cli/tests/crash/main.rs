//! The collector as a process among processes that fail: killed at any instant, its backends away, offered twice what
//! it can pass on, its disk full.
//!
//! `NESTR_CRASH_SEED` repeats the choices of a run; `PERCH_SOAK_CYCLES` and `PERCH_SOAK_SECONDS` make it longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly and say what they measured"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod batch;
mod checkpoints;
mod full_disk;
mod journal;
mod kill;
mod oracle;
mod outage;
mod overload;
mod rng;
mod sender;
mod sink;
mod site;
mod taken;
mod translated;
mod wire;
