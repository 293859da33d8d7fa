//! Reading run and number of every item of a request, in one walk over tags and lengths.
//!
//! # Failure
//! An item without both marks yields `None`: it came from someone else.

use collector_otlp::Signal;
use collector_otlp::wire::{Fields, Value};
use collector_telemetry::names::attr::{PERCH_BENCH_RUN, PERCH_BENCH_SEQ};

/// The number of a run's first item: from here to [`SEQ_END`] all take five bytes on the wire, so
/// that a sender can write one over the other.
pub(super) const SEQ_FIRST: u64 = 1 << 28;
/// The first number that takes six.
pub(super) const SEQ_END: u64 = 1 << 35;

/// What an item bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The run.
    pub(super) run: u64,
    /// The number in it, from 0.
    pub(super) index: u64,
}

/// Calls `each` with the mark of every item in `payload`.
pub(super) fn each(signal: Signal, payload: &[u8], mut each: impl FnMut(Option<Mark>)) {
    for resource in messages(payload, 1) {
        for scope in messages(resource, 2) {
            for item in messages(scope, 2) {
                match signal {
                    Signal::Traces => each(mark(item, 9)),
                    Signal::Logs => each(mark(item, 6)),
                    Signal::Metrics => points(item, &mut each),
                }
            }
        }
    }
}

/// The points of one metric, by the number of the field that holds them.
fn points(metric: &[u8], each: &mut impl FnMut(Option<Mark>)) {
    for field in Fields::over(metric) {
        let (data, attributes) = match field {
            (5 | 7 | 11, Value::Len(data)) => (data, 7),
            (9, Value::Len(data)) => (data, 9),
            (10, Value::Len(data)) => (data, 1),
            _ => continue,
        };
        messages(data, 1).for_each(|point| each(mark(point, attributes)));
    }
}

fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::over(message).filter_map(move |field| match field {
        (n, Value::Len(bytes)) if n == number => Some(bytes),
        _ => None,
    })
}

/// Ends with the second mark: senders put both in front of all other attributes.
fn mark(item: &[u8], attributes: u32) -> Option<Mark> {
    let (mut run, mut index) = (None, None);
    for pair in messages(item, attributes) {
        let (mut key, mut value) = (&[][..], None);
        for field in Fields::over(pair) {
            match field {
                (1, Value::Len(bytes)) => key = bytes,
                (2, Value::Len(any)) => value = Fields::over(any).next(),
                _ => {}
            }
        }
        if key == PERCH_BENCH_RUN.as_bytes() {
            let Some((1, Value::Len(text))) = value else { return None };
            run = std::str::from_utf8(text).ok().and_then(|t| u64::from_str_radix(t, 16).ok());
        } else if key == PERCH_BENCH_SEQ.as_bytes() {
            let Some((3, Value::Varint(seq))) = value else { return None };
            index = seq.checked_sub(SEQ_FIRST).filter(|_| seq < SEQ_END);
        }
        if let (Some(run), Some(index)) = (run, index) {
            return Some(Mark { run, index });
        }
    }
    None
}
