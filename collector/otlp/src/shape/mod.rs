//! Proves the shape of a request by one walk over tags and lengths, without decoding it.
//!
//! *Invariants* of a request that passed
//! 1. Every known field has its wire type, every length fits, every string is UTF-8, every id is whole or absent.
//! 2. A field that may stand once stands at most once, and so does a `oneof`: protobuf readers disagree on
//!    repeated ones (last wins, or merge), and what we judge must be what the next reader sees.
//! 3. Nesting, `AnyValue` depth, items and attributes lie within the limits.
//!
//! *Not here*: meaning. A span without a trace id or with an end before its start passes; policies judge that.
//! Unknown fields pass, as protobuf demands.

mod ascii;
mod pair;
mod walk;

pub use walk::{Shape, check};
