//! The thread that writes a log on disk, one fsync for all that wait.
//!
//! Whoever comes while an fsync is under way shares the next one; nobody is made to wait for
//! company, so a batch alone waits for one fsync and any other for two at most.
//!
//! # Invariants
//! 1. With [`Sync::Each`], a batch is reported as taken only after its bytes and its segment's name
//!    are synced: neither the end of the process nor of the machine loses it.
//! 2. Every batch handed over is answered once, taken or not, also when the thread ends.
//! 3. Batches are written in the order they were handed over.
//!
//! # Failure
//! A failed write refuses its batch, a failed fsync all that waited for it; the next batch starts a
//! new segment.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::claim::Reserved;
use super::error::{LogError, io};
use super::lock::StorageLock;
use super::reader::LogReader;
use super::record::{Origin, Position};
use super::shared::Place;
use super::writer::{Log, Staged};
use crate::Batch;

/// When batches count as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Once they are synced.
    Each,
    /// Once the operating system has them; a segment is synced when it is sealed.
    OnSeal,
}

/// Learns what became of a batch, on the log's thread.
type Done = Box<dyn FnOnce(Result<Position, Arc<LogError>>) + Send>;

/// Learns where a batch stands before any reader can see it there, on the log's thread; it may yet be
/// refused, and then nothing is ever seen there.
pub type Placed = Box<dyn FnOnce(Position) + Send>;

/// The writing side of a log on disk. Dropping it ends the thread once all is written.
pub struct Committer {
    inbox: Arc<Inbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Room for one batch in front of a log; given back when dropped unused.
pub struct Room {
    inbox: Arc<Inbox>,
    n_bytes: u64,
    _reserved: Reserved,
}

struct Inbox {
    log: Log,
    sync: Sync,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    n_bytes: u64,
    /// When the thread took up what it writes now, by the monotonic clock.
    busy_since: Option<Duration>,
    closed: bool,
}

struct Job {
    origin: Origin,
    batch: Batch,
    placed: Option<Placed>,
    done: Done,
    /// Held until the batch is answered.
    _room: Room,
}

impl Committer {
    /// Starts the thread of `log`; it holds on to `lock` until it ends.
    pub fn start(log: Log, sync: Sync, lock: Option<Arc<StorageLock>>) -> Result<Self, LogError> {
        let inbox = Arc::new(Inbox { log, sync, waiting: Mutex::default(), wake: Condvar::new() });
        let own = Arc::clone(&inbox);
        let thread = std::thread::Builder::new().name("perch-log".into()).spawn(move || {
            own.run();
            drop(lock);
        });
        let thread = thread.map_err(|e| match &inbox.log.shared.place {
            Place::Disk { dir, .. } => io("start the thread of", dir, e),
            Place::Memory => LogError::Closed,
        })?;
        Ok(Self { inbox, thread: Mutex::new(Some(thread)) })
    }

    /// A reader of the log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.inbox.log.reader()
    }

    /// Whether a batch is small enough for the log's bound.
    pub fn fits(&self, batch: &Batch) -> Result<(), LogError> {
        self.inbox.log.fits(batch)
    }

    /// Takes room for `batch`; nothing when too much waits already, here or for a primary exporter.
    #[must_use]
    pub fn reserve(&self, batch: &Batch) -> Option<Room> {
        let shared = &self.inbox.log.shared;
        let n_bytes = shared.cost(batch);
        let reserved = shared.reserve(n_bytes)?;
        let max_bytes = shared.options().waiting_bytes;
        let mut waiting = self.inbox.lock();
        if waiting.n_bytes > 0 && waiting.n_bytes + n_bytes > max_bytes {
            return None;
        }
        waiting.n_bytes += n_bytes;
        Some(Room { inbox: Arc::clone(&self.inbox), n_bytes, _reserved: reserved })
    }

    /// How long the thread has been at what it writes now.
    #[must_use]
    pub fn busy_for(&self) -> Duration {
        let since = self.inbox.lock().busy_since;
        since
            .map_or(Duration::ZERO, |at| self.inbox.log.shared.clock.monotonic().saturating_sub(at))
    }

    /// Whether the thread is there to write what comes.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.inbox.lock().closed
    }

    /// Has the thread end once what waits is written, without waiting for it.
    pub fn end(&self) {
        self.inbox.close();
    }

    /// Writes what waits, seals the log, and ends the thread; blocks until then. Batches handed over
    /// afterwards are refused.
    pub fn close(&self) {
        self.inbox.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of a log panicked");
        }
    }
}

impl Room {
    /// Hands `batch` over; `done` learns what became of it, on the log's thread.
    pub fn submit(
        self,
        origin: Origin,
        batch: Batch,
        placed: Option<Placed>,
        done: impl FnOnce(Result<Position, Arc<LogError>>) + Send + 'static,
    ) {
        let inbox = Arc::clone(&self.inbox);
        let mut waiting = inbox.lock();
        if waiting.closed {
            drop(waiting);
            done(Err(Arc::new(LogError::Closed)));
            return;
        }
        waiting.jobs.push(Job { origin, batch, placed, done: Box::new(done), _room: self });
        drop(waiting);
        inbox.wake.notify_one();
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Everything that waits, once something does; nothing once closed and empty.
    fn take(&self) -> Option<Vec<Job>> {
        let idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.closed;
        let waiting = self.wake.wait_while(self.lock(), idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let jobs = std::mem::take(&mut waiting.jobs);
        waiting.busy_since = Some(self.log.shared.clock.monotonic());
        (!jobs.is_empty()).then_some(jobs)
    }

    fn run(&self) {
        let _refusing = Refusing(self);
        while let Some(jobs) = self.take() {
            self.write(jobs);
            self.lock().busy_since = None;
        }
        if let Err(error) = self.log.seal() {
            tracing::error!(%error, "a log could not be synced at its end");
        }
    }

    /// Writes `jobs` with as few fsyncs as segments are touched, and answers each.
    fn write(&self, jobs: Vec<Job>) {
        let mut staged = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let mut tried = self.log.stage(job.origin, &job.batch);
            if matches!(tried, Ok(Staged::CommitFirst)) {
                self.settle(&mut staged);
                tried = self.log.stage(job.origin, &job.batch);
            }
            match tried {
                Ok(Staged::At(position)) => {
                    job.placed.take().into_iter().for_each(|placed| placed(position));
                    staged.push((position, job));
                }
                // With nothing staged there is nothing to commit first.
                Ok(Staged::CommitFirst) => job.answer(Err(Arc::new(LogError::Closed))),
                Err(error) => job.answer(Err(Arc::new(error))),
            }
        }
        self.settle(&mut staged);
    }

    fn settle(&self, staged: &mut Vec<(Position, Job)>) {
        let committed = match self.sync {
            Sync::Each => self.log.commit().map_err(Arc::new),
            Sync::OnSeal => {
                self.log.publish();
                Ok(())
            }
        };
        for (position, job) in staged.drain(..) {
            job.answer(committed.clone().map(|()| position));
        }
    }
}

impl Job {
    fn answer(self, result: Result<Position, Arc<LogError>>) {
        (self.done)(result);
    }
}

/// Refuses what waits when the thread ends, however it does.
struct Refusing<'a>(&'a Inbox);

impl Drop for Refusing<'_> {
    fn drop(&mut self) {
        self.0.close();
        let left = std::mem::take(&mut self.0.lock().jobs);
        for job in left {
            job.answer(Err(Arc::new(LogError::Closed)));
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.inbox.lock().n_bytes -= self.n_bytes;
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("log", &self.inbox.log).finish_non_exhaustive()
    }
}
