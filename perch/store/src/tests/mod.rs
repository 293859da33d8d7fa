//! What went in comes out: random traces, lost indexes, retention, the ring in memory.

mod answers;
mod logs;
mod support;
mod traces;
