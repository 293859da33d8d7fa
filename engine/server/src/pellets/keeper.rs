//! Takes Pellets out of the store and out of its record.
//!
//! The row and the event go first, in one transaction; then the files. Where the process ends between the
//! two, the next start removes what nobody records.

use std::sync::Arc;

use durable_fs::{Clock, Fs};
use nestr_events::{EventLog, EventType, NewEvent};
use nestr_pellets::{Digest, GcItem, GcPlan, GcPolicy, Store};
use nestr_telemetry::Instruments;
use nestr_telemetry::names::{self, Outcome, attr, span};
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::gate::Gate;
use super::rows::{self, Deleted};
use crate::app::App;
use crate::operations::{Cancel, outcome_of};
use crate::problem::{Code, Problem};

/// The Engine as the cause of an event.
const ACTOR: &str = "nestr";

/// The store and its record.
pub(crate) struct Keeper<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) fs: &'a Arc<dyn Fs>,
    pub(crate) store: &'a Arc<Store>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) gate: &'a Gate,
    pub(crate) instruments: &'a Instruments,
}

/// A collection that is asked for.
pub(crate) struct Collecting<'a> {
    pub(crate) actor: &'a str,
    pub(crate) policy: &'a GcPolicy,
    /// Whether to remove nothing.
    pub(crate) dry_run: bool,
    /// What stays whatever the policy says.
    pub(crate) keep: Option<Digest>,
    /// Ends it between two Pellets.
    pub(crate) cancel: &'a Cancel,
    /// Is told how many of how many Pellets are done.
    pub(crate) told: &'a (dyn Fn(u64, u64) + Send + Sync),
}

impl<'a> Collecting<'a> {
    /// Everything that `policy` does not let stay.
    pub(crate) fn of(
        actor: &'a str,
        policy: &'a GcPolicy,
        cancel: &'a Cancel,
        told: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Self {
        Self { actor, policy, dry_run: false, keep: None, cancel, told }
    }
}

impl App {
    /// Who takes Pellets out of the store.
    pub(crate) fn keeper(&self) -> Keeper<'_> {
        Keeper {
            log: &self.log,
            fs: &self.fs,
            store: &self.store,
            clock: self.clock.as_ref(),
            gate: &self.gate,
            instruments: &self.instruments,
        }
    }
}

impl Keeper<'_> {
    /// Removes what the policy does not let stay, or says what it would remove; `span` tells of it.
    pub(crate) async fn collect(
        &self,
        asked: Collecting<'_>,
        span: &Span,
    ) -> Result<GcPlan, Problem> {
        let started = self.clock.monotonic();
        let collected = self.carry_out(asked, span).instrument(span.clone()).await;
        let elapsed = self.clock.monotonic().saturating_sub(started);
        let trace_id = nestr_telemetry::trace_id_of(span);
        let collected = collected.map_err(|problem| problem.in_trace(trace_id));
        let outcome = match &collected {
            Ok(_) => Outcome::Success,
            Err(problem) => {
                nestr_telemetry::fail(span, problem.code.slug(), &problem.detail);
                outcome_of(problem.code.slug())
            }
        };
        self.instruments.pellets_collected(outcome, elapsed);
        collected
    }

    /// Removes the oldest until the store is within `quota`, but never `packed`, the Pellet just made, and
    /// nothing that it needs. What fails is tried again after the next packing.
    pub(crate) async fn keep_within(&self, quota: u64, packed: Digest) {
        let policy = GcPolicy { max_bytes: Some(quota), ..GcPolicy::default() };
        let over = match self.items().await {
            Ok(items) => items.iter().map(|item| item.bytes).sum::<u64>() > quota,
            Err(_) => false,
        };
        if !over {
            return;
        }
        let (cancel, told) = (Cancel::default(), |_, _| ());
        let asked =
            Collecting { keep: Some(packed), ..Collecting::of(ACTOR, &policy, &cancel, &told) };
        let span = tracing::info_span!(span::PELLET_GC);
        if let Err(problem) = self.collect(asked, &span).await {
            tracing::warn!(quota, "the store stays beyond its quota: {}", problem.detail);
        }
    }

    async fn items(&self) -> Result<Vec<GcItem>, Problem> {
        let recorded = self.log.read(rows::ages).await;
        let recorded = recorded.map_err(|e| Problem::internal("listing pellets", &e))?;
        let item = |aged: rows::Aged| {
            let digest = aged.digest.parse().ok()?;
            let needs = aged.layers.iter().filter_map(|layer| layer.parse().ok()).collect();
            Some(GcItem { digest, unix_nanos: aged.unix_nanos, bytes: aged.bytes, needs })
        };
        Ok(recorded.into_iter().filter_map(item).collect())
    }

    async fn carry_out(&self, asked: Collecting<'_>, span: &Span) -> Result<GcPlan, Problem> {
        let Collecting { actor, policy, dry_run, keep, cancel, told } = asked;
        let mut items = self.items().await?;
        // A Pellet that was packed before keeps its age in the record; here it is the newest.
        for item in items.iter_mut().filter(|item| Some(item.digest) == keep) {
            item.unix_nanos = u64::MAX;
        }
        let mut plan = nestr_pellets::gc_plan(&items, policy, self.clock.unix_nanos());
        if dry_run {
            return Ok(plan);
        }
        let traceparent = nestr_telemetry::traceparent_of(span);
        // Oldest last in the plan: a delta goes before what it needs.
        let all = std::mem::take(&mut plan.remove);
        let n_all = all.len();
        for (n, removal) in all.into_iter().enumerate() {
            told(n as u64, n_all as u64);
            if cancel.is_asked() {
                let detail = format!("{} of {n_all} pellets were removed", plan.remove.len());
                return Err(Problem::new(Code::Cancelled, detail));
            }
            if Some(removal.digest) == keep {
                tracing::warn!(bytes = removal.bytes, "one pellet alone exceeds what may stay");
                plan.bytes_removed = plan.bytes_removed.saturating_sub(removal.bytes);
                plan.bytes_kept = plan.bytes_kept.saturating_add(removal.bytes);
                plan.n_kept += 1;
                continue;
            }
            let (digest, traceparent) = (removal.digest, traceparent.clone());
            match self.remove(actor, digest, "collected", traceparent).await? {
                // A delta that was recorded since needs it.
                Deleted::Needed => {
                    plan.bytes_removed = plan.bytes_removed.saturating_sub(removal.bytes);
                    plan.bytes_kept = plan.bytes_kept.saturating_add(removal.bytes);
                    (plan.n_kept, plan.n_needed) = (plan.n_kept + 1, plan.n_needed + 1);
                }
                Deleted::Yes | Deleted::Unknown => plan.remove.push(removal),
            }
        }
        told(n_all as u64, n_all as u64);
        let n = i64::try_from(plan.remove.len()).unwrap_or(i64::MAX);
        span.set_attribute(attr::NESTR_PELLET_REMOVED, n);
        tracing::info!(n, bytes = plan.bytes_removed, "collected the store");
        Ok(plan)
    }

    /// Removes the files of a Pellet that could not be recorded, unless another packing of the same tree did.
    pub(crate) async fn drop_unrecorded(&self, digest: Digest) {
        // Who is about to record it passes first.
        let _alone = self.gate.remove().await;
        let text = digest.to_string();
        match self.log.read(move |conn| rows::by_digest(conn, &text)).await {
            Ok(None) => self.remove_files(digest).await,
            Ok(Some(_)) => {}
            Err(error) => {
                tracing::warn!(%error, %digest, "the pellet stays unrecorded until the next start removes it");
            }
        }
    }

    async fn remove_files(&self, digest: Digest) {
        let (fs, store) = (Arc::clone(self.fs), Arc::clone(self.store));
        let removing = move || nestr_pellets::remove(fs.as_ref(), &store, &digest);
        let removed = tokio::task::spawn_blocking(removing).await;
        let why = match removed {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(why, %digest, "the files stay until the next start removes them");
    }

    /// Removes row and files of a Pellet that no other one needs.
    pub(crate) async fn remove(
        &self,
        actor: &str,
        digest: Digest,
        why: &'static str,
        traceparent: Option<String>,
    ) -> Result<Deleted, Problem> {
        let _alone = self.gate.remove().await;
        let text = digest.to_string();
        let data = json!({"digest": text, "why": why});
        let event = NewEvent::new(EventType::PelletDeleted, format!("pellets/{text}"), actor, data)
            .in_trace(traceparent);
        let committed = self.log.commit(move |tx| {
            let deleted = rows::delete(tx, &text)?;
            if deleted == Deleted::Yes {
                tx.publish(event)?;
            }
            Ok(deleted)
        });
        let deleted = committed.await.map_err(|e| Problem::in_log("deleting the pellet", &e))?;
        if deleted != Deleted::Yes {
            return Ok(deleted);
        }
        self.instruments.event_published(names::EventType::PelletDeleted);
        self.remove_files(digest).await;
        Ok(deleted)
    }
}
