//! TLS, mutual TLS and bearer tokens on both transports, with certificates made for the occasion.

use std::path::PathBuf;
use std::time::Duration;

use collector_otlp::client::{ClientOptions, ExportError, GrpcClient, HttpClient};
use collector_otlp::server::{Refusal, ServerOptions};
use collector_otlp::tls::{ClientFiles, ClientTls, ServerFiles, ServerTls};
use collector_otlp::{BearerTokens, Limits, Request, Signal};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::{Server, one_span, send, within};

/// An authority and the folder its files lie in.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for `localhost` and its key, as PEM.
    fn issue(&self) -> (String, String) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// The same in files of that name.
    fn issue_to(&self, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue();
        let files = (self.file(&format!("{name}.pem")), self.file(&format!("{name}.key")));
        std::fs::write(&files.0, certificate).unwrap();
        std::fs::write(&files.1, key).unwrap();
        files
    }

    fn server_files(&self, client_ca_file: Option<PathBuf>) -> ServerFiles {
        let (cert_file, key_file) = self.issue_to("server");
        let reload_interval = Some(Duration::ZERO);
        ServerFiles { cert_file, key_file, client_ca_file, reload_interval }
    }

    /// Trusts this authority.
    fn client_files(&self) -> ClientFiles {
        ClientFiles { ca_file: Some(self.file("ca.pem")), ..Default::default() }
    }
}

async fn serve(files: ServerFiles) -> Server {
    let tls = Some(ServerTls::load(files).unwrap());
    Server::start_with(ServerOptions { tls, ..Default::default() }).await
}

/// Sends a span over both transports, each on a new connection.
async fn export(server: &Server, files: ClientFiles) -> [Result<(), ExportError>; 2] {
    export_as(
        server,
        ClientOptions { tls: Some(ClientTls::load(files).unwrap()), ..Default::default() },
    )
    .await
}

async fn export_as(server: &Server, options: ClientOptions) -> [Result<(), ExportError>; 2] {
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let span = Request::prove(Signal::Traces, one_span("a").into(), &Limits::default()).unwrap();
    let grpc = format!("{scheme}://localhost:{}", server.grpc.port());
    let grpc = GrpcClient::new(&grpc, options.clone()).unwrap();
    let http = HttpClient::new(&format!("{scheme}://{}", server.http), options).unwrap();
    [within(grpc.export(&span)).await.map(drop), within(http.export(&span)).await.map(drop)]
}

#[tokio::test]
async fn both_transports_speak_tls_to_those_who_trust_them() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = serve(ours.server_files(None)).await;
    assert!(export(&server, ours.client_files()).await.iter().all(Result::is_ok));
    assert_eq!(server.taken().len(), 2);

    for result in export(&server, other.client_files()).await {
        let error = result.unwrap_err();
        assert_eq!(error.code, "CONNECT");
        assert!(error.message.contains("certificate"), "{error:?}");
    }
    let elsewhere =
        ClientFiles { server_name: Some("elsewhere.example".into()), ..ours.client_files() };
    assert!(export(&server, elsewhere).await.iter().all(Result::is_err));
    assert!(export_as(&server, ClientOptions::default()).await.iter().all(Result::is_err), "plain");
    assert!(server.taken().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn mutual_tls_lets_in_only_those_our_authority_knows() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = serve(ours.server_files(Some(ours.file("ca.pem")))).await;
    let with = |cert_and_key| ClientFiles { cert_and_key, ..ours.client_files() };
    let results = export(&server, with(Some(ours.issue_to("client")))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(server.taken().len(), 2);
    assert!(export(&server, with(None)).await.iter().all(Result::is_err));
    assert!(export(&server, with(Some(other.issue_to("client")))).await.iter().all(Result::is_err));
    assert!(server.taken().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn certificates_change_under_a_running_server_and_a_running_client() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = old.server_files(None);
    let server = serve(files.clone()).await;
    let trusted = old.file("trusted.pem");
    std::fs::copy(old.file("ca.pem"), &trusted).unwrap();
    let reload_interval = Some(Duration::ZERO);
    let client =
        ClientFiles { ca_file: Some(trusted.clone()), reload_interval, ..Default::default() };
    let tls = Some(ClientTls::load(client).unwrap());
    let options = ClientOptions { tls, ..Default::default() };
    let all_ok = async || export_as(&server, options.clone()).await.iter().all(Result::is_ok);
    assert!(all_ok().await);

    std::fs::write(&files.cert_file, "no certificate").unwrap();
    assert!(all_ok().await, "what was read before stays in force");

    let (certificate, key) = new.issue();
    std::fs::write(&files.cert_file, certificate).unwrap();
    assert!(all_ok().await, "a certificate without its key cannot be used");
    std::fs::write(&files.key_file, key).unwrap();
    assert!(!all_ok().await, "the client knows the old authority alone");
    std::fs::copy(new.file("ca.pem"), &trusted).unwrap();
    assert!(all_ok().await);
    server.stop().await;
}

#[tokio::test]
async fn who_never_ends_the_handshake_loses_the_connection() {
    let authority = Authority::new();
    let tls = Some(ServerTls::load(authority.server_files(None)).unwrap());
    let header_timeout = Duration::from_millis(100);
    let options = ServerOptions { tls, header_timeout, ..Default::default() };
    let server = Server::start_with(options).await;
    for address in [server.grpc, server.http] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut nothing = Vec::new();
        assert_eq!(within(stream.read_to_end(&mut nothing)).await.unwrap_or(0), 0);
    }
    server.stop().await;
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let files = authority.server_files(None);
    let said = |change: &dyn Fn(&mut ServerFiles)| {
        let mut files = files.clone();
        change(&mut files);
        ServerTls::load(files).unwrap_err().to_string()
    };
    let absent = said(&|files| files.key_file = authority.file("absent.key"));
    assert!(absent.contains("cannot read") && absent.contains("absent.key"), "{absent}");
    let no_key = said(&|files| files.key_file = files.cert_file.clone());
    assert!(no_key.ends_with("server.pem holds no private key in PEM form"), "{no_key}");
    let no_certificate = said(&|files| files.cert_file = files.key_file.clone());
    assert!(no_certificate.ends_with("server.key holds no certificate in PEM form"));
    let others = authority.issue_to("other").1;
    let mismatch = said(&|files| files.key_file = others.clone());
    assert!(mismatch.contains("server.pem cannot be used"), "{mismatch}");
    let wrong = ClientFiles { server_name: Some("not a name".into()), ..authority.client_files() };
    assert!(ClientTls::load(wrong).unwrap_err().to_string().contains("not a name"));
}

#[tokio::test]
async fn a_token_is_asked_for_before_anything_is_read() {
    let tokens = Some(BearerTokens::of(["s3cret".to_owned()]));
    let server = Server::start_with(ServerOptions { tokens, ..Default::default() }).await;
    let bearing = |value: &'static str| {
        let headers = vec![(AUTHORIZATION, HeaderValue::from_static(value))];
        ClientOptions { headers, ..Default::default() }
    };
    assert!(export_as(&server, bearing("Bearer s3cret")).await.iter().all(Result::is_ok));
    let token = Some(BearerTokens::of(["s3cret".to_owned()]));
    let options = ClientOptions { token, ..Default::default() };
    assert!(export_as(&server, options).await.iter().all(Result::is_ok));
    assert_eq!(server.taken().len(), 4);
    for options in [bearing("Bearer wrong"), ClientOptions::default()] {
        let [grpc, http] = export_as(&server, options).await;
        assert_eq!(grpc.unwrap_err().code, "UNAUTHENTICATED");
        assert_eq!(http.unwrap_err().code, "HTTP 401");
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Unauthenticated); 2]);
    }
    let url = format!("http://{}/v1/traces", server.http);
    let bad = send("POST", url, &[("content-type", "application/json")], "not json", false).await;
    assert_eq!((bad.status, bad.header("www-authenticate")), (401, "Bearer"));
    assert!(server.taken().is_empty());
    server.stop().await;
}
