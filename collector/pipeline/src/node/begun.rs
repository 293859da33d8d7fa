//! What an exporter keeps of a batch between two attempts.
//!
//! *Invariants*
//! 1. It goes where the batch goes and ends with it: nothing stays behind of a batch that was given up.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A place for one value beside a batch; only the exporter that put it there finds it.
#[derive(Default)]
pub struct Begun(Mutex<Option<Box<dyn Any + Send>>>);

impl Begun {
    /// Takes out what was put there, if it is a `T`; anything else is another exporter's, and ends.
    #[must_use]
    pub fn take<T: Send + 'static>(&self) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        kept.downcast().ok().map(|kept| *kept)
    }

    /// Puts `kept` there, for the next attempt.
    pub fn put<T: Send + 'static>(&self, kept: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(kept));
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}
