//! Whole packings, compared with the system's own tools and under failing I/O.

mod kit;
mod roundtrip;
