//! Operations on Pellets: how many run at once and how many may wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::operations::Underway;
use crate::problem::{Code, Problem};

/// Jobs that pack, restore or verify at the same time; each uses several threads itself.
const N_AT_ONCE: usize = 2;
/// Jobs that run or wait; further requests are refused.
const N_ADMITTED: usize = 64;

/// All jobs of the process.
pub(crate) struct Jobs {
    admitted: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Lets the end of the process wait for the jobs' ends.
    pub(crate) tasks: TaskTracker,
}

/// A job's place among those admitted.
pub(crate) struct Place {
    _admitted: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

impl Jobs {
    pub(crate) fn new() -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(N_ADMITTED)),
            turns: Arc::new(Semaphore::new(N_AT_ONCE)),
            tasks: TaskTracker::new(),
        }
    }

    /// A place for a job, or a problem while too many wait.
    pub(crate) fn admit(&self) -> Result<Place, Problem> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| {
            Problem::new(Code::RateLimited, format!("{N_ADMITTED} operations run or wait already"))
        })?;
        Ok(Place { _admitted: admitted, turns: Arc::clone(&self.turns) })
    }
}

impl Place {
    /// Waits until the operation may work, or is cut short; no permit never happens while the process lives.
    pub(crate) async fn turn(
        &self,
        operation: &Underway,
    ) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        tokio::select! {
            biased;
            () = operation.cancel.asked() => Err(operation.cut_short()),
            turn = Arc::clone(&self.turns).acquire_owned() => Ok(turn.ok()),
        }
    }
}
