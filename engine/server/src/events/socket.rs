//! One open event stream: replay, then live events and progress.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use nestr_events::{Event, EventError, Subscription};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::model;
use crate::app::Shared;
use crate::operations::Frame;

/// Clients have nothing to say but pings and closes.
pub(crate) const MAX_INCOMING_BYTES: usize = 4 * 1024;
/// Events read from the log at once.
const PAGE: usize = 64;
/// Time for one frame to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between pings; a client silent for two of them is gone.
const HEARTBEAT: Duration = Duration::from_secs(20);

const GOING_AWAY: u16 = 1001;
const INTERNAL: u16 = 1011;
const TOO_SLOW: u16 = 4408;
const REV_AHEAD: u16 = 4409;

/// Why a stream ends.
enum End {
    /// The client went, or the connection broke.
    Gone,
    /// We close, with this code and reason.
    Close(u16, Cow<'static, str>),
}

/// What can happen on a stream.
enum Turn {
    Stopping,
    Incoming(Option<Result<Message, axum::Error>>),
    Events(Result<Vec<Event>, EventError>),
    Progress(Result<Arc<Frame>, RecvError>),
    Heartbeat,
}

/// Serves the stream until either side ends it.
pub(crate) async fn run(app: Shared, mut socket: WebSocket, since: Option<u64>) {
    let _watching = app.instruments.watch();
    let end = match app.log.subscribe(since.unwrap_or_else(|| app.log.last_rev())) {
        Ok(events) => follow(&app, &mut socket, events).await,
        Err(e @ EventError::RevAhead { .. }) => End::Close(REV_AHEAD, e.to_string().into()),
        Err(e) => broken(&e),
    };
    if let End::Close(code, reason) = end {
        let frame = CloseFrame { code, reason: reason.as_ref().into() };
        // The client may be gone already; there is nobody else to tell.
        let _ = timeout(SEND_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
    }
}

async fn follow(app: &Shared, socket: &mut WebSocket, mut events: Subscription) -> End {
    let mut progress: Receiver<Arc<Frame>> = app.progress.watch();
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut n_unanswered = 0;
    loop {
        let turn = tokio::select! {
            biased;
            () = app.stop.cancelled() => Turn::Stopping,
            incoming = socket.recv() => Turn::Incoming(incoming),
            // Before events, so that no report of an operation comes after its end.
            frame = progress.recv() => Turn::Progress(frame),
            page = events.next(PAGE) => Turn::Events(page),
            _ = heartbeat.tick() => Turn::Heartbeat,
        };
        let sent = match turn {
            Turn::Stopping => return End::Close(GOING_AWAY, "the engine stops".into()),
            Turn::Incoming(None | Some(Err(_) | Ok(Message::Close(_)))) => return End::Gone,
            Turn::Incoming(Some(Ok(_))) => {
                n_unanswered = 0;
                Ok(())
            }
            Turn::Events(Ok(page)) => send_events(socket, &page).await,
            Turn::Events(Err(EventError::Closed)) => {
                return End::Close(GOING_AWAY, "the engine stops".into());
            }
            Turn::Events(Err(e)) => return broken(&e),
            Turn::Progress(Ok(frame)) => {
                let event = model::progress(&frame, events.rev());
                send(socket, Message::text(event.to_string())).await
            }
            // The next frame of each operation says all that the missed ones did.
            Turn::Progress(Err(_)) => Ok(()),
            Turn::Heartbeat if n_unanswered == 2 => return End::Gone,
            Turn::Heartbeat => {
                n_unanswered += 1;
                send(socket, Message::Ping(bytes::Bytes::new())).await
            }
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

async fn send_events(socket: &mut WebSocket, page: &[Event]) -> Result<(), End> {
    for event in page {
        let text = serde_json::to_string(event).map_err(|e| broken(&e))?;
        send(socket, Message::text(text)).await?;
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(TOO_SLOW, "the client did not read".into())),
    }
}

fn broken(error: &dyn std::fmt::Display) -> End {
    tracing::error!(%error, "event stream broke");
    End::Close(INTERNAL, "the event log cannot be read".into())
}
