//! The listening side.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::server::TlsStream;

use super::error::TlsError;
use super::files::{ServerFiles, authorities, certificates, key, provider, unusable};
use super::reload::Reloading;

/// TLS of a listener; clones are one.
#[derive(Debug, Clone)]
pub struct ServerTls {
    config: Arc<Reloading<Arc<ServerConfig>>>,
    knows_clients: bool,
}

impl ServerTls {
    /// Reads the files.
    pub fn load(files: ServerFiles) -> Result<Self, TlsError> {
        let mut paths = vec![files.cert_file.clone(), files.key_file.clone()];
        paths.extend(files.client_ca_file.clone());
        let (interval, knows_clients) = (files.reload_interval, files.client_ca_file.is_some());
        let make = move |contents: &[Vec<u8>]| config(&files, contents).map(Arc::new);
        let config = Arc::new(Reloading::load(paths, interval, make)?);
        Ok(Self { config, knows_clients })
    }

    /// Whether clients must show a certificate.
    #[must_use]
    pub fn knows_clients(&self) -> bool {
        self.knows_clients
    }

    /// Shakes hands with whoever connected; the caller bounds the time.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&*self.config.current())).accept(stream).await
    }
}

/// `contents` in the order of the paths above.
fn config(files: &ServerFiles, contents: &[Vec<u8>]) -> Result<ServerConfig, TlsError> {
    let [cert, private, rest @ ..] = contents else {
        return Err(TlsError::Empty { path: files.cert_file.clone(), what: "certificate" });
    };
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable(&files.cert_file))?;
    let builder = match (&files.client_ca_file, rest) {
        (Some(path), [pem, ..]) => {
            let roots = Arc::new(authorities(path, pem)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let empty = |_: VerifierBuilderError| TlsError::Empty {
                path: path.clone(),
                what: "certificate authority",
            };
            builder.with_client_cert_verifier(verifier.map_err(empty)?)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(certificates(&files.cert_file, cert)?, key(&files.key_file, private)?)
        .map_err(unusable(&files.cert_file))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
