//! Which version of remote-write an endpoint takes, found out by asking.
//!
//! *Invariants*
//! 1. 2.0 is tried first, and again after [`ASK_AGAIN`] where 1.0 was settled on.
//! 2. 1.0 is settled on when the endpoint says that it does not know the type (415), when it answers success to 2.0
//!    without saying what it wrote (it looked at no type and read nothing), or when it takes as 1.0 what it called
//!    malformed as 2.0.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use collector_prom::remote_write::Version;

/// How long 1.0 is spoken before 2.0 is tried again: seldom enough to cost nothing, often enough that a receiver
/// that was upgraded is noticed the same hour.
const ASK_AGAIN: Duration = Duration::from_secs(30 * 60);

/// What the settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whatever the endpoint takes, the newer one first.
    Auto,
    /// This one and no other.
    Only(Version),
}

/// What was found out about one endpoint.
#[derive(Debug)]
pub(super) struct Negotiated {
    wanted: Wanted,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// It has said what it wrote: it speaks 2.0.
    speaks_second: bool,
    /// Monotonic time at which 1.0 was settled on.
    settled: Option<Duration>,
}

impl Negotiated {
    /// Nothing is known yet.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, state: Mutex::default() }
    }

    /// What to speak at monotonic time `now`.
    pub(super) fn version(&self, now: Duration) -> Version {
        match self.wanted {
            Wanted::Only(version) => version,
            Wanted::Auto => match self.lock().settled {
                Some(at) if now.saturating_sub(at) < ASK_AGAIN => Version::V1,
                _ => Version::V2,
            },
        }
    }

    /// Whether another version may be tried after one that was not understood.
    pub(super) fn may_change(&self) -> bool {
        self.wanted == Wanted::Auto
    }

    /// Whether the endpoint has never said what it wrote.
    pub(super) fn is_unsure(&self) -> bool {
        !self.lock().speaks_second
    }

    /// The endpoint said what it wrote.
    pub(super) fn speaks_second(&self) {
        *self.lock() = State { speaks_second: true, settled: None };
    }

    /// The endpoint takes 1.0 alone; gives whether that is news.
    pub(super) fn settle(&self, now: Duration) -> bool {
        let mut state = self.lock();
        let is_news = state.settled.is_none();
        *state = State { speaks_second: false, settled: Some(now) };
        is_news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_one_is_tried_again_after_a_while() {
        let negotiated = Negotiated::new(Wanted::Auto);
        let at = Duration::from_secs;
        assert_eq!(negotiated.version(at(5)), Version::V2);
        assert!(negotiated.settle(at(5)));
        assert_eq!(negotiated.version(at(1800)), Version::V1);
        assert_eq!(negotiated.version(at(1805)), Version::V2);
        assert!(!negotiated.settle(at(1805)), "said once");
        assert_eq!(negotiated.version(at(3000)), Version::V1);
        negotiated.speaks_second();
        assert_eq!(negotiated.version(at(3000)), Version::V2);
        assert!(!negotiated.is_unsure());
        let only = Negotiated::new(Wanted::Only(Version::V1));
        assert_eq!((only.version(at(1)), only.may_change()), (Version::V1, false));
    }
}
