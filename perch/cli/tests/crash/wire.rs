//! One sender's way to the collector, and how it reads replies: to the letter.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::client::{ClientOptions, ErrorKind, GrpcClient};
use collector_otlp::{Limits, Signal};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tokio::net::TcpStream;

const PROTOBUF: &str = "application/x-protobuf";

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// All of it was taken.
    Acked,
    /// It was refused as it should be refused; with the status.
    Refused(String),
    /// Nobody was there to be sent to.
    Nobody,
    /// There was no reply.
    Nothing,
    /// A reply that must not be.
    Wrong(String),
}

/// A connection, or what makes one.
pub(crate) enum Wire {
    Http(Option<(SocketAddr, SendRequest<Full<Bytes>>)>),
    Grpc(Option<(SocketAddr, Box<GrpcClient>)>),
}

/// `google.rpc.Status`; the field numbers are those of its definition.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

impl Wire {
    pub(crate) fn http() -> Self {
        Self::Http(None)
    }

    pub(crate) fn grpc() -> Self {
        Self::Grpc(None)
    }

    /// Sends one body and reads the reply; a broken connection is made anew by the next attempt.
    pub(crate) async fn send(&mut self, to: SocketAddr, signal: Signal, body: Vec<u8>) -> Said {
        match self {
            Self::Http(connection) => {
                let said = over_http(connection, to, signal, body).await;
                said.unwrap_or_else(|_| {
                    *connection = None;
                    Said::Nothing
                })
            }
            Self::Grpc(client) => over_grpc(client, to, signal, body).await,
        }
    }
}

async fn over_http(
    connection: &mut Option<(SocketAddr, SendRequest<Full<Bytes>>)>,
    to: SocketAddr,
    signal: Signal,
    body: Vec<u8>,
) -> Result<Said, Box<dyn std::error::Error + Send + Sync>> {
    if connection.as_ref().is_none_or(|(known, send)| *known != to || send.is_closed()) {
        let Ok(stream) = TcpStream::connect(to).await else { return Ok(Said::Nobody) };
        let (send, driving) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driving);
        *connection = Some((to, send));
    }
    let Some((_, send)) = connection else { return Ok(Said::Nothing) };
    send.ready().await?;
    let request = Request::post(signal.http_path())
        .header(HOST, to.to_string())
        .header(CONTENT_TYPE, PROTOBUF)
        .body(Full::new(Bytes::from(body)))?;
    let (head, body) = send.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(judge(head.status, &head.headers, &body))
}

/// The table of replies, as far as a sender of sound requests may see it.
fn judge(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Said {
    let wrong = |what: &str| Said::Wrong(format!("{status}: {what}"));
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != PROTOBUF) {
        return wrong("the reply is not in the request's own form");
    }
    if status == StatusCode::OK {
        return match ExportTraceServiceResponse::decode(body.clone()) {
            Ok(reply) if reply.partial_success.is_none() => Said::Acked,
            Ok(_) => wrong("part of a sound request was refused"),
            Err(_) => wrong("the body is no response"),
        };
    }
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        _ => return wrong(&format!("{:?}", RpcStatus::decode(body.clone()))),
    };
    let wait = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if wait.is_none_or(|seconds| seconds == 0) {
        return wrong("there is no Retry-After");
    }
    match RpcStatus::decode(body.clone()) {
        Ok(said) if said.code == code && !said.message.is_empty() => {
            Said::Refused(format!("HTTP {}", status.as_u16()))
        }
        said => wrong(&format!("the body is not its status: {said:?}")),
    }
}

async fn over_grpc(
    client: &mut Option<(SocketAddr, Box<GrpcClient>)>,
    to: SocketAddr,
    signal: Signal,
    body: Vec<u8>,
) -> Said {
    if client.as_ref().is_none_or(|(known, _)| *known != to) {
        let options = ClientOptions { timeout: Duration::from_secs(60), ..Default::default() };
        let made = GrpcClient::new(&format!("http://{to}"), options).unwrap();
        *client = Some((to, Box::new(made)));
    }
    let Some((_, client)) = client else { return Said::Nothing };
    let request = collector_otlp::Request::prove(signal, body.into(), &Limits::default()).unwrap();
    match client.export(&request).await {
        Ok(taken) if taken.n_rejected == 0 => Said::Acked,
        Ok(taken) => Said::Wrong(format!("part of a sound request was refused: {taken:?}")),
        Err(error) => match (error.code.as_str(), error.kind) {
            ("RESOURCE_EXHAUSTED" | "UNAVAILABLE", ErrorKind::Retryable { after: Some(_) }) => {
                Said::Refused(error.code)
            }
            ("CONNECT", _) => Said::Nobody,
            ("TRANSPORT" | "TIMEOUT" | "REPLY", _) => Said::Nothing,
            _ => Said::Wrong(error.to_string()),
        },
    }
}
