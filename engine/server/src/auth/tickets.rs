//! One-use tickets that open a WebSocket, because a browser cannot send a header there and a token must not be in a URL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use durable_fs::Clock;

/// How long a ticket may wait for its use.
pub(crate) const TTL: Duration = Duration::from_secs(30);
/// Tickets that may be open at once; beyond it the oldest is void.
const CAPACITY: usize = 1_024;

/// Open tickets and whom they admit.
pub(crate) struct Tickets {
    clock: Arc<dyn Clock>,
    /// Keyed by BLAKE3 of the ticket, so that looking one up tells nothing through its timing.
    open: Mutex<HashMap<[u8; 32], Open>>,
}

struct Open {
    subject: String,
    until: Duration,
}

impl Tickets {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, open: Mutex::default() }
    }

    /// A new ticket for `subject`.
    pub(crate) fn issue(&self, subject: &str) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let ticket = hex::encode(bytes);
        let now = self.clock.monotonic();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, o| o.until > now);
        if open.len() >= CAPACITY {
            let oldest = open.iter().min_by_key(|(_, o)| o.until).map(|(key, _)| *key);
            oldest.and_then(|key| open.remove(&key));
        }
        open.insert(key(&ticket), Open { subject: subject.to_owned(), until: now + TTL });
        Ok(ticket)
    }

    /// The subject of an open ticket, which is closed thereby.
    pub(crate) fn redeem(&self, ticket: &str) -> Option<String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.remove(&key(ticket))?;
        (found.until > self.clock.monotonic()).then_some(found.subject)
    }
}

fn key(ticket: &str) -> [u8; 32] {
    *blake3::hash(ticket.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable_fs::ManualClock;

    #[test]
    fn a_ticket_admits_once() {
        let tickets = Tickets::new(Arc::new(ManualClock::default()));
        let ticket = tickets.issue("ada").unwrap();
        assert_eq!(tickets.redeem("other"), None);
        assert_eq!(tickets.redeem(&ticket).as_deref(), Some("ada"));
        assert_eq!(tickets.redeem(&ticket), None);
    }

    #[test]
    fn a_ticket_expires() {
        let clock = Arc::new(ManualClock::default());
        let tickets = Tickets::new(clock.clone());
        let ticket = tickets.issue("ada").unwrap();
        clock.advance(TTL);
        assert_eq!(tickets.redeem(&ticket), None);
    }

    #[test]
    fn the_number_of_open_tickets_is_bounded() {
        let clock = Arc::new(ManualClock::default());
        let tickets = Tickets::new(clock.clone());
        let first = tickets.issue("ada").unwrap();
        clock.advance(Duration::from_secs(1));
        let rest: Vec<_> = (0..CAPACITY).map(|_| tickets.issue("ada").unwrap()).collect();
        assert_eq!(tickets.redeem(&first), None);
        assert!(rest.iter().all(|ticket| tickets.redeem(ticket).is_some()));
    }
}
