//! The handle that the Engine's parts hold, and what opens and closes the log.

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use durable_fs::Clock;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::event::EventId;
use crate::lock::LogLock;
use crate::writer::{Message, Position, Work, Writer};
use crate::{Event, EventError, Migration, Result, Tx, event_type, schema};

/// Commits that may wait for the writer before callers wait for room.
const INBOX: usize = 1024;
/// Connections that read at the same time.
const READERS: usize = 4;
/// A checkpoint by a reader that ends may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// How a log is opened; the default is right outside tests.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {
    /// Greatest size of the file in pages of 4 KiB; a full log refuses with [`EventError::Full`].
    #[doc(hidden)]
    pub max_pages: Option<u32>,
}

/// The event log; clones share it.
#[derive(Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    log_id: String,
    inbox: mpsc::Sender<Message>,
    committed: watch::Receiver<Position>,
    readers: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// Ends the writer. Without [`Closer::close`], the writer ends by itself once told, soon after the drop.
#[derive(Debug)]
pub struct Closer {
    inbox: mpsc::Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl EventLog {
    /// Opens or creates the log at `path`, with its own tables and those of `migrations`. Blocks; the folder exists.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        migrations: &[Migration],
    ) -> Result<(Self, Closer)> {
        Self::open_with(path, clock, migrations, Options::default())
    }

    /// Opens the log with other than the default options.
    pub fn open_with(
        path: &Path,
        clock: Arc<dyn Clock>,
        migrations: &[Migration],
        options: Options,
    ) -> Result<(Self, Closer)> {
        let lock = LogLock::take(path)?;
        let mut conn = open_for_writing(path)?;
        schema::migrate(&mut conn, migrations)?;
        let log_id = schema::log_id(&conn, &fresh_id(path)?)?;
        if let Some(pages) = options.max_pages {
            conn.pragma_update(None, "max_page_count", pages)?;
        }
        let rev: i64 =
            conn.query_row("SELECT coalesce(max(rev), 0) FROM events", [], |row| row.get(0))?;

        let (committed, watched) =
            watch::channel(Position { rev: rev.cast_unsigned(), n_groups: 0 });
        let (inbox, received) = mpsc::channel(INBOX);
        let writer = Writer { conn, clock, inbox: received, committed, _lock: lock };
        let thread = std::thread::Builder::new()
            .name("event-log".into())
            .spawn(move || writer.run())
            .map_err(|cause| open_error(path, cause))?;

        let inner = Inner {
            path: path.into(),
            log_id,
            inbox: inbox.clone(),
            committed: watched,
            readers: Arc::new(Semaphore::new(READERS)),
            idle: Mutex::new(Vec::new()),
        };
        Ok((Self { inner: Arc::new(inner) }, Closer { inbox, thread: Some(thread) }))
    }

    /// Runs `closure` in the shared transaction and returns its value once that is durable.
    ///
    /// An error or a panic of the closure undoes its own rows and events alone. Dropping the returned future does
    /// not take the closure back.
    pub async fn commit<T, F>(&self, closure: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Message::Run(Box::new(Work::new(closure, reply)));
        self.inner.inbox.send(job).await.map_err(|_| EventError::Closed)?;
        answer.await.map_err(|_| EventError::Closed)?
    }

    /// The same for a thread outside the async runtime; panics within it.
    pub fn commit_blocking<T, F>(&self, closure: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Message::Run(Box::new(Work::new(closure, reply)));
        self.inner.inbox.blocking_send(job).map_err(|_| EventError::Closed)?;
        answer.blocking_recv().map_err(|_| EventError::Closed)?
    }

    /// Runs `closure` on a blocking thread over one consistent, read-only view of the log.
    pub async fn read<T, F>(&self, closure: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.inner.readers)
            .acquire_owned()
            .await
            .map_err(|_| EventError::Closed)?;
        let log = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            log.inner.read(closure)
        });
        done.await.map_err(|_| EventError::Panicked)?
    }

    /// At most `limit` events after revision `rev`, in order.
    pub async fn since(&self, rev: u64, limit: usize) -> Result<Vec<Event>> {
        let log_id = self.inner.log_id.clone();
        self.read(move |conn| events_since(conn, &log_id, rev, limit)).await
    }

    /// The last committed revision; 0 in an empty log.
    #[must_use]
    pub fn last_rev(&self) -> u64 {
        self.inner.committed.borrow().rev
    }

    /// Transactions committed since the log was opened; fewer than commits where they were grouped.
    #[must_use]
    pub fn n_groups(&self) -> u64 {
        self.inner.committed.borrow().n_groups
    }

    /// Tells of every commit.
    pub(crate) fn committed(&self) -> watch::Receiver<Position> {
        self.inner.committed.clone()
    }

    /// The id of this log, which begins the id of each of its events.
    #[must_use]
    pub fn log_id(&self) -> &str {
        &self.inner.log_id
    }

    #[cfg(test)]
    pub(crate) fn n_waiting(&self) -> usize {
        self.inner.inbox.max_capacity() - self.inner.inbox.capacity()
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog")
            .field("path", &self.inner.path)
            .field("last_rev", &self.last_rev())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn read<T>(&self, closure: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open_for_reading(&self.path)?,
        };
        // A connection whose closure panics is dropped with it.
        let view = conn.unchecked_transaction()?;
        let value = closure(&view)?;
        view.finish()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        Ok(value)
    }
}

impl Closer {
    /// Takes no new commits, finishes those that wait, and returns when the file is closed and its lock free.
    pub async fn close(mut self) {
        // The writer is gone already where this fails.
        let _ = self.inbox.send(Message::Close).await;
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            // A panic of the writer has been printed; closing can do no more about it.
            let _ = joined.await;
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // With a full inbox the writer ends when the last handle is dropped.
            let _ = self.inbox.try_send(Message::Close);
        }
    }
}

fn open_for_writing(path: &Path) -> Result<Connection> {
    // SQLite gives its side files the mode of the file itself, so that one is made here.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|cause| open_error(path, cause))?;
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    Ok(conn)
}

fn open_for_reading(path: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "query_only", "ON")?;
    Ok(conn)
}

fn events_since(conn: &Connection, log_id: &str, rev: u64, limit: usize) -> Result<Vec<Event>> {
    let mut rows = conn.prepare_cached(
        "SELECT rev, type, time_ns, subject, actor, traceparent, data
         FROM events WHERE rev > ?1 ORDER BY rev LIMIT ?2",
    )?;
    let rev = i64::try_from(rev).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = rows.query_and_then([rev, limit], |row| event(row, log_id))?;
    found.collect()
}

fn event(row: &rusqlite::Row<'_>, log_id: &str) -> Result<Event> {
    let rev = row.get::<_, i64>(0)?.cast_unsigned();
    let unreadable = |what: String| EventError::Unreadable { rev, what };
    let full: String = row.get(1)?;
    let nanos: i64 = row.get(2)?;
    let data: String = row.get(6)?;
    Ok(Event {
        rev,
        id: EventId::new(log_id, rev),
        event_type: event_type::by_full_name(&full)
            .ok_or_else(|| unreadable(format!("its type `{full}` is not known")))?,
        time: time::OffsetDateTime::from_unix_timestamp_nanos(nanos.cast_unsigned().into())
            .map_err(|e| unreadable(e.to_string()))?,
        subject: row.get(3)?,
        actor: row.get(4)?,
        traceparent: row.get(5)?,
        data: serde_json::from_str(&data).map_err(|e| unreadable(e.to_string()))?,
    })
}

fn fresh_id(path: &Path) -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|e| open_error(path, std::io::Error::other(e)))?;
    Ok(hex::encode(bytes))
}

fn open_error(path: &Path, cause: std::io::Error) -> EventError {
    EventError::Open { path: path.into(), cause: Arc::new(cause) }
}
