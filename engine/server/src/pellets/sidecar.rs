//! The files of a Pellet of the store, found and read in one way by every route.
//!
//! What was never recorded is `not-found`. What was recorded and cannot be used is `verification-failed`, whose
//! `reason` and `detail` say which file and why.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nestr_pellets::{Digest, ReadError, ReadErrorKind, Sidecar, StoredPellet};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problems::{no_pellet, read_problem};
use super::rows;
use crate::app::{App, Shared};
use crate::problem::{Code, Problem};

/// The room is for so many bytes of sidecars, or for so many of them. One in memory takes some three times its bytes.
const N_PARTS: u32 = 8;
const PART_BYTES: u64 = 32 << 20;
/// How long a request waits for room.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for the sidecars that requests hold in memory at the same time.
pub(crate) struct Sidecars(Arc<Semaphore>);

/// The files of a Pellet of the store.
pub(super) async fn stored(app: &App, digest: &Digest) -> Result<StoredPellet, Problem> {
    let (store, wanted) = (Arc::clone(&app.store), *digest);
    let found = tokio::task::spawn_blocking(move || store.pellet(&wanted))
        .await
        .map_err(|e| Problem::internal("looking for the pellet", &e))?
        .map_err(|e| Problem::internal("looking for the pellet", &e))?;
    match found {
        Some(found) => Ok(found),
        None => Err(absent(app, digest).await?),
    }
}

/// Gives the sidecars of Pellets to `work`, on a thread that may block, while there is room for them.
pub(super) async fn with<const N: usize, T: Send + 'static>(
    app: &Shared,
    digests: [Digest; N],
    work: impl FnOnce([Sidecar; N]) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let mut files = Vec::with_capacity(N);
    for digest in &digests {
        files.push((*digest, stored(app, digest).await?));
    }
    let room = app.sidecars.room(app, &files).await?;
    let app = app.clone();
    let working = tokio::task::spawn_blocking(move || {
        // Held until the sidecars are gone, also where the client does not wait.
        let _room = room;
        let read: Result<Vec<_>, _> =
            files.iter().map(|(digest, files)| read(&app, digest, files)).collect();
        let read = <[Sidecar; N]>::try_from(read?);
        let lost = |_| Problem::internal("reading the sidecars", &"one was lost");
        work(read.map_err(lost)?)
    });
    working.await.map_err(|e| Problem::internal("reading the sidecars", &e))?
}

impl Sidecars {
    /// Room for all of `files` at once, so that two that wait cannot hold each other up.
    async fn room(
        &self,
        app: &Shared,
        files: &[(Digest, StoredPellet)],
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let (fs, paths) = (Arc::clone(&app.fs), files.iter().map(|(_, f)| f.sidecar.clone()));
        let paths: Vec<_> = paths.collect();
        let len = move |path: &PathBuf| fs.open_read(path).and_then(|file| file.len());
        // What cannot be opened now is told when it is read.
        let sizes = move || paths.iter().map(|path| len(path).unwrap_or(0)).collect::<Vec<_>>();
        let sizes = tokio::task::spawn_blocking(sizes).await;
        let sizes = sizes.map_err(|e| Problem::internal("looking at the sidecars", &e))?;
        let parts = Arc::clone(&self.0).acquire_many_owned(n_parts(&sizes));
        let full = "too many lists of entries are being read";
        let full = || Problem::new(Code::RateLimited, full).hint("wait a second, then try again");
        let room = tokio::time::timeout(PATIENCE, parts).await.map_err(|_| full())?;
        room.map_err(|e| Problem::internal("waiting for room", &e))
    }
}

impl Default for Sidecars {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(N_PARTS as usize)))
    }
}

/// How much of the room sidecars of these sizes take: each at least a part, all together at most the whole, so that
/// the largest are read alone.
fn n_parts(sizes: &[u64]) -> u32 {
    let parts = sizes.iter().map(|size| size.div_ceil(PART_BYTES).max(1)).sum::<u64>();
    u32::try_from(parts).unwrap_or(N_PARTS).min(N_PARTS)
}

/// The sidecar at the place that [`stored`] gave; blocks.
fn read(app: &App, digest: &Digest, stored: &StoredPellet) -> Result<Sidecar, Problem> {
    let sidecar = Sidecar::read(app.fs.as_ref(), &stored.sidecar)
        .map_err(|e| unusable(digest, &ReadError::in_sidecar(&stored.sidecar, e)))?;
    if sidecar.digest == *digest {
        return Ok(sidecar);
    }
    let detail = format!(
        "the sidecar is of another pellet, {}: {}",
        sidecar.digest,
        stored.sidecar.display()
    );
    Err(Problem::new(Code::VerificationFailed, of(digest, &detail)).reason("digest-mismatch"))
}

/// The problem with a sidecar that cannot be used.
fn unusable(digest: &Digest, error: &ReadError) -> Problem {
    match error.kind() {
        // Removed since it was found.
        ReadErrorKind::NotFound => no_pellet(digest),
        // The store's own trouble, not the Pellet's.
        ReadErrorKind::Internal => Problem::internal("reading the sidecar", error),
        _ => {
            let mut problem = read_problem(error);
            problem.detail = of(digest, &problem.detail).into();
            problem
        }
    }
}

/// Why the store has no such files: nobody recorded them, or somebody took them away.
async fn absent(app: &App, digest: &Digest) -> Result<Problem, Problem> {
    let text = digest.to_string();
    let row = app.log.read(move |conn| rows::by_digest(conn, &text)).await;
    let row = row.map_err(|e| Problem::internal("reading the pellet", &e))?;
    if row.is_none() {
        return Ok(no_pellet(digest));
    }
    let folder = app.store.folder(digest);
    let detail = format!("its archive or its sidecar is missing in {}", folder.display());
    Ok(Problem::new(Code::VerificationFailed, of(digest, &detail)).reason("pellet-not-found"))
}

fn of(digest: &Digest, detail: &str) -> String {
    format!("pellet {digest}: {detail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sidecars_share_the_room_and_the_largest_has_it_alone() {
        assert_eq!(n_parts(&[0]), 1);
        assert_eq!(n_parts(&[1, PART_BYTES + 1]), 3);
        assert_eq!(n_parts(&[1 << 30]), N_PARTS);
        assert_eq!(n_parts(&[u64::MAX / 2, u64::MAX / 2]), N_PARTS);
    }
}
