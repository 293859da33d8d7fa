//! Layered configuration of the Engine, with the origin of every value.
//!
//! Defaults, `nestr.yaml`, `nestr.<profile>.yaml`, `NESTR__SECTION__KEY` and flags, each laid over the one before.
//! [`Sources`] gathers the layers, [`Sources::load`] resolves them into a checked [`Config`].
//!
//! # Invariants
//! 1. Every key stands in [`Key`]; a key that does not is refused, wherever it comes from.
//! 2. Every value of a [`Config`] knows its [`Origin`].
//! 3. A [`Secret`] is never printed, serialised or part of an error.
//!
//! # Not here
//! Reading the process environment and choosing exit codes: the command hands its environment in. Hot reload.
//!
//! # Failure
//! All problems are reported at once, each with file, line and column, or the variable or flag it came from.

mod config;
mod error;
mod key;
mod origin;
mod resolve;
mod secret;
mod sources;
#[cfg(test)]
mod tests;
mod yaml;

pub use config::{Config, Described, Log, LogFormat, LogLevel, Pellets, Perch, Server, Telemetry};
pub use error::{ConfigError, Problem};
pub use key::Key;
pub use origin::Origin;
pub use secret::Secret;
pub use sources::Sources;
