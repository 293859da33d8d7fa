//! Joining requests, and cutting them, at tag boundaries.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::wire::{Fields, Value, read_tag, skip, write_len};
use crate::{Limits, Request, Signal};

/// Resources, scopes, items: where a cut may go, by field number.
const LEVELS: [u32; 3] = [1, 2, 2];

/// Joins requests of one signal: an export request is nothing but a repeated field.
pub fn merge(payloads: &[Bytes]) -> Bytes {
    if let [only] = payloads {
        return only.clone();
    }
    let mut out = BytesMut::with_capacity(payloads.iter().map(Bytes::len).sum());
    payloads.iter().for_each(|payload| out.put_slice(payload));
    out.freeze()
}

/// Cuts `request` into pieces of at most `max_bytes` where its items allow that, in order; unknown fields
/// of the request itself are left out.
///
/// A single item larger than `max_bytes`, with its resource and scope, is a piece of its own. Metrics are cut
/// between metrics, not between the points of one.
pub fn split(request: &Request, max_bytes: usize) -> Vec<Request> {
    if request.payload.len() <= max_bytes {
        return vec![request.clone()];
    }
    let mut cutter =
        Cutter { signal: request.signal, max_bytes, around: Vec::new(), pieces: Vec::new() };
    cutter.cut(&request.payload, &LEVELS);
    cutter.pieces
}

struct Cutter {
    signal: Signal,
    max_bytes: usize,
    /// Field number and own fields of the messages the cut stands inside, outermost first.
    around: Vec<(u32, Vec<u8>)>,
    pieces: Vec<Request>,
}

/// Most that a tag and a length take.
const ENVELOPE: usize = 6;

impl Cutter {
    /// Gathers children of `message` into pieces; one too large for a piece is cut in turn.
    fn cut(&mut self, message: &[u8], levels: &[u32]) {
        let Some((&child_number, deeper)) = levels.split_first() else { return };
        let overhead: usize = self.around.iter().map(|(_, header)| header.len() + ENVELOPE).sum();
        let mut run = Vec::new();
        for field in Fields::over(message) {
            let (number, Value::Len(child)) = field else { continue };
            if number != child_number {
                continue;
            }
            let n = child.len() + ENVELOPE;
            if let Some(&below) = deeper.first()
                && overhead + n > self.max_bytes
            {
                self.emit(&mut run);
                self.around.push((child_number, without(child, below)));
                self.cut(child, deeper);
                self.around.pop();
                continue;
            }
            if overhead + run.len() + n > self.max_bytes {
                self.emit(&mut run);
            }
            write_len(&mut run, child_number, child);
        }
        self.emit(&mut run);
    }

    /// Makes a piece of `run`, inside copies of what it stood in.
    fn emit(&mut self, run: &mut Vec<u8>) {
        if run.is_empty() {
            return;
        }
        let whole =
            self.around.iter().rev().fold(std::mem::take(run), |inner, (number, header)| {
                let mut out = Vec::with_capacity(header.len() + inner.len() + ENVELOPE);
                write_len(&mut out, *number, &[&header[..], &inner[..]].concat());
                out
            });
        // The bytes come from a proven request, so the count is all the walk is for.
        let n_items = crate::shape::check(self.signal, &whole, &Limits::unbounded())
            .map_or(0, |shape| shape.n_items);
        self.pieces.push(Request { signal: self.signal, payload: whole.into(), n_items });
    }
}

/// The fields of `message` other than `number`, as they stand.
fn without(message: &[u8], number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = message;
    while let Some((found, after)) = skip_one(rest) {
        if found != number {
            out.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    out
}

fn skip_one(mut rest: &[u8]) -> Option<(u32, &[u8])> {
    let (number, wire_type) = read_tag(&mut rest)?;
    skip(&mut rest, number, wire_type)?;
    Some((number, rest))
}
