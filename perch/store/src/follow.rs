//! Reads one log behind its writer and keeps the indexes.
//!
//! # Failure
//! An index that cannot be written stays in memory and is made anew after a restart. A log that
//! cannot be read is tried again every [`RETRY`].

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use collector_pipeline::log::{Next, Position, Record, SegmentId, SegmentInfo};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::index::{self, Building, FileIndex, SegmentIndex};
use crate::pipeline::{Pipeline, read, write};

const RETRY: Duration = Duration::from_secs(1);

struct Follower {
    pipeline: Arc<Pipeline>,
    /// The segment that is being indexed in memory.
    growing: Option<(SegmentId, Arc<RwLock<SegmentIndex>>)>,
    runtime: Handle,
    head: watch::Receiver<Position>,
    stop: watch::Receiver<bool>,
}

/// Starts the thread.
pub(crate) fn spawn(
    pipeline: Arc<Pipeline>,
    runtime: Handle,
    stop: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let head = pipeline.source.reader.watch();
    let follower = Follower { pipeline, growing: None, runtime, head, stop };
    std::thread::Builder::new().name("perch-store".into()).spawn(move || follower.run())
}

impl Follower {
    fn run(mut self) {
        self.open_known();
        self.remove_orphans();
        while !*self.stop.borrow() {
            let cursor = self.over_known(self.pipeline.cursor());
            match self.pipeline.source.reader.next(cursor) {
                Ok(Next::Record(record)) => self.add(&record),
                Ok(Next::Skipped { resume, .. }) => {
                    self.pipeline.count_missed();
                    let resume = if resume > cursor { resume } else { self.behind(cursor) };
                    self.pipeline.move_cursor(resume);
                }
                Ok(Next::AtHead) => {
                    self.finish_sealed();
                    self.forget_gone();
                    self.wait(None);
                }
                Err(error) => {
                    let pipeline = &self.pipeline.source.pipeline;
                    tracing::error!(pipeline, %error, "the local store cannot read the log");
                    self.wait(Some(RETRY));
                }
            }
        }
    }

    /// Opens the index files that are there; what has none is indexed on the way to the head.
    fn open_known(&self) {
        for segment in self.segments().iter().filter(|s| s.sealed && s.path.is_some()) {
            match FileIndex::open(self.pipeline.fs.as_ref(), segment) {
                Ok(index) => self.pipeline.put_index(segment.id, SegmentIndex::File(index)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let segment = segment.id;
                    tracing::warn!(%segment, %error, "an index is of no use and is made anew");
                }
            }
        }
    }

    /// Removes index files whose segments went while nobody looked.
    fn remove_orphans(&self) {
        let segments = self.segments();
        let Some(folder) = segments.iter().find_map(|s| s.path.as_deref()?.parent()) else {
            return;
        };
        let Ok(paths) = self.pipeline.fs.list(folder) else { return };
        for path in paths {
            let orphan = index::segment_of(&path)
                .is_some_and(|of| !segments.iter().any(|s| s.path.as_ref() == Some(&of)));
            if orphan {
                self.remove(&path);
            }
        }
    }

    /// The cursor, moved past segments that are indexed already.
    fn over_known(&self, mut cursor: Position) -> Position {
        while self.growing.as_ref().is_none_or(|(id, _)| *id != cursor.segment)
            && self.pipeline.index(cursor.segment).is_some()
        {
            cursor = self.behind(cursor);
            self.pipeline.move_cursor(cursor);
        }
        cursor
    }

    /// The start of the segment behind the cursor's, or of the one that will be.
    fn behind(&self, cursor: Position) -> Position {
        let next = self.segments().into_iter().map(|s| s.id).find(|id| *id > cursor.segment);
        Position::start_of(next.unwrap_or(SegmentId(cursor.segment.0 + 1)))
    }

    fn add(&mut self, record: &Record) {
        let segment = record.position.segment;
        if self.growing.as_ref().is_none_or(|(id, _)| *id != segment) {
            self.finish_growing();
            self.forget_gone();
            self.pipeline.put_index(segment, SegmentIndex::Memory(Building::default()));
            self.growing = self.pipeline.index(segment).map(|index| (segment, index));
        }
        if let Some((_, index)) = &self.growing
            && let SegmentIndex::Memory(building) = &mut *write(index)
        {
            building.add(record);
        }
        self.pipeline.move_cursor(record.end());
    }

    /// At the head: a sealed segment gets its file without waiting for the next record.
    fn finish_sealed(&mut self) {
        let Some((id, _)) = &self.growing else { return };
        if self.segments().iter().any(|s| s.id == *id && s.sealed) {
            let next = self.behind(self.pipeline.cursor());
            self.finish_growing();
            self.pipeline.move_cursor(next);
        }
    }

    fn finish_growing(&mut self) {
        let Some((id, index)) = self.growing.take() else { return };
        let segment = self.segments().into_iter().find(|s| s.id == id);
        let Some(segment) = segment.filter(|s| s.path.is_some()) else { return };
        let written = match &*read(&index) {
            SegmentIndex::Memory(building) => {
                index::write(self.pipeline.fs.as_ref(), &segment, building)
            }
            SegmentIndex::File(_) => return,
        };
        match written {
            Ok(file) => self.pipeline.put_index(id, SegmentIndex::File(file)),
            Err(error) => {
                tracing::warn!(segment = %id, %error, "an index stays in memory: it cannot be written");
            }
        }
    }

    /// Drops the indexes of deleted segments and their files.
    fn forget_gone(&self) {
        let segments = self.segments();
        let kept: BTreeSet<SegmentId> = segments.iter().map(|s| s.id).collect();
        let folder = segments.iter().find_map(|s| s.path.as_deref()?.parent());
        for id in self.pipeline.keep_only(&kept) {
            if let Some(folder) = folder {
                self.remove(&folder.join(format!("{id}.idx")));
            }
        }
    }

    fn remove(&self, path: &std::path::Path) {
        match self.pipeline.fs.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "an old index cannot be removed");
            }
            _ => {}
        }
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.pipeline.source.reader.segments()
    }

    /// Sleeps until the head moves, stopping is asked for, or `at_most` has passed.
    fn wait(&mut self, at_most: Option<Duration>) {
        let Self { runtime, head, stop, .. } = self;
        runtime.block_on(async {
            let limit = async {
                match at_most {
                    Some(time) => tokio::time::sleep(time).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Without a writer nothing more comes; only stopping is left to wait for.
                moved = head.changed(), if at_most.is_none() => if moved.is_err() {
                    let _ = stop.wait_for(|asked| *asked).await;
                },
                _ = stop.changed() => {}
                () = limit => {}
            }
        });
    }
}
