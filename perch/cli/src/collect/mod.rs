//! `perch collect`: the collector with its local store and API, in one process.
//!
//! # Failure
//! On a signal receivers refuse, what waits is sent for ten seconds and the rest is told: on disk it waits for the next
//! start, in memory it is lost. The API answers until the end, and is not ready from the signal on. On SIGHUP, or when
//! the file says something else, the configuration is read again and what differs is exchanged: one with faults changes
//! nothing, and one that cannot be put in force gives way to the one before.

mod account;
mod instance;
mod reload;
mod run;
mod tell;
mod watch;

pub(crate) use run::{CollectArgs, run};
