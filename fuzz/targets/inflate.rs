//! Any bytes as gzip or zstd: the result is within the limits; and what we compress comes back.
#![no_main]

use collector_otlp::inflate::{InflateError, compress, inflate};
use collector_otlp::{Encoding, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let encoding = if first & 1 == 0 { Encoding::Gzip } else { Encoding::Zstd };
    let limits = Limits {
        max_decoded_bytes: 64 * 1024,
        ratio_floor_bytes: 16 * 1024,
        ..Limits::default()
    };
    if first & 2 == 0 {
        if let Ok(plain) = inflate(encoding, bytes, &limits) {
            assert!(plain.len() <= limits.max_decoded_bytes);
            assert!(plain.len() <= (bytes.len() * limits.max_ratio).max(limits.ratio_floor_bytes));
        }
        return;
    }
    let packed = compress(encoding, bytes).expect("writing to memory");
    match inflate(encoding, &packed, &limits) {
        Ok(plain) => assert!(plain == bytes),
        Err(InflateError::Ratio { .. } | InflateError::TooLarge { .. }) => {
            assert!(bytes.len() > limits.ratio_floor_bytes);
        }
        Err(error) => panic!("{error}"),
    }
});
