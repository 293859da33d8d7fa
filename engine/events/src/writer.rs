//! The one writer: takes what waits, runs it in one transaction, commits once, then answers all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use durable_fs::Clock;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::lock::LogLock;
use crate::{EventError, Result, Tx};

/// Closures that share one transaction at most; bounds how long the first of them waits for the last.
const MAX_GROUP: usize = 256;

/// What reaches the writer.
pub(crate) enum Message {
    /// A closure to run.
    Run(Box<dyn Job>),
    /// Take nothing new, finish what waits, end.
    Close,
}

/// A closure with the place its answer goes to.
pub(crate) trait Job: Send {
    /// Runs the closure; says whether its rows are to stay.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Answers the caller: the closure's own outcome, or why the group came to nothing.
    fn settle(self: Box<Self>, group: Result<()>);
}

/// The [`Job`] of a closure `F` that gives a `T`.
pub(crate) struct Work<T, F> {
    closure: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

/// State of the writer's thread.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: mpsc::Receiver<Message>,
    pub(crate) committed: watch::Sender<Position>,
    pub(crate) _lock: LogLock,
}

/// How far the log has been committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last revision.
    pub(crate) rev: u64,
    /// Transactions since the start of the process.
    pub(crate) n_groups: u64,
}

/// What running one closure did to the shared transaction.
enum Ran {
    /// The transaction stands, at this revision.
    Stands(u64),
    /// The transaction is gone, with all that ran before in it.
    Undone,
}

impl<T, F> Work<T, F> {
    pub(crate) fn new(closure: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { closure: Some(closure), outcome: None, reply }
    }
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T> + Send> Job for Work<T, F> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(closure) = self.closure.take() else { return false };
        let outcome =
            catch_unwind(AssertUnwindSafe(|| closure(tx))).unwrap_or(Err(EventError::Panicked));
        let stays = outcome.is_ok();
        self.outcome = Some(outcome);
        stays
    }

    fn settle(self: Box<Self>, group: Result<()>) {
        let answer = match (group, self.outcome) {
            // A closure's own error tells its caller more than what became of the group.
            (_, Some(Err(own))) => Err(own),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(group), _) => Err(group),
            (Ok(()), None) => Err(EventError::Closed),
        };
        // The caller may have gone; the commit stands all the same.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    /// Serves until the inbox is closed and empty.
    pub(crate) fn run(mut self) {
        let mut group = Vec::new();
        while let Some(first) = self.inbox.blocking_recv() {
            self.take(first, &mut group);
            while group.len() < MAX_GROUP {
                let Ok(next) = self.inbox.try_recv() else { break };
                self.take(next, &mut group);
            }
            self.commit(std::mem::take(&mut group));
        }
        // Readers of the file need no write-ahead log then; without it, opening replays it.
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn take(&mut self, message: Message, group: &mut Vec<Box<dyn Job>>) {
        match message {
            Message::Run(job) => group.push(job),
            Message::Close => self.inbox.close(),
        }
    }

    fn commit(&mut self, jobs: Vec<Box<dyn Job>>) {
        let mut rev = self.committed.borrow().rev;
        let mut ran: Vec<Box<dyn Job>> = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            match self.run_one(job.as_mut(), rev) {
                Ok(Ran::Stands(reached)) => {
                    rev = reached;
                    ran.push(job);
                }
                Ok(Ran::Undone) => {
                    ran.push(job);
                    rev = self.committed.borrow().rev;
                    settle_all(&mut ran, &Err(EventError::GroupUndone));
                }
                Err(error) => job.settle(Err(error)),
            }
        }
        let outcome = self.finish(rev);
        settle_all(&mut ran, &outcome);
    }

    /// Runs one closure within a savepoint of its own.
    fn run_one(&self, job: &mut dyn Job, rev: u64) -> Result<Ran> {
        if self.conn.is_autocommit() {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
        }
        self.conn.execute_batch("SAVEPOINT work")?;
        let mut tx = Tx::new(&self.conn, self.clock.as_ref(), rev);
        let stays = job.run(&mut tx);
        let reached = tx.last_rev();
        // A full disk makes SQLite roll the whole transaction back on its own.
        if self.conn.is_autocommit() {
            return Ok(Ran::Undone);
        }
        if stays {
            self.conn.execute_batch("RELEASE work")?;
            Ok(Ran::Stands(reached))
        } else {
            self.conn.execute_batch("ROLLBACK TO work; RELEASE work")?;
            Ok(Ran::Stands(rev))
        }
    }

    /// Commits with one fsync and announces the revision, or undoes all.
    fn finish(&self, rev: u64) -> Result<()> {
        if self.conn.is_autocommit() {
            return Ok(());
        }
        if let Err(error) = self.conn.execute_batch("COMMIT") {
            if !self.conn.is_autocommit() {
                // Fails only where SQLite has rolled back already.
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            return Err(error.into());
        }
        self.committed.send_modify(|at| {
            *at = Position { rev, n_groups: at.n_groups + 1 };
        });
        Ok(())
    }
}

fn settle_all(jobs: &mut Vec<Box<dyn Job>>, outcome: &Result<()>) {
    for job in jobs.drain(..) {
        job.settle(outcome.clone());
    }
}
