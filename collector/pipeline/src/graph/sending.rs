//! An exporter at work: its lanes from the logs of all pipelines that name it, and its listener where it has one.
//!
//! # Invariants
//! 1. One set of lanes at a time sends from a consumer: the next begins when the one before has ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::error::GraphError;
use super::health::{Entry, Health, Trouble};
use super::listening::Listening;
use super::site::Site;
use super::supervise::supervise;
use crate::config::{Component, ComponentId};
use crate::consumer::{Consumer, Feed};
use crate::node::Exporter;
use crate::queue::{LaneOptions, Lanes};

/// How long attempts under way get when other lanes take over; one that is cut off is repeated.
const RETIRED_WITHIN: Duration = Duration::from_secs(1);

/// An exporter.
pub(super) struct Sending {
    pub(super) component: Component,
    node: Arc<dyn Exporter>,
    entry: Entry,
    stop: CancellationToken,
    listener: Option<Listening>,
    listening: Option<JoinHandle<()>>,
    lanes: Option<Working>,
}

/// Lanes at work.
struct Working {
    feed: Arc<Feed>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Opens the listener of `node`, if it has one; nothing is sent yet.
    pub(super) async fn open(
        component: Component,
        node: Arc<dyn Exporter>,
        health: &Health,
        stop: CancellationToken,
    ) -> Result<Self, GraphError> {
        let name = &component.id;
        let entry = health.entry(format!("exporter/{name}"));
        let listener = Listening::open(name, Arc::clone(&node), &entry, health, &stop).await;
        let listener = listener.inspect_err(|_| entry.leave())?;
        let (listening, lanes) = (None, None);
        Ok(Self { component, node, entry, stop, listener, listening, lanes })
    }

    /// Sends from `consumers`, all of which were started with the alarm `wake`; lanes that do so already go on.
    pub(super) async fn send(
        &mut self,
        consumers: Vec<Arc<Consumer>>,
        wake: &Arc<Notify>,
        site: &Site,
        health: &Health,
    ) {
        if let Some(listener) = self.listener.take() {
            let (restarts, jitter) = (site.restarts.clone(), site.host.jitter.clone());
            self.listening = Some(listener.serve(restarts, jitter, self.stop.clone()));
        }
        let is_same = |lanes: &Working| {
            let now = lanes.feed.consumers();
            now.len() == consumers.len()
                && now.iter().zip(&consumers).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if self.lanes.as_ref().is_some_and(is_same) {
            return;
        }
        self.retire().await;
        let options = LaneOptions {
            n_in_flight: self.component.queue.n_in_flight,
            retry: self.component.retry.clone(),
            jitter: site.host.jitter.clone(),
            clock: Arc::clone(&site.host.clock),
            meters: site.meters.clone(),
        };
        let feed = Feed::new(consumers, Arc::clone(wake));
        let name = self.component.id.to_string();
        let lanes = Lanes::new(name.clone(), Arc::clone(&feed), Arc::clone(&self.node), options);
        let lanes = Arc::new(lanes.told_to(site.own.clone()));
        let seen = Arc::downgrade(&lanes);
        health.probe(format!("delivery/{name}"), move || {
            Trouble::stuck("delivery_stuck", seen.upgrade()?.busy_for())
        });
        let work = move || {
            let lanes = Arc::clone(&lanes);
            async move { lanes.run().await.map_err(|e| e.to_string()) }
        };
        let (restarts, jitter) = (site.restarts.clone(), site.host.jitter.clone());
        let task = supervise(self.entry.clone(), restarts, jitter, self.stop.clone(), work);
        self.lanes = Some(Working { feed, task: tokio::spawn(task) });
    }

    /// The feed it sends from.
    pub(super) fn feed(&self) -> Option<&Arc<Feed>> {
        self.lanes.as_ref().map(|lanes| &lanes.feed)
    }

    /// Stops sending; what is under way is given back unless it ends at once.
    pub(super) async fn retire(&mut self) {
        let Some(Working { feed, task }) = self.lanes.take() else { return };
        feed.retire();
        end(task, Instant::now() + RETIRED_WITHIN).await;
    }

    /// Sends what waits until `deadline`, then stops.
    pub(super) async fn drain(&mut self, deadline: Instant) {
        let Some(Working { feed, task }) = self.lanes.take() else { return };
        feed.close();
        end(task, deadline).await;
    }

    /// Stops sending and closes its listener.
    pub(super) async fn end(&mut self) {
        self.retire().await;
        self.stop.cancel();
        self.listener = None;
        if let Some(task) = self.listening.take() {
            end(task, Instant::now() + RETIRED_WITHIN).await;
        }
    }

    /// Nothing shows it any more.
    pub(super) fn leave(self, health: &Health) {
        self.entry.leave();
        for what in ["delivery", "listener"] {
            health.forget(&format!("{what}/{}", self.component.id));
        }
    }

    /// Its name.
    pub(super) fn id(&self) -> &ComponentId {
        &self.component.id
    }
}

/// Waits for the end of `task`, and brings it about at `deadline`; what was under way waits again then.
async fn end(mut task: JoinHandle<()>, deadline: Instant) {
    if timeout_at(deadline, &mut task).await.is_err() {
        task.abort();
        let _ = task.await;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.stop.cancel();
        self.listening.iter().for_each(JoinHandle::abort);
        self.lanes.iter().for_each(|lanes| lanes.task.abort());
    }
}
