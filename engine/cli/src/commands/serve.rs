//! `nestr serve`.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use nestr_config::Key;
use nestr_server::{EventError, Options, Service, StartError};
use nestr_telemetry::Telemetry;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::ServeArgs;
use crate::failure::{Exit, Failure, chain};
use crate::{keys, output, setup};

/// Time that the last telemetry may take to leave.
const FLUSH: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or ctrl-C.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let mut sources = setup::sources(&args.source)?;
    let flags = [
        (Key::ServerListen, "--listen", &args.listen),
        (Key::ServerMetricsListen, "--metrics-listen", &args.metrics_listen),
        (Key::PerchUrl, "--perch-url", &args.perch_url),
    ];
    for (key, name, value) in flags {
        if let Some(value) = value {
            sources = sources.flag(key, name, value);
        }
    }
    if !args.root.is_empty() {
        sources = sources.flag_list(Key::Roots, "--root", args.root.clone());
    }
    let config = setup::load(sources)?;
    let telemetry = Arc::new(setup::server_telemetry(&config)?);
    let options = Options {
        mtime: setup::source_date_epoch()?,
        ..Options::from_config(&config, Arc::clone(&telemetry))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?;
    let served = runtime.block_on(serve(options, args.json));
    drop(runtime);
    end(telemetry);
    served
}

async fn serve(options: Options, json: bool) -> Result<(), Failure> {
    let handler = |kind| signal(kind).map_err(|e| Failure::of(&e));
    let (mut terminate, mut interrupt) =
        (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    let service = Service::start(options).await.map_err(|e| not_started(&e))?;
    let (listen, metrics) = (service.listen(), service.metrics_listen());
    output::line(&match json {
        true => json!({"listen": listen, "metrics_listen": metrics}).to_string(),
        false => format!("nestr  http://{listen}\nmetrics  http://{metrics}/metrics"),
    })?;
    either(&mut terminate, &mut interrupt).await;
    tokio::select! {
        () = service.stop() => Ok(()),
        () = either(&mut terminate, &mut interrupt) => {
            Err(Failure::new(Exit::Interrupted, "interrupted", "stopped at once on the second signal"))
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn not_started(error: &StartError) -> Failure {
    let (exit, code, hint) = match error {
        StartError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse => {
            (Exit::Conflict, "address-in-use", "stop what listens there, or choose port 0")
        }
        StartError::Listen { .. } => {
            (Exit::Failure, "listen-failed", "choose an address of this machine, or port 0")
        }
        StartError::Events(error @ EventError::InUse { .. }) => {
            (Exit::Conflict, error.code(), "one Engine has a state folder at a time")
        }
        StartError::Events(error @ EventError::Full) => {
            (Exit::Failure, error.code(), "free space on the file system of the state folder")
        }
        StartError::Events(error) => {
            (Exit::Failure, error.code(), "look at the cause; the log was left as it is")
        }
        StartError::Folder { .. } => {
            (Exit::Failure, "folder-unusable", "make it a folder that this user may write")
        }
        StartError::Secret(_) => (Exit::Failure, "secret-unusable", "name another --state-dir"),
        StartError::Key(error) => return keys::unusable(error),
        StartError::Client(_) => return Failure::of(error),
    };
    Failure::new(exit, code, chain(error)).hint(hint)
}

fn end(telemetry: Arc<Telemetry>) {
    // Handlers that were cut off may hold the other references for a moment; then a flush has to do.
    match Arc::try_unwrap(telemetry) {
        Ok(telemetry) => telemetry.shutdown(FLUSH),
        Err(shared) => shared.flush(FLUSH),
    };
}
