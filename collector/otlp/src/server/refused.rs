//! A request that will not reach the sink, or was turned away by it: the reply in both transports' terms.

use std::time::Duration;

use http::StatusCode;

use super::sink::{Refusal, Reply};
use crate::Malformed;
use crate::admission::NoRoom;
use crate::inflate::InflateError;
use crate::status::{Code, Status};

/// What senders are told to wait when memory is short: a batch is through in far less, and all who were turned
/// away should not come back at once.
const RETRY_NO_MEMORY: Duration = Duration::from_secs(1);

/// The failure reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// What it counts as; `None` when the sink itself turned it away.
    pub(super) refusal: Option<Refusal>,
    pub(super) http: StatusCode,
    pub(super) status: Status,
}

impl Refused {
    fn early(refusal: Refusal, http: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { refusal: Some(refusal), http, status: Status::new(code, message) }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        let code = Code::InvalidArgument;
        Self::early(Refusal::Malformed, StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("request is larger than {limit} bytes; send smaller batches");
        let code = Code::InvalidArgument;
        Self::early(Refusal::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, code, message)
    }

    pub(super) fn unauthenticated() -> Self {
        let code = Code::Unauthenticated;
        let message = "no or bad credentials";
        Self::early(Refusal::Unauthenticated, StatusCode::UNAUTHORIZED, code, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        let code = Code::Unimplemented;
        Self::early(Refusal::Unsupported, StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message)
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        let code = Code::DeadlineExceeded;
        Self::early(Refusal::Incomplete, StatusCode::REQUEST_TIMEOUT, code, message)
    }

    /// Whether the sender is asked to come again.
    pub(super) fn may_be_repeated(&self) -> bool {
        self.status.retry_after.is_some()
    }

    fn by_sink(http: StatusCode, status: Status) -> Self {
        Self { refusal: None, http, status }
    }

    fn later(http: StatusCode, code: Code, message: &str, retry_after: Duration) -> Self {
        let status = Status { retry_after: Some(retry_after), ..Status::new(code, message) };
        Self::by_sink(http, status)
    }

    /// A reply that concerns the call and not its content.
    pub(super) fn call(http: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self::by_sink(http, Status::new(code, message))
    }
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<NoRoom> for Refused {
    fn from(error: NoRoom) -> Self {
        let message = error.to_string();
        match error {
            NoRoom::Now => {
                let (http, code) = (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted);
                let refusal = Some(Refusal::NoMemory);
                Self { refusal, ..Self::later(http, code, &message, RETRY_NO_MEMORY) }
            }
            NoRoom::Ever { .. } => {
                let http = StatusCode::PAYLOAD_TOO_LARGE;
                Self::early(Refusal::TooLarge, http, Code::InvalidArgument, message)
            }
        }
    }
}

impl From<InflateError> for Refused {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::TooLarge { limit } => Self::too_large(limit),
            InflateError::Ratio { .. } => Self::early(
                Refusal::Bomb,
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                error.to_string(),
            ),
            InflateError::Broken { .. } => Self::malformed(error.to_string()),
            InflateError::NoRoom(no_room) => no_room.into(),
        }
    }
}

/// A success as far as the transport is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    Whole,
    Partly { n_rejected: u64, message: String },
}

/// Sorts a sink's answer into success and failure.
pub(super) fn sort(reply: Reply) -> Result<Taken, Refused> {
    match reply {
        Reply::Accepted => Ok(Taken::Whole),
        Reply::Partial { n_rejected, message } => Ok(Taken::Partly { n_rejected, message }),
        Reply::Full { retry_after } => Err(Refused::later(
            StatusCode::TOO_MANY_REQUESTS,
            Code::ResourceExhausted,
            "no room at present; try again later",
            retry_after,
        )),
        Reply::Unavailable { retry_after, message } => Err(Refused::later(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Unavailable,
            &message,
            retry_after,
        )),
        Reply::Unauthenticated => Err(Refused::call(
            StatusCode::UNAUTHORIZED,
            Code::Unauthenticated,
            "no or bad credentials",
        )),
        Reply::Forbidden => Err(Refused::call(
            StatusCode::FORBIDDEN,
            Code::PermissionDenied,
            "these credentials do not allow it",
        )),
        Reply::Invalid { message } => {
            Err(Refused::call(StatusCode::BAD_REQUEST, Code::InvalidArgument, message))
        }
    }
}
