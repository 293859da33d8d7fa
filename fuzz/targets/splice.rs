//! Whatever is done to a proven request gives proven requests with the items it should have.
#![no_main]

use bytes::Bytes;
use house_fuzz::{signal_of, walk};
use collector_otlp::splice::{Edit, NewValue, Op, Patch, Target, merge, patch, split};
use collector_otlp::{Limits, Request, shape};
use libfuzzer_sys::fuzz_target;

/// Bytes in front that steer what is done.
const STEERING: usize = 8;

fuzz_target!(|input: &[u8]| {
    let Some((signal, rest)) = signal_of(input) else { return };
    let Some((steering, bytes)) = rest.split_first_chunk::<STEERING>() else { return };
    let payload = Bytes::copy_from_slice(bytes);
    let edits = steering[1..].chunks(2).map(|pair| edit(pair[0], *pair.last().unwrap_or(&0)));
    let wanted = Patch { resource: usize::from(steering[0] >> 6), edits: edits.collect() };
    let limits = Limits::default();
    let Ok(request) = Request::prove(signal, payload.clone(), &limits) else {
        // Not proven: nothing is promised but to come back.
        let _ = patch(&Request { signal, payload: payload.into(), n_items: 1 }, &wanted);
        return;
    };

    let patched = patch(&request, &wanted);
    prove(&patched);
    assert_eq!(patched.n_items, request.n_items);
    assert_eq!(patch(&patched, &wanted), patched, "twice is once");

    let max = usize::from(steering[0] & 63) * 8;
    let pieces = split(&request, max);
    pieces.iter().for_each(prove);
    assert_eq!(pieces.iter().map(|piece| piece.n_items).sum::<u32>(), request.n_items);

    let both = merge(&[(*request.payload).clone(), (*patched.payload).clone()]);
    let shape = shape::check(signal, &both, &limits).expect("concatenation of proven requests");
    assert_eq!(shape.n_items, request.n_items * 2);
});

fn prove(request: &Request) {
    let limits = Limits { max_attributes: u32::MAX, ..Limits::default() };
    let shape = shape::check(request.signal, &request.payload, &limits).expect("proven");
    assert_eq!(shape.n_items, request.n_items);
    assert_eq!(walk(request.signal, &request.payload), request.n_items);
}

fn edit(what: u8, key: u8) -> Edit {
    let value = match what >> 5 {
        0 => NewValue::Bool(true),
        1 => NewValue::Int(i64::from(key) - 128),
        2 => NewValue::Double(0.5),
        3 => NewValue::Bytes(vec![key; 3]),
        _ => NewValue::Str("x".repeat(usize::from(key))),
    };
    let op = match what & 3 {
        0 | 1 => Op::Set(value),
        2 => Op::Replace(value),
        _ => Op::Delete,
    };
    let target =
        if what & 4 == 0 { Target::Resource } else { Target::Item(usize::from(what >> 3 & 3)) };
    Edit { target, key: char::from(b'a' + key % 4).to_string(), op }
}
