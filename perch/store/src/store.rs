//! The store: one set of segment indexes per pipeline, and the questions asked of all of them.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use collector_otlp::{Signal, TraceId};
use collector_pipeline::log::{Position, SegmentId, Storage};
use durable_fs::{Clock, Fs};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::follow;
use crate::index::SegmentIndex;
use crate::pipeline::{Pipeline, Source, read};
use crate::scope::Deadline;

/// What the store works with.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where index files are written.
    pub fs: Arc<dyn Fs>,
    /// Time, for deadlines.
    pub clock: Arc<dyn Clock>,
    /// How long one search may take. Default 5 s: shorter than any client waits.
    pub search_within: Duration,
}

/// The local store; clones are one.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// The threads that index; stop them before the process ends.
#[derive(Debug)]
pub struct Followers {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// A span name with its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The name.
    pub name: String,
    /// `server`, `client`, … or `unspecified`.
    pub span_kind: String,
}

/// The store could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the thread that indexes pipeline {pipeline} could not be started: {source}")]
pub struct StoreError {
    /// The pipeline.
    pub pipeline: String,
    /// Why.
    pub source: io::Error,
}

struct Shared {
    pipelines: Vec<Arc<Pipeline>>,
    options: StoreOptions,
}

impl StoreOptions {
    /// The default bounds.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Self {
        Self { fs, clock, search_within: Duration::from_secs(5) }
    }
}

impl Store {
    /// Starts to follow the logs, one thread each; what was there before is found too.
    pub fn start(
        sources: Vec<Source>,
        options: StoreOptions,
        runtime: &Handle,
    ) -> Result<(Self, Followers), StoreError> {
        let (stop, stopped) = watch::channel(false);
        let mut followers = Followers { stop, threads: Vec::new() };
        let mut pipelines = Vec::new();
        for source in sources.into_iter().filter(|s| s.signal != Signal::Metrics) {
            let pipeline = Arc::new(Pipeline::new(source, Arc::clone(&options.fs)));
            let thread = follow::spawn(Arc::clone(&pipeline), runtime.clone(), stopped.clone());
            let name = &pipeline.source.pipeline;
            let thread = thread.map_err(|source| StoreError { pipeline: name.clone(), source })?;
            followers.threads.push(thread);
            pipelines.push(pipeline);
        }
        Ok((Self { shared: Arc::new(Shared { pipelines, options }) }, followers))
    }

    /// Whether what is found outlives the process; in memory if any log is.
    #[must_use]
    pub fn storage(&self) -> Storage {
        let in_memory = |p: &Arc<Pipeline>| p.source.reader.storage() == Storage::Memory;
        if self.shared.pipelines.iter().any(in_memory) { Storage::Memory } else { Storage::Disk }
    }

    /// Bytes in the logs that are not indexed yet.
    #[must_use]
    pub fn n_lag_bytes(&self) -> u64 {
        self.shared.pipelines.iter().map(|p| p.n_lag_bytes()).sum()
    }

    /// Stretches of the logs that were deleted or damaged before they could be read.
    #[must_use]
    pub fn n_missed(&self) -> u64 {
        self.shared.pipelines.iter().map(|p| p.n_missed()).sum()
    }

    /// All services that sent spans, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        for index in self.indexes(Signal::Traces) {
            let index = read(&index.2);
            names.extend(index.names().services().iter().map(|s| s.name.clone()));
        }
        names.into_iter().collect()
    }

    /// The operations of a service, sorted; of one span kind if asked.
    #[must_use]
    pub fn operations(&self, service: &str, kind: Option<&str>) -> Vec<Operation> {
        let mut found = BTreeSet::new();
        for index in self.indexes(Signal::Traces) {
            let index = read(&index.2);
            let Some(service) = index.names().service(service) else { continue };
            for (name, kinds) in &service.operations {
                let wanted = kinds.iter().filter(|known| kind.is_none_or(|want| want == *known));
                found.extend(wanted.map(|span_kind| Operation {
                    name: name.clone(),
                    span_kind: span_kind.clone(),
                }));
            }
        }
        found.into_iter().collect()
    }

    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(Arc::clone(&self.shared.options.clock), self.shared.options.search_within)
    }

    /// All indexes of a signal's pipelines, newest segment first within a pipeline.
    pub(crate) fn indexes(
        &self,
        signal: Signal,
    ) -> Vec<(Arc<Pipeline>, SegmentId, Arc<RwLock<SegmentIndex>>)> {
        let mut all = Vec::new();
        for pipeline in self.shared.pipelines.iter().filter(|p| p.source.signal == signal) {
            let indexes = pipeline.indexes().into_iter();
            all.extend(indexes.map(|(id, index)| (Arc::clone(pipeline), id, index)));
        }
        all
    }

    /// Places of the records that hold anything of the trace, in the order of the log.
    pub(crate) fn places_of(
        &self,
        signal: Signal,
        trace: TraceId,
    ) -> Vec<(Arc<Pipeline>, Position)> {
        let mut places = Vec::new();
        for (pipeline, segment, index) in self.indexes(signal).into_iter().rev() {
            match read(&index).offsets_of(trace) {
                Ok(offsets) => places.extend(
                    offsets
                        .into_iter()
                        .map(|offset| (Arc::clone(&pipeline), Position { segment, offset })),
                ),
                Err(error) => pipeline.miss(segment, &error),
            }
        }
        places
    }
}

impl Followers {
    /// Stops indexing and waits for the threads.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the local store had panicked");
            }
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.shared.pipelines.iter().map(|p| &p.source.pipeline).collect();
        f.debug_struct("Store").field("pipelines", &names).finish_non_exhaustive()
    }
}
