//! Which files there are, and reading what is in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, RootCertStore};

use super::error::TlsError;

/// What a server shows, and whom it lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, with those that lead to an authority behind it.
    pub cert_file: PathBuf,
    /// The key of its certificate.
    pub key_file: PathBuf,
    /// Authorities of clients; where it is named, a client without a certificate of theirs gets no connection.
    pub client_ca_file: Option<PathBuf>,
    /// How often the files are looked at, at most, and only when somebody connects; `None`: never again.
    pub reload_interval: Option<Duration>,
}

/// Whom a client trusts, and what it shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// Authorities of servers; those of the system where it is not named.
    pub ca_file: Option<PathBuf>,
    /// Its certificate and the key of it, for servers that ask.
    pub cert_and_key: Option<(PathBuf, PathBuf)>,
    /// The name the server's certificate must have, where it is not the endpoint's.
    pub server_name: Option<String>,
    /// As for servers.
    pub reload_interval: Option<Duration>,
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let empty = || TlsError::Empty { path: path.to_owned(), what: "certificate" };
    found.ok().filter(|found| !found.is_empty()).ok_or_else(empty)
}

pub(super) fn key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| TlsError::Empty { path: path.to_owned(), what: "private key" })
}

pub(super) fn authorities(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        roots.add(certificate).map_err(unusable(path))?;
    }
    Ok(roots)
}

pub(super) fn unusable(path: &Path) -> impl Fn(rustls::Error) -> TlsError {
    move |source| TlsError::Unusable { path: path.to_owned(), source }
}
