//! Reading a request's body within its limits, and the body of replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{HeaderMap, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::buffers::Buffers;
use super::refused::Refused;
use crate::admission::{Budget, NoRoom, Ticket};

/// Looks at what has come so far: how long the whole will be (0 where it does not know yet), or why the rest
/// need not be read.
pub(super) type Probe = fn(&[u8], usize) -> Result<usize, Refused>;

/// Room made ahead of what has come: a declared length alone gets no more than this.
const AHEAD: usize = 1024 * 1024;

/// What a request holds before its body says how long it is.
const UNDECLARED: u64 = 64 * 1024;

/// Time that a refused body may take to come to its end.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// How bodies are read.
pub(super) struct Reader<'a> {
    /// Bytes of a body at most.
    pub(super) max: usize,
    /// Time for all of it.
    pub(super) timeout: Duration,
    pub(super) probe: Probe,
    /// Who pays for it.
    pub(super) budget: &'a Budget,
    /// Where it is read into.
    pub(super) buffers: &'a Buffers,
}

impl Reader<'_> {
    /// Reads a whole body; the ticket holds its bytes.
    pub(super) async fn read(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<(Bytes, Ticket), Refused> {
        let hint = request.body().size_hint();
        let declared = usize::try_from(hint.lower()).unwrap_or(usize::MAX);
        if declared > self.max {
            return Err(Refused::too_large(self.max));
        }
        let begun = self.budget.begin(hint.exact().unwrap_or(UNDECLARED));
        let waits = is_sent_anyway(&request);
        let mut body = request.into_body();
        let refused = match begun {
            Ok(ticket) => match self.in_time(self.gather(&mut body, declared, ticket)).await {
                Err(refused) if refused.may_be_repeated() => refused,
                done => return done,
            },
            Err(no_room @ NoRoom::Ever { .. }) => return Err(no_room.into()),
            Err(no_room) => no_room.into(),
        };
        if waits {
            discard(body, self.max).await;
        }
        Err(refused)
    }

    async fn in_time<T>(
        &self,
        reading: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        tokio::time::timeout(self.timeout, reading).await.map_err(|_| {
            Refused::incomplete(format!("body did not end within {} s", self.timeout.as_secs()))
        })?
    }

    /// Copies into one buffer of the right size, also where the body is a single frame: a slice of the
    /// connection's read buffer would keep all of that alive for as long as the request is queued.
    async fn gather(
        &self,
        body: &mut Incoming,
        declared: usize,
        mut ticket: Ticket,
    ) -> Result<(Bytes, Ticket), Refused> {
        let (max, probe) = (self.max, self.probe);
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
                let room = room.min(max);
                ticket.grow_to(room as u64)?;
                if whole.is_empty() {
                    whole = self.buffers.take(room);
                } else {
                    whole.reserve_exact(room - whole.len());
                }
            }
            whole.extend_from_slice(&data);
            expected = expected.max(probe(&whole, max)?);
        }
        ticket.shrink_to(whole.len() as u64);
        Ok((self.buffers.lend(whole), ticket))
    }
}

/// Whether the sender of an HTTP/1 request pushes its body without waiting for an answer. Closing on it would
/// reset the connection, often before the reply that says to come back later was read; HTTP/2 can end one stream.
fn is_sent_anyway(request: &http::Request<Incoming>) -> bool {
    request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT)
}

/// Reads a body to its end and keeps nothing of it.
async fn discard(mut body: Incoming, max: usize) {
    let reading = async {
        let mut n = 0;
        while let Some(Ok(frame)) = body.frame().await {
            n += frame.data_ref().map_or(0, Bytes::len);
            if n > max {
                return;
            }
        }
    };
    // Whoever is slower than that loses the connection, and learns it that way.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, reading).await;
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
