//! Views over bytes that nobody proved show defaults and end early, and no more.
#![no_main]

use house_fuzz::{signal_of, walk};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some((signal, bytes)) = signal_of(input) {
        walk(signal, bytes);
    }
});
