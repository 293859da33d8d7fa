//! Why TLS cannot be had.

use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls;

/// Certificates or keys that cannot be used. Never holds what stands in a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM form", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// What was read is refused.
    #[error("{} cannot be used: {source}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The system knows no authorities.
    #[error("the system has no certificate authorities ({0}); name a ca_file")]
    NoAuthorities(String),
    /// A name that no certificate can have.
    #[error("{0:?} is not a server's name")]
    ServerName(String),
}
