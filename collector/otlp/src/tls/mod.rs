//! TLS for both sides: certificates out of PEM files, read anew when these change.
//!
//! *Invariants*
//! 1. A file that cannot be read or used after a change leaves what was read before in force; that is logged.
//! 2. There is no way to trust any certificate: a client knows its authorities by file or by the system.
//! 3. Only TLS 1.2 and 1.3, with the suites that rustls holds safe.
//!
//! *Not here*: connections that stand. They go on with the certificate they began with.

mod client;
mod error;
mod files;
mod reload;
mod server;

pub use client::ClientTls;
pub use error::TlsError;
pub use files::{ClientFiles, ServerFiles};
pub use server::ServerTls;

pub(crate) use reload::Reloading;
