//! Something made of files, made anew when they change.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::TlsError;

type Make<T> = dyn Fn(&[Vec<u8>]) -> Result<T, TlsError> + Send + Sync;

/// The latest usable form of some files.
pub(crate) struct Reloading<T> {
    files: Vec<PathBuf>,
    interval: Option<Duration>,
    make: Box<Make<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    current: Arc<T>,
    contents: Vec<Vec<u8>>,
    looked_at: Instant,
}

impl<T> Reloading<T> {
    /// Reads `files` and makes the first of it; `make` gets their contents in the same order.
    pub(crate) fn load(
        files: Vec<PathBuf>,
        interval: Option<Duration>,
        make: impl Fn(&[Vec<u8>]) -> Result<T, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let contents = read(&files)?;
        let current = Arc::new(make(&contents)?);
        let state = Mutex::new(State { current, contents, looked_at: Instant::now() });
        Ok(Self { files, interval, make: Box::new(make), state })
    }

    /// What the files hold, as of `interval` ago at most. Reads a few small files, and only when that is due.
    pub(crate) fn current(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.interval.is_some_and(|interval| state.looked_at.elapsed() >= interval);
        if due {
            state.looked_at = Instant::now();
            self.look_again(&mut state);
        }
        Arc::clone(&state.current)
    }

    fn look_again(&self, state: &mut State<T>) {
        let remade = read(&self.files).and_then(|contents| {
            let changed = contents != state.contents;
            changed.then(|| (self.make)(&contents).map(|made| (made, contents))).transpose()
        });
        match remade {
            Ok(None) => {}
            Ok(Some((made, contents))) => {
                (state.current, state.contents) = (Arc::new(made), contents);
                tracing::info!(files = ?self.files, "files changed and were read again");
            }
            Err(error) => {
                tracing::error!(%error, "files changed and cannot be used; what was read before stays in force");
            }
        }
    }
}

fn read(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, TlsError> {
    let failed = |path: &PathBuf, source| TlsError::Read { path: path.clone(), source };
    files.iter().map(|path| std::fs::read(path).map_err(|e| failed(path, e))).collect()
}

/// Without the contents: they may be keys.
impl<T> fmt::Debug for Reloading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").field("files", &self.files).finish_non_exhaustive()
    }
}
