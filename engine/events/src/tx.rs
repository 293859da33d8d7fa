//! What a closure sees of the shared transaction.

use durable_fs::Clock;
use rusqlite::{Connection, params};

use crate::{EventError, NewEvent, Result};

/// The transaction of one closure: its statements and its events.
#[derive(Debug)]
pub struct Tx<'a> {
    conn: &'a Connection,
    clock: &'a dyn Clock,
    last_rev: u64,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(conn: &'a Connection, clock: &'a dyn Clock, last_rev: u64) -> Self {
        Self { conn, clock, last_rev }
    }

    /// The connection, within this closure's savepoint. The closure begins, commits and rolls back nothing itself.
    #[must_use]
    pub fn sql(&self) -> &Connection {
        self.conn
    }

    /// Wall time in nanoseconds since the Unix epoch, by the log's clock.
    #[must_use]
    pub fn now_unix_nanos(&self) -> u64 {
        self.clock.unix_nanos()
    }

    /// The last revision as this closure sees it.
    #[must_use]
    pub fn last_rev(&self) -> u64 {
        self.last_rev
    }

    /// Records an event and returns its revision, which counts once the closure's commit is acknowledged.
    pub fn publish(&mut self, event: NewEvent) -> Result<u64> {
        if !event.event_type.is_stored() {
            return Err(EventError::NotStored(event.event_type));
        }
        let rev = self.last_rev + 1;
        self.conn
            .prepare_cached(
                "INSERT INTO events (rev, type, time_ns, subject, actor, traceparent, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                rev.cast_signed(),
                event.event_type.full(),
                self.clock.unix_nanos().cast_signed(),
                event.subject,
                event.actor,
                event.traceparent,
                event.data.to_string(),
            ])?;
        self.last_rev = rev;
        Ok(rev)
    }
}
