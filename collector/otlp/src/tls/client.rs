//! The connecting side.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::TlsError;
use super::files::{ClientFiles, authorities, certificates, key, provider, unusable};
use super::reload::Reloading;

/// TLS towards a server; clones are one.
#[derive(Debug, Clone)]
pub struct ClientTls {
    configs: Arc<Reloading<Configs>>,
    server_name: Option<ServerName<'static>>,
}

/// They differ in the protocols they offer.
struct Configs {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl ClientTls {
    /// Reads the files, and the system's authorities where no file names some.
    pub fn load(files: ClientFiles) -> Result<Self, TlsError> {
        let named = |name: &String| {
            ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name.clone()))
        };
        let server_name = files.server_name.as_ref().map(named).transpose()?;
        let mut paths = Vec::new();
        paths.extend(files.cert_and_key.clone().into_iter().flat_map(|(cert, key)| [cert, key]));
        paths.extend(files.ca_file.clone());
        let interval = files.reload_interval;
        let make = move |contents: &[Vec<u8>]| configs(&files, contents);
        let configs = Arc::new(Reloading::load(paths, interval, make)?);
        Ok(Self { configs, server_name })
    }

    /// Shakes hands over `stream` with the server called `host`.
    pub(crate) async fn connect(
        &self,
        host: &str,
        http2: bool,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
        };
        let configs = self.configs.current();
        let config = if http2 { &configs.http2 } else { &configs.http1 };
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }
}

/// `contents` in the order of the paths above.
fn configs(files: &ClientFiles, contents: &[Vec<u8>]) -> Result<Configs, TlsError> {
    let (own, trusted) = contents.split_at(if files.cert_and_key.is_some() { 2 } else { 0 });
    let roots = match (&files.ca_file, trusted) {
        (Some(path), [pem, ..]) => authorities(path, pem)?,
        _ => authorities_of_the_system()?,
    };
    let place = files.ca_file.as_deref().unwrap_or("the system's authorities".as_ref());
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable(place))?
        .with_root_certificates(roots);
    let http1 = match (&files.cert_and_key, own) {
        (Some((cert_file, key_file)), [cert, private, ..]) => builder
            .with_client_auth_cert(certificates(cert_file, cert)?, key(key_file, private)?)
            .map_err(unusable(cert_file))?,
        _ => builder.with_no_client_auth(),
    };
    let mut http2 = http1.clone();
    http2.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Configs { http1: Arc::new(http1), http2: Arc::new(http2) })
}

fn authorities_of_the_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A few that do not parse are everywhere; none at all is a fault.
    let (n_added, _) = roots.add_parsable_certificates(found.certs);
    if n_added == 0 {
        let why = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(TlsError::NoAuthorities(why));
    }
    Ok(roots)
}
