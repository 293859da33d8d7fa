//! OTLP/gRPC: unary framing, its replies, and nothing else of gRPC.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::ReplyBody;
use super::decode::{Format, Raw, decode};
use super::refused::{Refused, Taken, sort};
use super::shared::Shared;
use super::sink::{Call, Sink};
use crate::status::{Code, Status, encode_grpc_message};
use crate::wire::{write_len, write_tag, write_varint};
use crate::{Caller, Encoding, Request, Signal};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Flag and length before the one message of a unary call.
const PREFIX: usize = 5;

/// An empty `Export*ServiceResponse`, framed.
const EMPTY_SUCCESS: Bytes = Bytes::from_static(&[0; PREFIX]);

/// Answers one call.
pub(super) async fn handle<S: Sink>(
    shared: &Shared<S>,
    request: http::Request<Incoming>,
) -> Response<ReplyBody> {
    if request.method() != Method::POST {
        let mut response = bare(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if !is_grpc(request.headers()) {
        return bare(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let path = request.uri().path();
    let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.grpc_path() == path) else {
        return failure(&Status::new(Code::Unimplemented, format!("no method {path}")));
    };
    match export(shared, signal, request).await {
        Ok(Taken::Whole) => success(EMPTY_SUCCESS),
        Ok(Taken::Partly { n_rejected, message }) => success(partial(n_rejected, &message)),
        Err(refused) => {
            shared.note(signal, &refused, "grpc");
            failure(&refused.status)
        }
    }
}

async fn export<S: Sink>(
    shared: &Shared<S>,
    signal: Signal,
    request: http::Request<Incoming>,
) -> Result<Taken, Refused> {
    shared.authenticate(request.headers())?;
    let call = Call { caller: Caller::of(request.headers()), since: Instant::now() };
    let limits = &shared.options.limits;
    let encoding = encoding(request.headers())?;
    let reader = shared.reader(limits.max_wire_bytes + PREFIX, probe);
    let (framed, ticket) = reader.read(request).await?;
    let (compressed, bytes) = unframe(framed)?;
    let encoding = match (compressed, encoding) {
        (false, _) => None,
        (true, Some(encoding)) => Some(encoding),
        (true, None) => return Err(Refused::malformed("compressed message without grpc-encoding")),
    };
    let raw = Raw { signal, format: Format::Protobuf, encoding, bytes, ticket };
    let (request, ticket) = decode(raw, limits).await?;
    let taken = take(shared, request, call).await;
    drop(ticket);
    taken
}

/// Hands a request to the sink; one without items has nothing to hand over.
pub(super) async fn take<S: Sink>(
    shared: &Shared<S>,
    request: Request,
    call: Call,
) -> Result<Taken, Refused> {
    if request.n_items == 0 {
        return Ok(Taken::Whole);
    }
    sort(shared.sink.accept_call(request, call).await)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    matches!(essence, "application/grpc" | "application/grpc+proto")
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Refused> {
    let Some(value) = headers.get("grpc-encoding") else { return Ok(None) };
    match value.as_bytes() {
        b"identity" => Ok(None),
        b"gzip" => Ok(Some(Encoding::Gzip)),
        b"zstd" => Ok(Some(Encoding::Zstd)),
        _ => Err(Refused::unsupported("grpc-encoding is none of identity, gzip, zstd")),
    }
}

/// Refuses by the prefix alone: a flag that is none, a length beyond the limit, bytes behind the message.
fn probe(so_far: &[u8], max: usize) -> Result<usize, Refused> {
    let Some((prefix, message)) = so_far.split_first_chunk::<PREFIX>() else { return Ok(0) };
    if prefix[0] > 1 {
        return Err(Refused::malformed("not a gRPC message: unknown flag"));
    }
    let declared = message_len(prefix);
    if declared > max - PREFIX {
        return Err(Refused::too_large(max - PREFIX));
    }
    if message.len() > declared {
        return Err(Refused::malformed("bytes behind the one message of a unary call"));
    }
    Ok(PREFIX + declared)
}

fn message_len(prefix: &[u8; PREFIX]) -> usize {
    u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize
}

fn unframe(framed: Bytes) -> Result<(bool, Bytes), Refused> {
    let Some((prefix, message)) = framed.split_first_chunk::<PREFIX>() else {
        return Err(Refused::malformed("no message in the call"));
    };
    if message.len() != message_len(prefix) {
        return Err(Refused::malformed("message ends before its declared length"));
    }
    Ok((prefix[0] == 1, framed.slice(PREFIX..)))
}

fn success(framed: Bytes) -> Response<ReplyBody> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let mut response = Response::new(ReplyBody::new(framed, Some(trailers)));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

fn partial(n_rejected: u64, message: &str) -> Bytes {
    let payload = partial_success(n_rejected, message);
    let mut framed = vec![0];
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    framed.extend_from_slice(&len.to_be_bytes());
    framed.extend_from_slice(&payload);
    framed.into()
}

/// `Export*ServiceResponse` with a partial success; the field numbers are the same for all signals.
pub(super) fn partial_success(n_rejected: u64, message: &str) -> Vec<u8> {
    let mut inner = Vec::new();
    write_tag(&mut inner, 1, 0);
    write_varint(&mut inner, n_rejected);
    write_len(&mut inner, 2, message.as_bytes());
    let mut out = Vec::new();
    write_len(&mut out, 1, &inner);
    out
}

/// A reply of trailers alone.
fn failure(status: &Status) -> Response<ReplyBody> {
    let mut response = bare(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(status.code.number())));
    if let Ok(message) = HeaderValue::try_from(encode_grpc_message(&status.message)) {
        headers.insert(GRPC_MESSAGE, message);
    }
    if status.code == Code::Unimplemented {
        headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,zstd"));
    }
    if status.retry_after.is_some()
        && let Ok(details) = HeaderValue::try_from(status.to_details_header())
    {
        headers.insert(GRPC_DETAILS, details);
    }
    response
}

fn bare(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::default());
    *response.status_mut() = status;
    response
}
