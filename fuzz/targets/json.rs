//! Any text as OTLP/JSON: what comes out is bounded, and is protobuf but for fields given twice.
#![no_main]

use house_fuzz::{signal_of, walk};
use collector_otlp::{Limits, json, shape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((signal, text)) = signal_of(input) else { return };
    let limits = Limits { max_decoded_bytes: 16 * 1024, ..Limits::default() };
    match json::to_protobuf(signal, text, &limits) {
        Ok(bytes) => {
            match shape::check(signal, &bytes, &limits) {
                Ok(shape) => assert_eq!(walk(signal, &bytes), shape.n_items),
                Err(fault) => assert!(
                    fault.what.contains("stands twice") || fault.what.contains("too"),
                    "{fault}"
                ),
            };
        }
        Err(fault) => assert!(fault.offset <= text.len()),
    }
});
