//! Reading a request's body within its limits, and the body of replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::refused::Refused;

/// Looks at what has come so far: how long the whole will be (0 where it does not know yet), or why the rest
/// need not be read.
pub(super) type Probe = fn(&[u8], usize) -> Result<usize, Refused>;

/// Room made ahead of what has come: a declared length alone gets no more than this.
const AHEAD: usize = 1024 * 1024;

/// Reads a whole body of at most `max` bytes within `timeout`; `probe` sees it grow.
pub(super) async fn read(
    body: Incoming,
    max: usize,
    timeout: Duration,
    probe: Probe,
) -> Result<Bytes, Refused> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > max {
        return Err(Refused::too_large(max));
    }
    tokio::time::timeout(timeout, gather(body, declared, max, probe)).await.map_err(|_| {
        Refused::incomplete(format!("body did not end within {} s", timeout.as_secs()))
    })?
}

/// Copies into one buffer of the right size, also where the body is a single frame: a slice of the
/// connection's read buffer would keep all of that alive for as long as the request is queued.
async fn gather(
    mut body: Incoming,
    declared: usize,
    max: usize,
    probe: Probe,
) -> Result<Bytes, Refused> {
    let mut whole = Vec::new();
    let mut expected = declared;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::incomplete("the sender went away"))?;
        let Ok(data) = frame.into_data() else { continue };
        let n = whole.len() + data.len();
        if n > max {
            return Err(Refused::too_large(max));
        }
        if whole.is_empty() {
            expected = expected.max(probe(&data, max)?);
        }
        if n > whole.capacity() {
            let room = if expected > n { expected.min(n + AHEAD) } else { n + n / 2 };
            whole.reserve_exact(room.min(max) - whole.len());
        }
        whole.extend_from_slice(&data);
        expected = expected.max(probe(&whole, max)?);
    }
    whole.shrink_to_fit();
    Ok(whole.into())
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
