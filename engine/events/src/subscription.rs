//! A cursor over the log that waits at its end.

use tokio::sync::watch;

use crate::writer::Position;
use crate::{Event, EventError, EventLog, Result};

/// Events after a revision, each once and in order.
///
/// Wake-ups say only that there is more; events are always read from the log, so a slow reader loses nothing and
/// holds nothing in memory.
#[derive(Debug)]
pub struct Subscription {
    log: EventLog,
    committed: watch::Receiver<Position>,
    rev: u64,
}

impl EventLog {
    /// Every event after revision `rev`, each once and in order, first the recorded, then the coming ones.
    pub fn subscribe(&self, rev: u64) -> Result<Subscription> {
        let last = self.last_rev();
        if rev > last {
            return Err(EventError::RevAhead { asked: rev, last });
        }
        Ok(Subscription { log: self.clone(), committed: self.committed(), rev })
    }
}

impl Subscription {
    /// The revision up to which events have been given.
    #[must_use]
    pub fn rev(&self) -> u64 {
        self.rev
    }

    /// Waits for events and returns at least one and at most `limit` (0 counts as 1).
    ///
    /// Dropping the future loses nothing. [`EventError::Closed`] once the log is closed and all has been given.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Event>> {
        loop {
            if self.committed.borrow_and_update().rev > self.rev {
                let events = self.log.since(self.rev, limit.max(1)).await?;
                if let Some(last) = events.last() {
                    self.rev = last.rev;
                    return Ok(events);
                }
            }
            self.committed.changed().await.map_err(|_| EventError::Closed)?;
        }
    }
}
