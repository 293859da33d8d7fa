//! Current series, kept to be asked for: text format 0.0.4 and OpenMetrics 1.0.
//!
//! *Invariants*
//! 1. A family has one type; its metric points stand together, buckets ascending, as OpenMetrics wants them.
//! 2. At most [`Bounds::max_series`] series are kept (a point that is known may still grow); a point that was not
//!    renewed for [`Bounds::expiry`] is gone.
//! 3. Of a point only the newest values are shown, and all of them are of one moment.
//!
//! *Not here*
//! Native histograms: neither format has them, so they are shown with buckets at powers of two. `_created`: Prometheus
//! would take it for a series of its own.

mod accept;
mod current;
mod family;
mod native;
mod point;
#[cfg(test)]
mod tests;
mod text;

pub use accept::Format;
pub use current::{Applied, Bounds, Exposition};
