//! What stands behind the servers, and what it may answer.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Caller, Request, Signal};

/// Takes proven requests; the reply is sent when the future ends, so its end is the acknowledgement.
pub trait Sink: Send + Sync + 'static {
    /// Takes a request with at least one item. The future may be dropped before its end when the sender goes
    /// away; the sender has no reply then and will send again.
    fn accept(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// The same, with what is known of the call; a sink that does not ask who calls takes the request alone.
    fn accept_call(&self, request: Request, call: Call) -> impl Future<Output = Reply> + Send {
        let _ = call;
        self.accept(request)
    }

    /// Learns that a request was refused before it became one; for counting only.
    fn refused(&self, signal: Signal, refusal: Refusal) {
        let _ = (signal, refusal);
    }
}

/// What is known of a call besides its request.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Who calls, where that is told.
    pub caller: Option<Caller>,
    /// When its headers were there.
    pub since: Instant,
}

/// A sink's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// All of it was taken.
    Accepted,
    /// All but some was taken; the sender must not repeat it.
    Partial {
        /// Items not taken.
        n_rejected: u64,
        /// Why, for people.
        message: String,
    },
    /// Memory or log is full; the sender may try again.
    Full {
        /// When.
        retry_after: Duration,
    },
    /// Draining, disk error, or the delivery did not end in time; the sender may try again.
    Unavailable {
        /// When.
        retry_after: Duration,
        /// Why, for people.
        message: Cow<'static, str>,
    },
    /// The sender did not say who it is, or not rightly.
    Unauthenticated,
    /// The sender may not send this.
    Forbidden,
    /// The request as a whole is not acceptable; the sender must not repeat it.
    Invalid {
        /// Why, for people.
        message: String,
    },
}

/// Why a request was refused before the sink saw it; a closed list, fit for a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Not OTLP, or broken compression.
    Malformed,
    /// More bytes than allowed, on the wire or inflated.
    TooLarge,
    /// Inflates beyond the ratio allowed.
    Bomb,
    /// Content type or encoding we do not read.
    Unsupported,
    /// The body did not come in time, or the sender went away.
    Incomplete,
    /// It bears no token that is known.
    Unauthenticated,
    /// No memory for it at present.
    NoMemory,
}

impl Refusal {
    /// The word for a label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Bomb => "bomb",
            Self::Unsupported => "unsupported",
            Self::Incomplete => "incomplete",
            Self::Unauthenticated => "unauthenticated",
            Self::NoMemory => "no_memory",
        }
    }
}
