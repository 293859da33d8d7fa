//! Posts what was prepared, shard beside shard, piece by piece.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use collector_otlp::client::{ClientOptions, PostClient};
use futures_util::future::join_all;

use super::begun::{Held, Outcome, Prepared, Shard};
use super::config::Target;
use super::protocol::{Poster, Protocol};
use crate::Batch;
use crate::config::Finding;
use crate::ledger::Reason;
use crate::node::{Begun, Delivered, ExportError};

/// Bytes of an answer that are read. An answer cut short would look like a lost connection and be tried
/// again for ever, so there is room for a page of a proxy's.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// Posts to one backend.
pub struct Push<P: Protocol> {
    poster: Poster,
    protocol: P,
    /// Tells it from every other.
    id: u64,
}

impl<P: Protocol> Push<P> {
    /// A client that connects when it first sends.
    pub fn new(target: Target, protocol: P) -> Result<Self, Finding> {
        let Target { endpoint, tls, token, timeout, headers, at } = target;
        let options = ClientOptions {
            timeout,
            connect_timeout: timeout,
            headers,
            token,
            tls,
            max_reply_bytes: MAX_REPLY_BYTES,
            ..ClientOptions::default()
        };
        let client = PostClient::new(&endpoint, options)
            .map_err(|e| Finding::new(at, e.to_string()).within("endpoint"))?;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Self { poster: Poster { client }, protocol, id: NEXT.fetch_add(1, Relaxed) })
    }

    /// One attempt at what is left of `batch`, of which `prepare` translates a part, as much as may be held at
    /// once, from the beginning or from where the part before ended.
    pub async fn send(
        &self,
        batch: &Batch,
        begun: &Begun,
        prepare: impl Fn(&Batch, P::Cursor) -> Prepared<P::Piece, P::Cursor>,
    ) -> Result<Delivered, ExportError> {
        // Of a clone, since what is inflated for it lives as long as the value that is looked into.
        let prepare = |at| prepare(&batch.clone(), at);
        let mut held = Held::take(begun, self.id, || prepare(P::Cursor::default()));
        let mut refusal = None;
        let all = loop {
            let shards = held.part().iter_mut().map(|shard| self.empty(shard));
            let mut wait = None;
            for ended in join_all(shards).await {
                match ended {
                    Ok(refused) => refusal = refusal.or(refused),
                    Err(error) => wait = Some(longer(wait, error)),
                }
            }
            if let Some(error) = wait {
                return Err(error);
            }
            if let Some(all) = held.pass(prepare) {
                break all;
            }
        };
        let Outcome { dropped, message, n_delivered } = all;
        match refusal {
            // Nothing but refusals: the batch was not taken.
            Some(error) if n_delivered == 0 && dropped.len() == 1 => Err(error),
            _ => Ok(Delivered { dropped, message }),
        }
    }

    /// Sends the pieces of one shard until none is left or one must wait; gives the last refusal.
    async fn empty(&self, shard: &mut Shard<P::Piece>) -> Result<Option<ExportError>, ExportError> {
        let mut refusal = None;
        let Shard { pieces, outcome } = shard;
        while let Some(piece) = pieces.front() {
            let n_items = self.protocol.n_items(piece);
            match self.protocol.post(&self.poster, piece).await {
                Ok(taken) => {
                    let n_missing = taken.n_missing.min(n_items);
                    outcome.n_delivered += n_items - n_missing;
                    outcome.drop_items(Reason::Partial, n_missing, &taken.message);
                }
                Err(error @ ExportError::Retryable { .. }) => return Err(error),
                Err(error @ ExportError::Permanent { reason, .. }) => {
                    outcome.drop_items(reason, n_items, &error.to_string());
                    refusal = Some(error);
                }
            }
            pieces.pop_front();
        }
        Ok(refusal)
    }
}

/// Of two reasons to wait the one that asks for the longer wait.
fn longer(known: Option<ExportError>, error: ExportError) -> ExportError {
    let wait = |error: &ExportError| match error {
        ExportError::Retryable { after, .. } => *after,
        ExportError::Permanent { .. } => None,
    };
    match known {
        Some(known) if wait(&known) >= wait(&error) => known,
        _ => error,
    }
}
