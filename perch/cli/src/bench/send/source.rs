//! Where requests come from: made one by one, or all in advance.

use std::sync::Arc;

use anyhow::Context;
use collector_otlp::{Encoded, Encoding, Payload, Request, Signal, inflate};
use durable_fs::Clock;

use crate::bench::payload::{Plan, Template};

/// Makes the requests of a run.
#[derive(Debug)]
pub(super) struct Source {
    template: Template,
    signal: Signal,
    batch: u32,
    encoding: Option<Encoding>,
    clock: Arc<dyn Clock>,
    prepared: Vec<Request>,
}

impl Source {
    pub(super) fn new(
        template: Template,
        plan: &Plan,
        encoding: Option<Encoding>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let batch = u32::try_from(plan.batch).unwrap_or(u32::MAX);
        Self { template, signal: plan.signal, batch, encoding, clock, prepared: Vec::new() }
    }

    /// Makes the first `n` requests now.
    pub(super) fn prepare(&mut self, n: u64) -> anyhow::Result<()> {
        self.prepared = (0..n).map(|nth| self.make(nth)).collect::<anyhow::Result<_>>()?;
        Ok(())
    }

    /// Items in each request.
    pub(super) fn batch(&self) -> u64 {
        u64::from(self.batch)
    }

    /// The `nth` request.
    pub(super) fn request(&self, nth: u64) -> anyhow::Result<Request> {
        match usize::try_from(nth).ok().and_then(|nth| self.prepared.get(nth)) {
            Some(request) => Ok(request.clone()),
            None => self.make(nth),
        }
    }

    fn make(&self, nth: u64) -> anyhow::Result<Request> {
        let plain = self.template.request(nth, self.clock.unix_nanos());
        let payload = match self.encoding {
            None => plain.into(),
            Some(encoding) => {
                let bytes = inflate::compress(encoding, &plain);
                let bytes = bytes.context("a request could not be compressed")?.into();
                // Only the compressed form is sent.
                Payload::restored(Encoded { encoding, bytes }, plain.len())
            }
        };
        Ok(Request { signal: self.signal, payload, n_items: self.batch })
    }
}
