//! What the connections of a server share.

use std::sync::Arc;

use http::HeaderMap;

use super::body;
use super::buffers::Buffers;
use super::options::ServerOptions;
use super::refused::Refused;
use super::sink::Sink;
use crate::Signal;

/// What every connection needs.
pub(super) struct Shared<S> {
    pub(super) sink: Arc<S>,
    pub(super) options: ServerOptions,
    pub(super) buffers: Buffers,
}

impl<S: Sink> Shared<S> {
    /// Reads bodies of at most `max` bytes, of which `probe` tells how long each will be.
    pub(super) fn reader(&self, max: usize, probe: body::Probe) -> body::Reader<'_> {
        let (timeout, budget) = (self.options.body_timeout, &self.options.budget);
        body::Reader { max, timeout, probe, budget, buffers: &self.buffers }
    }

    /// Refuses a request that bears no token where one is asked for.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<(), Refused> {
        match &self.options.tokens {
            Some(tokens) if !tokens.admit(headers) => Err(Refused::unauthenticated()),
            _ => Ok(()),
        }
    }

    /// Notes a request that was refused.
    pub(super) fn note(&self, signal: Signal, refused: &Refused, protocol: &'static str) {
        let status = &refused.status;
        tracing::debug!(%signal, protocol, code = status.code.name(), reason = status.message, "refused a request");
        if let Some(refusal) = refused.refusal {
            self.sink.refused(signal, refusal);
        }
    }
}
