//! Reading a request's body within its limits, and the body of replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::refused::Refused;

/// Looks at what has come so far; may refuse before the rest is read.
pub(super) type Probe = fn(&[u8], usize) -> Result<(), Refused>;

/// Reads a whole body of at most `max` bytes within `timeout`; `probe` sees it grow.
pub(super) async fn read(
    body: Incoming,
    max: usize,
    timeout: Duration,
    probe: Probe,
) -> Result<Bytes, Refused> {
    let declared = body.size_hint().lower();
    if usize::try_from(declared).unwrap_or(usize::MAX) > max {
        return Err(Refused::too_large(max));
    }
    tokio::time::timeout(timeout, gather(body, max, probe)).await.map_err(|_| {
        Refused::incomplete(format!("body did not end within {} s", timeout.as_secs()))
    })?
}

async fn gather(mut body: Incoming, max: usize, probe: Probe) -> Result<Bytes, Refused> {
    // Most requests of a quiet sender come in one frame and are handed on without a copy.
    let mut whole = Bytes::new();
    let mut parts = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::incomplete("the sender went away"))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.is_empty() && parts.is_empty() {
            whole = data;
        } else {
            if parts.is_empty() {
                parts.reserve(2 * (whole.len() + data.len()));
                parts.extend_from_slice(&whole);
                whole = Bytes::new();
            }
            parts.extend_from_slice(&data);
        }
        let so_far: &[u8] = if parts.is_empty() { &whole } else { &parts };
        if so_far.len() > max {
            return Err(Refused::too_large(max));
        }
        probe(so_far, max)?;
    }
    Ok(if parts.is_empty() { whole } else { parts.freeze() })
}

/// The body of a reply: at most one chunk, then perhaps trailers.
#[derive(Debug, Default)]
pub(super) struct ReplyBody {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl ReplyBody {
    pub(super) fn new(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { data: (!data.is_empty()).then_some(data), trailers }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}
