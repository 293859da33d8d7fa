//! Decompression that stops at its limits, and the compression that goes with it.
//!
//! *Invariants*
//! 1. Never more than `max_decoded_bytes` and a few are allocated, whatever a sender claims, and none that was
//!    not paid for.
//! 2. Bytes behind the last gzip member or zstd frame, and an input that ends too soon, are errors.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

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
    let broken = |source| InflateError::Broken { encoding, source };
    if bytes.is_empty() {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    let drain = Drain { encoding, n_wire: bytes.len(), limits, pay };
    match encoding {
        Encoding::Gzip => drain.read(MultiGzDecoder::new(bytes)),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(broken)?;
            decoder.window_log_max(limits.max_zstd_window_log).map_err(broken)?;
            drain.read(decoder)
        }
    }
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
        Encoding::Zstd => zstd::bulk::compress(bytes, 1),
    }
}

struct Drain<'a, P> {
    encoding: Encoding,
    n_wire: usize,
    limits: &'a Limits,
    pay: P,
}

impl<P: FnMut(usize) -> Result<(), NoRoom>> Drain<'_, P> {
    fn read(mut self, mut decoder: impl Read) -> Result<Vec<u8>, InflateError> {
        const STEP: usize = 256 * 1024;
        let encoding = self.encoding;
        let broken = |source| InflateError::Broken { encoding, source };
        // Telemetry shrinks to about a fifth; a first guess that is wrong costs one move.
        let guess = (self.n_wire * 5).min(self.limits.max_decoded_bytes);
        (self.pay)(guess)?;
        let mut out = Vec::with_capacity(guess);
        loop {
            let room = out.capacity() - out.len();
            if room == 0 {
                // A full buffer may hold all there is: look before doubling it.
                let mut ahead = [0; 64];
                let n = decoder.read(&mut ahead).map_err(broken)?;
                if n == 0 {
                    break;
                }
                let double = (out.len() * 2).min(self.limits.max_decoded_bytes);
                let capacity = double.max(out.len() + ahead.len());
                (self.pay)(capacity)?;
                out.reserve_exact(capacity - out.len());
                out.extend_from_slice(&ahead[..n]);
            } else {
                let mut step = (&mut decoder).take(room.min(STEP) as u64);
                if step.read_to_end(&mut out).map_err(broken)? == 0 {
                    break;
                }
            }
            self.judge(out.len())?;
        }
        // It may be queued for long; the guess must not be.
        out.shrink_to_fit();
        Ok(out)
    }

    fn judge(&self, n: usize) -> Result<(), InflateError> {
        let limits = self.limits;
        if n > limits.max_decoded_bytes {
            return Err(InflateError::TooLarge { limit: limits.max_decoded_bytes });
        }
        let fair = limits.ratio_floor_bytes.max(self.n_wire.saturating_mul(limits.max_ratio));
        if n > fair {
            return Err(InflateError::Ratio { limit: limits.max_ratio });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Encoding; 2] = [Encoding::Gzip, Encoding::Zstd];

    fn noise(n: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect()
    }

    #[test]
    fn both_encodings_come_back_and_may_be_concatenated() {
        for encoding in BOTH {
            let (a, b) = (noise(300_000), noise(10));
            let mut twice = compress(encoding, &a).unwrap();
            twice.extend(compress(encoding, &b).unwrap());
            let out = inflate(encoding, &twice, &Limits::default()).unwrap();
            assert!(out == [a, b].concat(), "{encoding:?}");
        }
    }

    #[test]
    fn cut_empty_foreign_and_trailing_bytes_are_broken() {
        for encoding in BOTH {
            let whole = compress(encoding, &noise(1000)).unwrap();
            let trailing = [&whole[..], b"trailing bytes"].concat();
            let cut = (1..whole.len()).map(|n| whole[..n].to_vec());
            for bytes in cut.chain([vec![], b"plain text, not compressed".to_vec(), trailing]) {
                let result = inflate(encoding, &bytes, &Limits::default());
                assert!(
                    matches!(result, Err(InflateError::Broken { .. })),
                    "{encoding:?} {}",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn bombs_are_refused_by_ratio_and_by_size() {
        let zeros = vec![0; 64 << 20];
        for encoding in BOTH {
            let bomb = compress(encoding, &zeros[..12 << 20]).unwrap();
            let result = inflate(encoding, &bomb, &Limits::default());
            assert!(matches!(result, Err(InflateError::Ratio { limit: 100 })), "{encoding:?}");
            let no_ratio = Limits { max_ratio: usize::MAX, ..Limits::default() };
            let bomb = compress(encoding, &zeros).unwrap();
            let result = inflate(encoding, &bomb, &no_ratio);
            assert!(matches!(result, Err(InflateError::TooLarge { .. })), "{encoding:?}");
        }
    }

    #[test]
    fn a_zstd_window_beyond_the_cap_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&noise(100_000)).unwrap();
        let wide = encoder.finish().unwrap();
        let result = inflate(Encoding::Zstd, &wide, &Limits::default());
        assert!(matches!(result, Err(InflateError::Broken { .. })));
    }
}
