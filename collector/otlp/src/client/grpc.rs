//! OTLP/gRPC, client side.

use std::time::Duration;

use bytes::buf::Chain;
use bytes::{Buf as _, Bytes};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::Full;

use super::options::ClientOptions;
use super::outcome::{ErrorKind, ExportError, Outcome};
use super::transport::{Endpoint, EndpointError, RawReply, Transport, encode, unsendable};
use super::{reply, transport};
use crate::Request;
use crate::status::{Code, Status, decode_grpc_message};

/// Prefix and message, sent as they lie.
type Framed = Chain<Bytes, Bytes>;

/// Sends requests over OTLP/gRPC.
#[derive(Clone)]
pub struct GrpcClient {
    endpoint: Endpoint,
    transport: Transport<Framed>,
}

impl GrpcClient {
    /// Prepares a client for `http://host:port` or `host:port`; connects when it first sends.
    pub fn new(endpoint: &str, options: ClientOptions) -> Result<Self, EndpointError> {
        let endpoint = Endpoint::parse(endpoint, options.tls.is_some())?;
        Ok(Self { endpoint, transport: Transport::new(options, true) })
    }

    /// Sends `request` and waits for the reply.
    pub async fn export(&self, request: &Request) -> Result<Outcome, ExportError> {
        let (bytes, encoding) = encode(request, self.transport.options.encoding)?;
        let len = u32::try_from(bytes.len()).map_err(|_| unsendable("request beyond 4 GiB"))?;
        let mut prefix = [0; 5];
        prefix[0] = encoding.is_some().into();
        prefix[1..].copy_from_slice(&len.to_be_bytes());
        let body = Full::new(Bytes::copy_from_slice(&prefix).chain(bytes));
        let mut http = http::Request::new(body);
        *http.method_mut() = Method::POST;
        *http.version_mut() = http::Version::HTTP_2;
        *http.uri_mut() = self.endpoint.uri(request.signal.grpc_path())?;
        let headers = http.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Ok(timeout) = HeaderValue::try_from(grpc_timeout(self.transport.options.timeout)) {
            headers.insert("grpc-timeout", timeout);
        }
        if let Some(encoding) = encoding {
            headers.insert("grpc-encoding", HeaderValue::from_static(encoding.token()));
        }
        judge(&self.transport.send(http).await?)
    }
}

/// At most eight digits, as gRPC demands.
fn grpc_timeout(timeout: Duration) -> String {
    match timeout.as_millis() {
        millis @ ..100_000_000 => format!("{millis}m"),
        _ => format!("{}S", timeout.as_secs().min(99_999_999)),
    }
}

fn judge(reply: &RawReply) -> Result<Outcome, ExportError> {
    let status = if reply.trailers.contains_key("grpc-status") {
        read_status(&reply.trailers)
    } else {
        read_status(&reply.headers)
    };
    match status {
        Some(Status { code: Code::Ok, .. }) => Ok(read_message(&reply.body)),
        Some(status) => Err(refused(status)),
        // Somebody between answered who does not speak gRPC.
        None => Err(refused(Status::new(
            by_http_status(reply.status),
            format!("reply without grpc-status, HTTP {}", reply.status),
        ))),
    }
}

fn read_status(headers: &HeaderMap) -> Option<Status> {
    let number = headers.get("grpc-status")?.to_str().ok()?.parse().unwrap_or(2);
    let code = Code::from_number(number);
    let details = headers
        .get("grpc-status-details-bin")
        .and_then(|value| Status::from_details_header(value.as_bytes()));
    let retry_after = details.as_ref().and_then(|details| details.retry_after);
    let message = match headers.get("grpc-message") {
        Some(message) => decode_grpc_message(message.as_bytes()),
        None => details.map(|details| details.message).unwrap_or_default(),
    };
    Some(Status { code, message, retry_after })
}

fn read_message(body: &[u8]) -> Outcome {
    match body.split_first_chunk::<5>() {
        Some(([0, ..], message)) => reply::from_protobuf(message),
        _ => Outcome::default(),
    }
}

/// OTLP's list of codes after which a client may try again.
fn refused(status: Status) -> ExportError {
    let may_retry = match status.code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        // Without a time it means "never": the request is too large for the other side.
        Code::ResourceExhausted => status.retry_after.is_some(),
        _ => false,
    };
    let kind = match may_retry {
        true => ErrorKind::Retryable { after: status.retry_after },
        false => ErrorKind::Permanent,
    };
    ExportError { kind, code: status.code.name().to_owned(), message: status.message }
}

/// gRPC's mapping for replies that are not gRPC.
fn by_http_status(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

impl std::fmt::Debug for GrpcClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        transport::debug(f, "GrpcClient", &self.endpoint)
    }
}
