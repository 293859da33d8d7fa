//! A message under construction, which remembers where the bytes stand that change per request.

use collector_otlp::wire::{write_len, write_tag, write_varint};
use collector_telemetry::names::attr::{PERCH_BENCH_RUN, PERCH_BENCH_SEQ};

use crate::bench::marks::SEQ_FIRST;

/// What is written over in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The 16 bytes of the trace's id.
    Trace,
    /// The 8 bytes of the item's span id.
    Span,
    /// The 8 bytes of the id of the trace's first span.
    Root,
    /// A time so many nanoseconds before the request is made.
    Time { before: u64 },
    /// The item's number, a varint of five bytes.
    Seq,
}

/// A place in the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) what: What,
    /// Which item of the request it belongs to.
    pub(super) item: usize,
}

/// Bytes of a message and the places in them.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<Place>,
}

impl Piece {
    /// Appends `inner` as field `number`.
    pub(super) fn message(&mut self, number: u32, inner: &Self) {
        write_tag(&mut self.bytes, number, 2);
        write_varint(&mut self.bytes, inner.bytes.len() as u64);
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&inner.bytes);
        self.places.extend(inner.places.iter().map(|p| Place { at: p.at + base, ..*p }));
    }

    /// Appends text, or any bytes.
    pub(super) fn text(&mut self, number: u32, text: impl AsRef<[u8]>) {
        write_len(&mut self.bytes, number, text.as_ref());
    }

    /// Appends a varint.
    pub(super) fn varint(&mut self, number: u32, value: u64) {
        write_tag(&mut self.bytes, number, 0);
        write_varint(&mut self.bytes, value);
    }

    /// Appends eight bytes.
    pub(super) fn fixed64(&mut self, number: u32, value: u64) {
        write_tag(&mut self.bytes, number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a time that is written over.
    pub(super) fn time(&mut self, number: u32, item: usize, before: u64) {
        self.fixed64(number, 0);
        self.place(8, What::Time { before }, item);
    }

    /// Appends an id of `n` bytes that is written over.
    pub(super) fn id(&mut self, number: u32, item: usize, n: usize, what: What) {
        self.text(number, &[0; 16][..n]);
        self.place(n, what, item);
    }

    /// Appends an attribute with text.
    pub(super) fn attribute(&mut self, number: u32, key: &str, value: impl AsRef<[u8]>) {
        let mut any = Self::default();
        any.text(1, value);
        self.pair(number, key, &any);
    }

    /// Appends an attribute with a number.
    pub(super) fn number(&mut self, number: u32, key: &str, value: u64) {
        let mut any = Self::default();
        any.varint(3, value);
        self.pair(number, key, &any);
    }

    /// Appends the marks by which the sink knows the item again.
    pub(super) fn marks(&mut self, number: u32, run: u64, item: usize) {
        self.attribute(number, PERCH_BENCH_RUN, format!("{run:016x}"));
        let mut any = Self::default();
        any.varint(3, SEQ_FIRST);
        any.place(5, What::Seq, item);
        self.pair(number, PERCH_BENCH_SEQ, &any);
    }

    fn pair(&mut self, number: u32, key: &str, any: &Self) {
        let mut pair = Self::default();
        pair.text(1, key);
        pair.message(2, any);
        self.message(number, &pair);
    }

    /// Notes that the last `n` bytes are written over.
    fn place(&mut self, n: usize, what: What, item: usize) {
        self.places.push(Place { at: self.bytes.len() - n, what, item });
    }
}
