//! Requests that are received: the first span here of what they bring.

use std::sync::Arc;
use std::time::Duration;

use collector_otlp::{Caller, SpanId};
use collector_telemetry::names::{attr, span};
use serde_json::Value;

use super::allowance::kept;
use super::span::{Context, Kind, Span};
use super::traces::{OwnTraces, is_own, of_batch};
use crate::Batch;
use crate::log::Position;

/// A request that is being received, and traced.
pub struct Reception {
    traced: Arc<Traced>,
    parent: Option<SpanId>,
    started: u64,
    attributes: Vec<(&'static str, Value)>,
}

/// What becomes known of a traced batch on its way: where it lies.
pub(crate) struct Traced {
    own: OwnTraces,
    context: Context,
}

impl OwnTraces {
    /// The reception of `batch`, `so_far` after it began; nothing where it is not to be traced.
    #[must_use]
    pub fn receive(
        &self,
        receiver: &str,
        transport: &str,
        batch: &Batch,
        caller: Option<&Caller>,
        so_far: Duration,
    ) -> Option<Reception> {
        let now = self.instant()?;
        let is_wanted = match caller {
            Some(caller) if !caller.sampled => false,
            Some(_) => self.admits(|_| true),
            None => self.admits(kept),
        };
        if !is_wanted || is_own(batch) {
            return None;
        }
        let context = caller.map_or_else(Context::random, Context::under);
        let mut attributes: Vec<(&'static str, Value)> = vec![
            (attr::PERCH_RECEIVER, receiver.into()),
            (attr::PERCH_TRANSPORT, transport.into()),
        ];
        attributes.extend(of_batch(batch));
        let started = now.saturating_sub(u64::try_from(so_far.as_nanos()).unwrap_or(0));
        let traced = Arc::new(Traced { own: self.clone(), context });
        Some(Reception { traced, parent: caller.map(|c| c.parent), started, attributes })
    }
}

impl Reception {
    /// To be told where the batch lies.
    pub(crate) fn traced(&self) -> Arc<Traced> {
        Arc::clone(&self.traced)
    }

    /// It was answered so; a refusal is an error, whoever's fault it is.
    pub fn end(self, code: &'static str) {
        let Self { traced, parent, started, mut attributes } = self;
        attributes.push((attr::PERCH_CODE, code.into()));
        let Some(ended) = traced.own.instant() else { return };
        traced.own.put(Span {
            name: span::RECEIVE,
            kind: Kind::Server,
            context: traced.context,
            parent,
            started,
            ended,
            attributes,
            error: (code != "ok").then(|| code.to_owned()),
        });
    }
}

impl Traced {
    /// The batch lies at `position` of a log.
    pub(crate) fn lies_at(&self, pipeline: &str, position: Position) {
        self.own.places().put(pipeline, position, self.context);
    }
}
