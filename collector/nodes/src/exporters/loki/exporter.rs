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
use collector_pipeline::push::{Piece, Prepared, Push};

/// One protobuf message in one snappy block.
const HEADERS: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];

/// Pushes to Loki.
pub(super) struct Loki {
    push: Push,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Loki {
    pub(super) fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Finding> {
        let Config { target, limits } = config;
        Ok(Self { push: Push::new(target, &HEADERS)?, limits, clock })
    }

    fn prepare(&self, batch: &Batch) -> Prepared {
        let mut prepared = Prepared::default();
        let request = LogsView::over(&batch.payload);
        for push in pushes(request, self.clock.unix_nanos(), &self.limits) {
            let n_items = push.n_records;
            match snap::raw::Encoder::new().compress_vec(&push.request.encode_to_vec()) {
                Ok(body) => prepared.pieces.push_back(Piece { body: body.into(), n_items }),
                Err(error) => prepared.drop_items(Reason::Permanent, n_items, &error.to_string()),
            }
        }
        prepared
    }
}

impl Exporter for Loki {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(self.push.send(batch, |batch| self.prepare(batch)))
    }
}
