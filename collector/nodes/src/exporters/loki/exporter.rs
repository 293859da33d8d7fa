//! Translates a batch once and pushes it, in as many pushes as it takes.

use std::sync::Arc;

use collector_otlp::view::LogsView;
use collector_pipeline::Batch;
use collector_pipeline::config::Finding;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Delivered, ExportError, Exporter};
use durable_fs::Clock;
use futures_util::future::BoxFuture;
use prost::Message as _;

use super::config::{Config, Limits};
use super::streams::pushes;
use collector_pipeline::push::{Body, Plain, Prepared, Push};

/// One protobuf message in one snappy block.
const HEADERS: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// Pushes to Loki.
pub(super) struct Loki {
    push: Push<Plain>,
    limits: Limits,
    n_shards: usize,
    clock: Arc<dyn Clock>,
}

impl Loki {
    pub(super) fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Finding> {
        let Config { target, limits, n_shards } = config;
        Ok(Self { push: Push::new(target, Plain::new(&HEADERS))?, limits, n_shards, clock })
    }

    fn prepare(&self, batch: &Batch) -> Prepared<Body> {
        let mut prepared = Prepared::default();
        let request = LogsView::over(&batch.payload);
        let shards = pushes(request, self.clock.unix_nanos(), &self.limits, self.n_shards);
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
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(self.push.send(batch, |batch| self.prepare(batch)))
    }
}
