//! Any bytes as a request: what passes shows in the views what was counted, and stays inside the limits.
#![no_main]

use house_fuzz::{signal_of, walk};
use collector_otlp::{Limits, shape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((signal, bytes)) = signal_of(input) else { return };
    let limits = Limits { max_items: 50, max_attributes: 20, ..Limits::default() };
    match shape::check(signal, bytes, &limits) {
        Ok(shape) => {
            assert!(shape.n_items <= limits.max_items && shape.depth <= limits.max_nesting);
            assert_eq!(walk(signal, bytes), shape.n_items);
        }
        Err(fault) => assert!(fault.offset <= bytes.len()),
    }
});
