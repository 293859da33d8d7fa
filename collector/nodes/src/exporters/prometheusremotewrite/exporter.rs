//! Translates a batch once and sends it as requests of bounded size.

use std::sync::{Arc, Mutex, PoisonError};

use collector_otlp::view::MetricsView;
use collector_pipeline::Batch;
use collector_pipeline::config::Finding;
use collector_pipeline::ledger::Reason;
use collector_pipeline::node::{Begun, Delivered, ExportError, Exporter};
use collector_pipeline::push::{Prepared, Push};
use collector_prom::mapping::{self, Cursor, Piece, Refusal, Translated, Translator};
use durable_fs::Clock;
use futures_util::future::BoxFuture;

use super::config::Config;
use super::protocol::RemoteWriteProtocol;

/// Sends remote-write.
pub(super) struct RemoteWrite {
    push: Push<RemoteWriteProtocol>,
    translator: Mutex<Translator>,
    max_request_bytes: usize,
    n_shards: usize,
    /// Bytes of series held of one batch.
    part_bytes: usize,
}

impl RemoteWrite {
    pub(super) fn new(
        name: String,
        config: Config,
        clock: Arc<dyn Clock>,
        part_bytes: usize,
    ) -> Result<Self, Finding> {
        let Config { target, options, max_request_bytes, n_shards, wanted } = config;
        let protocol = RemoteWriteProtocol::new(name, wanted, Arc::clone(&clock));
        let push = Push::new(target, protocol)?;
        let translator = Mutex::new(Translator::new(options, clock));
        Ok(Self { push, translator, max_request_bytes, n_shards, part_bytes })
    }

    fn prepare(&self, batch: &Batch, from: Cursor) -> Prepared<Piece, Cursor> {
        let request = MetricsView::over(&batch.payload);
        let (translated, rest) = self
            .translator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .translate_part(request, from, self.part_bytes);
        let Translated { series, mut metadata, refused } = translated;
        let mut prepared = Prepared::before(rest);
        let said: Vec<&str> = refused.keys().copied().map(Refusal::as_str).collect();
        let n_refused = refused.values().sum();
        prepared.outcome.drop_items(Reason::Unsupported, n_refused, &said.join(", "));
        for shard in mapping::shard(series, self.n_shards) {
            let metadata = std::mem::take(&mut metadata);
            prepared.shard(mapping::split(shard, metadata, self.max_request_bytes));
        }
        prepared
    }
}

impl Exporter for RemoteWrite {
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        begun: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(self.push.send(batch, begun, |batch, from| self.prepare(batch, from)))
    }
}
