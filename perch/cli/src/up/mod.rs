//! `perch up`: the Engine, the collector and the servers found on this machine, started, wired,
//! watched and stopped together.
//!
//! The order of the files is the order of events: [`options`] resolves the flags, [`listeners`]
//! claims the ports, [`backends`] and [`plan`] decide what to run with which files, [`supervisor`]
//! runs it, [`report`] says what runs where, [`demo`] makes the first Pellet.
//!
//! # Invariants
//! 1. Before a port conflict is reported nothing was started.
//! 2. However `perch up` ends, no process that it started stays: by order where it can act, through
//!    the parent-death signal of [`crate::guard`] where it was killed.
//! 3. The token is printed to a terminal or in `--json`, never in a URL or a log line.
//!
//! # Failure
//! Engine and collector are required: if one does not become ready, everything is stopped and the
//! exit code is 1. A backend that fails is shown as failed, the rest goes on. What was ready once is
//! restarted with back-off when it dies.

mod backends;
mod demo;
mod fleet;
mod listeners;
mod options;
mod owner;
mod plan;
mod process;
mod report;
mod run;
mod state_dir;
mod supervisor;
mod token;

pub(crate) use options::{UpArgs, cache_dir, is_executable, on_path};
pub(crate) use run::run;
