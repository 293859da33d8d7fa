//! The SLO compiler: reads objectives and writes Prometheus rules, tests of those rules, Alertmanager
//! routes and runbooks.
//!
//! A pure function from texts to texts: the same files and options give the same bytes.
//!
//! # Invariants
//! 1. Nothing of a specification is left out silently: a key that has no effect here is an error with
//!    its place ([`finding`]).
//! 2. No file, clock or process is touched; callers read and write.
//! 3. What a generated test asserts is computed ([`burn`]), never observed.
//!
//! # Not here
//! Counting of spans and metrics: that is the tracker's, which reads the same model.

pub mod burn;
pub mod check;
mod code;
pub mod compile;
pub mod finding;
pub mod length;
pub mod model;
pub mod number;
pub mod plan;
pub mod promql;
pub mod proof;
pub mod routes;
pub mod rules;
pub mod runbook;
pub mod spec;
pub mod windows;
pub mod yaml;
