//! Translates a batch once and pushes it, in as many pushes as it takes.

use std::sync::Arc;

use collector_otlp::view::LogsView;
use collector_pipeline::Batch;
use collector_pipeline::config::Finding;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Begun, Delivered, ExportError, Exporter};
use durable_fs::Clock;
use futures_util::future::BoxFuture;
use prost::Message as _;

use super::config::{Config, Limits};
use super::streams::{Part, pushes};
use collector_pipeline::push::{Body, Plain, Prepared, Push};

/// One protobuf message in one snappy block.
const HEADERS: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// Pushes to Loki.
pub(super) struct Loki {
    push: Push<Plain>,
    limits: Limits,
    n_shards: usize,
    clock: Arc<dyn Clock>,
    /// Bytes of entries held of one batch.
    part_bytes: usize,
}

impl Loki {
    pub(super) fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        part_bytes: usize,
    ) -> Result<Self, Finding> {
        let Config { target, limits, n_shards } = config;
        let push = Push::new(target, Plain::new(&HEADERS))?;
        Ok(Self { push, limits, n_shards, clock, part_bytes })
    }

    fn prepare(&self, batch: &Batch, from: u64) -> Prepared<Body, u64> {
        let request = LogsView::over(&batch.payload);
        let part = Part { from, max_bytes: self.part_bytes, now: self.clock.unix_nanos() };
        let (shards, rest) = pushes(request, part, &self.limits, self.n_shards);
        let mut prepared = Prepared::before(rest);
        for shard in shards {
            let mut bodies = Vec::with_capacity(shard.len());
            for push in shard {
                let n_items = push.n_records;
                match snap::raw::Encoder::new().compress_vec(&push.request.encode_to_vec()) {
                    Ok(bytes) => bodies.push(Body { bytes: bytes.into(), n_items }),
                    Err(error) => {
                        let outcome = &mut prepared.outcome;
                        outcome.drop_items(Reason::Permanent, n_items, &error.to_string());
                    }
                }
            }
            prepared.shard(bodies);
        }
        prepared
    }
}

impl Exporter for Loki {
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        begun: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(self.push.send(batch, begun, |batch, from| self.prepare(batch, from)))
    }
}
