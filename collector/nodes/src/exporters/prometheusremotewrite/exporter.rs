//! Translates a batch once and sends it as requests of bounded size.

use std::sync::{Arc, Mutex, PoisonError};

use collector_otlp::view::MetricsView;
use collector_pipeline::Batch;
use collector_pipeline::config::Finding;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Delivered, ExportError, Exporter};
use collector_prom::mapping::{self, Refusal, Translated, Translator};
use collector_prom::remote_write::{self, HEADERS};
use durable_fs::Clock;
use futures_util::future::BoxFuture;

use super::config::Config;
use collector_pipeline::push::{Piece, Prepared, Push};

/// Sends remote-write.
pub(super) struct RemoteWrite {
    push: Push,
    translator: Mutex<Translator>,
    max_request_bytes: usize,
}

impl RemoteWrite {
    pub(super) fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Finding> {
        let Config { target, options, max_request_bytes } = config;
        let push = Push::new(target, &HEADERS)?;
        let translator = Mutex::new(Translator::new(options, clock));
        Ok(Self { push, translator, max_request_bytes })
    }

    fn prepare(&self, batch: &Batch) -> Prepared {
        let Translated { series, metadata, refused } = self
            .translator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .translate(MetricsView::over(&batch.payload));
        let mut prepared = Prepared::default();
        let said: Vec<&str> = refused.keys().copied().map(Refusal::as_str).collect();
        prepared.drop_items(Reason::Unsupported, refused.values().sum(), &said.join(", "));
        for piece in mapping::split(series, metadata, self.max_request_bytes) {
            let n_items = piece.n_points;
            match remote_write::encode(&piece.request) {
                Ok(body) => prepared.pieces.push_back(Piece { body: body.into(), n_items }),
                Err(error) => prepared.drop_items(Reason::Permanent, n_items, &error.to_string()),
            }
        }
        prepared
    }
}

impl Exporter for RemoteWrite {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(self.push.send(batch, |batch| self.prepare(batch)))
    }
}
