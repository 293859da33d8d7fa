//! An exporter and a receiver that know each other by certificates and a token, both built from configuration.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use collector_nodes::REGISTRY;
use collector_otlp::admission::Budget;
use collector_otlp::{Limits, Request};
use collector_pipeline::Signal;
use collector_pipeline::config::{ComponentId, Tree};
use collector_pipeline::graph::{Admission, Intake};
use collector_pipeline::node::{Begun, NodeContext, Started};
use collector_telemetry::Metrics;
use durable_fs::SystemClock;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_util::sync::CancellationToken;

fn context(id: &str) -> NodeContext {
    NodeContext {
        id: ComponentId::parse(id).unwrap(),
        clock: Arc::new(SystemClock::new()),
        metrics: Metrics::new(),
        budget: Budget::default(),
        part_bytes: 1 << 20,
    }
}

/// An authority's certificate, one it gave to `localhost` with its key, and a file with a token.
fn write_files(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate().unwrap();
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    put("ca.pem", params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
    put("own.pem", names.signed_by(&key, &issuer).unwrap().pem());
    put("own.key", key.serialize_pem());
    put("token", "s3cret\n".to_owned());
}

fn one_log() -> Request {
    // resource_logs { scope_logs { log_records {} } }
    let bytes = Bytes::from_static(&[0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]);
    Request::prove(Signal::Logs, bytes, &Limits::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_tokens_of_the_configuration_are_used_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let at = folder.path().display();
    let own = format!("cert_file: {at}/own.pem, key_file: {at}/own.key");
    let auth = format!("auth: {{filename: {at}/token}}");
    let listen =
        format!("endpoint: '127.0.0.1:0', tls: {{{own}, client_ca_file: {at}/ca.pem}}, {auth}");
    let settings = format!("protocols: {{grpc: {{{listen}}}, http: {{{listen}}}}}");
    let kind = REGISTRY.receiver("otlp").ok().unwrap();
    let receiver = (kind.build)(&Tree::parse(&settings).unwrap(), &context("otlp")).unwrap();
    let stop = CancellationToken::new();
    let intake = Intake::new(|_| Admission::Accepted);
    let Started { bound, work } = receiver.start(intake, stop.clone()).await.unwrap();
    let served = tokio::spawn(work);

    for (transport, name) in [("grpc", "otlp_grpc"), ("http", "otlp_http")] {
        let port = bound.iter().find(|b| b.transport == transport).unwrap().addr.port();
        let kind = REGISTRY.exporter(name).ok().unwrap();
        let export = async |settings: String| {
            let settings = format!("endpoint: https://localhost:{port}\n{settings}");
            let exporter = (kind.build)(&Tree::parse(&settings).unwrap(), &context(name)).unwrap();
            exporter.export(&one_log(), &Begun::default()).await.map_err(|error| error.to_string())
        };
        let delivered =
            export(format!("tls: {{ca_file: {at}/ca.pem, {own}}}\n{auth}")).await.unwrap();
        assert!(delivered.dropped.is_empty(), "{name}");
        let no_token = export(format!("tls: {{ca_file: {at}/ca.pem, {own}}}")).await.unwrap_err();
        assert!(no_token.contains("credentials"), "{name}: {no_token}");
        assert!(export(format!("tls: {{ca_file: {at}/ca.pem}}\n{auth}")).await.is_err(), "{name}");
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
}
