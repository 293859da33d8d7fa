//! ctrl-C and SIGTERM end long work as REST's cancel does.

use nestr_server::Cancel;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// What is asked on ctrl-C, and on the SIGTERM by which build servers cancel, as long as the returned runtime
/// lives: a process that dies of it would leave half a tree behind.
pub(crate) fn watch() -> Result<(Cancel, Runtime), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?;
    let cancel = Cancel::default();
    for (kind, name) in [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM")]
    {
        let _entered = runtime.enter();
        let mut signals = signal(kind).map_err(|e| Failure::of(&e))?;
        let cancel = cancel.clone();
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                cancel.ask(name);
            }
        });
    }
    Ok((cancel, runtime))
}
