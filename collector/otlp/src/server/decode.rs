//! From a body to a proven request: inflate, transcode, prove.

use bytes::Bytes;

use super::refused::Refused;
use crate::admission::Ticket;
use crate::{Encoded, Encoding, Limits, Payload, Request, Signal, inflate, json};

/// The two forms of OTLP payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Protobuf,
    Json,
}

/// A body as it came, and what its headers say of it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) signal: Signal,
    pub(super) format: Format,
    pub(super) encoding: Option<Encoding>,
    pub(super) bytes: Bytes,
    /// Holds `bytes`.
    pub(super) ticket: Ticket,
}

/// Bytes beyond which decoding leaves the async threads; below, the move costs more than the walk.
const INLINE_PLAIN: usize = 1024 * 1024;
const INLINE_COMPRESSED: usize = 128 * 1024;

/// Decodes `raw`, on a blocking thread when it is large. The ticket goes along, also into that thread, and
/// holds what the request holds in the end.
pub(super) async fn decode(raw: Raw, limits: &Limits) -> Result<(Request, Ticket), Refused> {
    let plain = raw.encoding.is_none() && raw.format == Format::Protobuf;
    let inline = if plain { INLINE_PLAIN } else { INLINE_COMPRESSED };
    if raw.bytes.len() <= inline {
        return decode_now(raw, limits);
    }
    let limits = limits.clone();
    tokio::task::spawn_blocking(move || decode_now(raw, &limits)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "decoding a request panicked");
        Err(Refused::malformed("request could not be decoded"))
    })
}

fn decode_now(raw: Raw, limits: &Limits) -> Result<(Request, Ticket), Refused> {
    let Raw { signal, format, encoding, bytes, mut ticket } = raw;
    let (plain, carried) = match encoding {
        None => (bytes, None),
        Some(encoding) => {
            let pay = |n| ticket.grow_to((bytes.len() + n) as u64);
            let plain = inflate::inflate_paid(encoding, &bytes, limits, pay)?;
            (Bytes::from(plain), Some(Encoded { encoding, bytes }))
        }
    };
    let request = match format {
        Format::Protobuf => {
            let mut request = Request::prove(signal, plain.clone(), limits)?;
            if let Some(carried) = carried {
                request.payload = Payload::proven(carried, plain);
            }
            request
        }
        Format::Json => {
            // Protobuf is shorter than its JSON but for lists of numbers; those are paid for afterwards.
            ticket.grow_to(ticket.n_bytes() + plain.len() as u64)?;
            let payload = json::to_protobuf(signal, &plain, limits)?;
            Request::prove(signal, payload.into(), limits)?
        }
    };
    let held = request.held_bytes();
    ticket.grow_to(held)?;
    ticket.shrink_to(held);
    Ok((request, ticket))
}
