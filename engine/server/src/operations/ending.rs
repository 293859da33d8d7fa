//! The end of an operation is recorded even where the disk is full for a while.
//!
//! Until then the operation is shown as running, which its row says too; the end of the process leaves it to the
//! next start.

use std::time::Duration;

use nestr_events::{EventError, Result, Tx};
use tokio_util::sync::CancellationToken;

use crate::app::App;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Commits what `make` makes; again and again while there is no room.
pub(crate) async fn commit_end<T, F>(app: &App, make: impl Fn() -> F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    until_room(&app.stop, FIRST_WAIT, || app.log.commit(make())).await
}

async fn until_room<T, A: Future<Output = Result<T>>>(
    stop: &CancellationToken,
    mut wait: Duration,
    attempt: impl Fn() -> A,
) -> Result<T> {
    loop {
        match attempt().await {
            Err(error @ EventError::Full) => {
                tracing::error!(%error, "the end of an operation waits for room to be recorded");
                tokio::select! {
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                    () = stop.cancelled() => return Err(error),
                }
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn an_end_waits_for_room_and_for_nothing_else() {
        let (stop, n) = (CancellationToken::new(), Cell::new(0));
        let count = |full_until: u32, then: Result<u32>| {
            n.set(n.get() + 1);
            std::future::ready(if n.get() < full_until { Err(EventError::Full) } else { then })
        };
        let soon = Duration::from_millis(1);
        assert_eq!(until_room(&stop, soon, || count(4, Ok(7))).await.unwrap(), 7);
        assert_eq!(n.get(), 4);
        let closed = until_room(&stop, soon, || count(0, Err(EventError::Closed))).await;
        assert!(matches!(closed, Err(EventError::Closed)), "{closed:?}");
        assert_eq!(n.get(), 5, "only a lack of room is waited out");
        stop.cancel();
        let hour = Duration::from_secs(3_600);
        let stopped = until_room(&stop, hour, || count(u32::MAX, Ok(7))).await;
        assert!(matches!(stopped, Err(EventError::Full)), "{stopped:?}");
    }
}
