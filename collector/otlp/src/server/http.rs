//! OTLP/HTTP: protobuf and JSON, replies in the request's own form.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::ReplyBody;
use super::decode::{Format, Raw, decode};
use super::grpc::{partial_success, take};
use super::host;
use super::refused::{Refused, Taken};
use super::shared::Shared;
use super::sink::{Call, Sink};
use crate::status::Code;
use crate::{Caller, Encoding, Signal};

/// Answers one request that came in on address `local`.
pub(super) async fn handle<S: Sink>(
    shared: &Shared<S>,
    local: IpAddr,
    request: http::Request<Incoming>,
) -> Response<ReplyBody> {
    // Whoever sends something else than OTLP reads JSON more easily than protobuf.
    let format = format(request.headers());
    let reply_format = format.unwrap_or(Format::Json);
    let signal = match route(shared, local, &request) {
        Ok(signal) => signal,
        Err(refused) => return failure(reply_format, &refused),
    };
    let outcome = match format {
        Some(format) => export(shared, signal, format, request).await,
        None => Err(Refused::unsupported(
            "content type is neither application/x-protobuf nor application/json",
        )),
    };
    match outcome {
        Ok(taken) => success(signal, reply_format, taken),
        Err(refused) => {
            shared.note(signal, &refused, "http");
            failure(reply_format, &refused)
        }
    }
}

fn route<S: Sink>(
    shared: &Shared<S>,
    local: IpAddr,
    request: &http::Request<Incoming>,
) -> Result<Signal, Refused> {
    if !host::is_ours(request, local, &shared.options.allowed_hosts) {
        return Err(Refused::call(
            StatusCode::MISDIRECTED_REQUEST,
            Code::PermissionDenied,
            "this host name is not served here; add it to allowed_hosts",
        ));
    }
    let path = request.uri().path();
    let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.http_path() == path) else {
        return Err(Refused::call(
            StatusCode::NOT_FOUND,
            Code::NotFound,
            "no such path; OTLP is served at /v1/traces, /v1/metrics and /v1/logs",
        ));
    };
    if request.method() != Method::POST {
        return Err(Refused::call(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::Unimplemented,
            "only POST is served here",
        ));
    }
    Ok(signal)
}

async fn export<S: Sink>(
    shared: &Shared<S>,
    signal: Signal,
    format: Format,
    request: http::Request<Incoming>,
) -> Result<Taken, Refused> {
    shared.authenticate(request.headers())?;
    let call = Call { caller: Caller::of(request.headers()), since: Instant::now() };
    let limits = &shared.options.limits;
    let encoding = encoding(request.headers())?;
    let reader = shared.reader(limits.max_wire_bytes, |_, _| Ok(0));
    let (bytes, ticket) = reader.read(request).await?;
    let raw = Raw { signal, format, encoding, bytes, ticket };
    let (request, ticket) = decode(raw, limits).await?;
    let taken = take(shared, request, call).await;
    drop(ticket);
    taken
}

fn format(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Format::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Format::Json)
    } else {
        None
    }
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Refused> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let first = values.next().map(HeaderValue::as_bytes).unwrap_or_default();
    if values.next().is_none() {
        match first.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => return Ok(None),
            b"gzip" | b"x-gzip" => return Ok(Some(Encoding::Gzip)),
            b"zstd" => return Ok(Some(Encoding::Zstd)),
            _ => {}
        }
    }
    Err(Refused::unsupported("content encoding is not exactly one of identity, gzip, zstd"))
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Protobuf => "application/x-protobuf",
        Format::Json => "application/json",
    })
}

fn success(signal: Signal, format: Format, taken: Taken) -> Response<ReplyBody> {
    let body = match (taken, format) {
        (Taken::Whole, Format::Protobuf) => Bytes::new(),
        (Taken::Whole, Format::Json) => Bytes::from_static(b"{}"),
        (Taken::Partly { n_rejected, message }, Format::Protobuf) => {
            partial_success(n_rejected, &message).into()
        }
        (Taken::Partly { n_rejected, message }, Format::Json) => {
            let rejected = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            // 64-bit integers are strings in protobuf's JSON.
            let partial =
                serde_json::json!({rejected: n_rejected.to_string(), "errorMessage": message});
            serde_json::json!({"partialSuccess": partial}).to_string().into()
        }
    };
    let mut response = Response::new(ReplyBody::new(body, None));
    response.headers_mut().insert(CONTENT_TYPE, content_type(format));
    response
}

fn failure(format: Format, refused: &Refused) -> Response<ReplyBody> {
    let body = match format {
        Format::Protobuf => refused.status.to_protobuf(),
        Format::Json => refused.status.to_json(),
    };
    let mut response = Response::new(ReplyBody::new(body.into(), None));
    *response.status_mut() = refused.http;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(format));
    if let Some(after) = refused.status.retry_after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    match refused.http {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd, identity"));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The rest of the body is on its way and nobody will read it.
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}
