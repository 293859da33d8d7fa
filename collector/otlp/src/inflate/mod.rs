//! Decompression that stops at its limits, and the compression that goes with it.
//!
//! *Invariants*
//! 1. Never more than `max_decoded_bytes` and a few are allocated, whatever a sender claims, and none that was
//!    not paid for.
//! 2. Bytes behind the last gzip member or zstd frame, and an input that ends too soon, are errors.

mod gzip;
mod room;
#[cfg(test)]
mod tests;
mod zstd;

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use room::Room;

use crate::admission::NoRoom;
use crate::{Encoding, Limits};

/// Why bytes did not inflate.
#[derive(Debug, thiserror::Error)]
pub enum InflateError {
    /// The inflated form is larger than allowed.
    #[error("inflates to more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It inflates beyond the ratio allowed.
    #[error("inflates to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: usize,
    },
    /// Not of this encoding, cut short, or followed by something else.
    #[error("broken {}: {source}", .encoding.token())]
    Broken {
        /// The encoding it should have had.
        encoding: Encoding,
        /// What the decoder says.
        source: io::Error,
    },
    /// Whoever pays for the memory has none.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

/// Inflates `bytes` within the limits.
pub fn inflate(encoding: Encoding, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, InflateError> {
    inflate_paid(encoding, bytes, limits, |_| Ok(()))
}

/// Inflates `bytes` within the limits; `pay` is told the bytes of the result before they are allocated.
pub(crate) fn inflate_paid(
    encoding: Encoding,
    bytes: &[u8],
    limits: &Limits,
    pay: impl FnMut(usize) -> Result<(), NoRoom>,
) -> Result<Vec<u8>, InflateError> {
    if bytes.is_empty() {
        return Err(broken(encoding, io::ErrorKind::UnexpectedEof.into()));
    }
    let mut room = Room::new(bytes.len(), limits, pay);
    match encoding {
        Encoding::Gzip => gzip::members(bytes, &mut room)?,
        Encoding::Zstd => zstd::frames(bytes, &mut room)?,
    }
    Ok(room.into_bytes())
}

/// Compresses `bytes` at the level that is cheapest for telemetry: it repeats itself, so level 1 finds most.
pub fn compress(encoding: Encoding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match encoding {
        Encoding::Gzip => {
            let out = Vec::with_capacity(bytes.len() / 4 + 64);
            let mut encoder = GzEncoder::new(out, Compression::fast());
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Encoding::Zstd => ::zstd::bulk::compress(bytes, 1),
    }
}

/// Bytes that are inflated ahead of a buffer that is full.
const AHEAD: usize = 64;

fn broken(encoding: Encoding, source: io::Error) -> InflateError {
    InflateError::Broken { encoding, source }
}
