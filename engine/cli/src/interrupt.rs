//! ctrl-C and SIGTERM as a flag that long work looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Sets `interrupted` on ctrl-C, and on the SIGTERM by which build servers cancel, as long as the returned
/// runtime lives: a process that dies of it would leave half a tree behind.
pub(crate) fn watch(interrupted: Arc<AtomicBool>) -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?;
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let _entered = runtime.enter();
        let mut signals = signal(kind).map_err(|e| Failure::of(&e))?;
        let interrupted = Arc::clone(&interrupted);
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                interrupted.store(true, Ordering::Relaxed);
            }
        });
    }
    Ok(runtime)
}
