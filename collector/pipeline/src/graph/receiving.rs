//! A receiver at work, behind a gate.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::error::GraphError;
use super::gate::Gate;
use super::health::{Entry, Health};
use super::intake::Intake;
use super::site::Site;
use super::supervise::supervise;
use crate::config::Component;
use crate::node::{Receiver, Started};

/// How long a receiver gets that another takes the place of: what is under way is finished, then cut off.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A receiver whose listeners are open.
pub(super) struct Receiving {
    pub(super) component: Component,
    node: Arc<dyn Receiver>,
    pub(super) gate: Arc<Gate>,
    entry: Entry,
    stop: CancellationToken,
    /// Before it serves.
    first: Option<Started>,
    task: Option<JoinHandle<()>>,
}

impl Receiving {
    /// Opens the listeners of `node`; nothing is served yet.
    pub(super) async fn open(
        component: Component,
        node: Arc<dyn Receiver>,
        gate: Arc<Gate>,
        (site, health): (&Site, &Health),
        stop: CancellationToken,
    ) -> Result<Self, GraphError> {
        let intake = Intake::of(Arc::clone(&gate), &component.id, &site.own);
        let first = node.start(intake, stop.clone()).await;
        let receiver = component.id.clone();
        let first = first.map_err(|source| GraphError::Receiver { receiver, source })?;
        let entry = health.entry(format!("receiver/{}", component.id));
        entry.bound(first.bound.clone());
        Ok(Self { component, node, gate, entry, stop, first: Some(first), task: None })
    }

    /// Serves until told to stop; opened again after a panic.
    pub(super) fn serve(&mut self, site: &Site) {
        let Some(first) = self.first.take() else { return };
        let (mut first, entry, told) = (Some(first), self.entry.clone(), self.stop.clone());
        let intake = Intake::of(Arc::clone(&self.gate), &self.component.id, &site.own);
        let receiver = Arc::clone(&self.node);
        let work = move || {
            let (receiver, intake) = (Arc::clone(&receiver), intake.clone());
            let (first, entry, stop) = (first.take(), entry.clone(), told.clone());
            async move {
                let started = match first {
                    Some(started) => started,
                    None if stop.is_cancelled() => return Ok(()),
                    None => receiver.start(intake, stop).await.map_err(|e| e.to_string())?,
                };
                entry.bound(started.bound);
                started.work.await.map_err(|e| e.to_string())
            }
        };
        let (restarts, jitter) = (site.restarts.clone(), site.host.jitter.clone());
        let task = supervise(self.entry.clone(), restarts, jitter, self.stop.clone(), work);
        self.task = Some(tokio::spawn(task));
    }

    /// Closes its listeners and finishes the requests under way, those that last longer than `deadline` excepted.
    pub(super) async fn end(&mut self, deadline: Option<Instant>) {
        self.stop.cancel();
        self.first = None;
        let deadline = deadline.unwrap_or_else(|| Instant::now() + STOPPED_WITHIN);
        let Some(mut task) = self.task.take() else { return };
        if timeout_at(deadline, &mut task).await.is_err() {
            tracing::warn!(receiver = %self.component.id, "requests under way were cut off");
            task.abort();
            let _ = task.await;
        }
    }

    /// Nothing shows it any more.
    pub(super) fn leave(self) {
        self.entry.leave();
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.iter().for_each(JoinHandle::abort);
    }
}
