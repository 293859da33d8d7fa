//! The template of a run, and the requests made from it.

use collector_otlp::Signal;

use super::items::{Maker, POINTS_PER_METRIC, SPANS_PER_TRACE};
use super::piece::{Piece, Place, What};
use super::words::{Words, mix};
use crate::bench::marks::SEQ_FIRST;

/// What a run's requests look like.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Plan {
    /// What they carry.
    pub(in crate::bench) signal: Signal,
    /// Bytes of one item, about.
    pub(in crate::bench) item_bytes: usize,
    /// Items in one request.
    pub(in crate::bench) batch: usize,
    /// Decides the content.
    pub(in crate::bench) seed: u64,
    /// Stands in every item.
    pub(in crate::bench) run: u64,
}

/// A whole request whose ids, times and numbers are written over for each one sent.
#[derive(Debug)]
pub(in crate::bench) struct Template {
    bytes: Vec<u8>,
    places: Vec<Place>,
    run: u64,
    batch: usize,
}

impl Template {
    /// Encodes a request by the plan; `now` is in nanoseconds since the epoch.
    pub(in crate::bench) fn new(plan: &Plan, now: u64) -> Self {
        let Plan { run, item_bytes, batch, .. } = *plan;
        let words = Words::new(plan.seed);
        let mut maker = Maker { run, n_bytes: item_bytes, since: now, words };
        let mut scope = Piece::default();
        let mut library = Piece::default();
        library.text(1, "perch.bench");
        scope.message(1, &library);
        match plan.signal {
            Signal::Traces => (0..batch).for_each(|item| scope.message(2, &maker.span(item))),
            Signal::Logs => (0..batch).for_each(|item| scope.message(2, &maker.record(item))),
            Signal::Metrics => {
                for from in (0..batch).step_by(POINTS_PER_METRIC) {
                    let to = (from + POINTS_PER_METRIC).min(batch);
                    scope.message(2, &maker.metric(from, to));
                }
            }
        }
        let mut of_resource = Piece::default();
        of_resource.message(1, &resource());
        of_resource.message(2, &scope);
        let mut request = Piece::default();
        request.message(1, &of_resource);
        Self { bytes: request.bytes, places: request.places, run, batch }
    }

    /// Bytes of a request.
    pub(in crate::bench) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The `nth` request of the run, made at `now`.
    pub(in crate::bench) fn request(&self, nth: u64, now: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for place in &self.places {
            self.write(&mut bytes[place.at..], *place, nth, now);
        }
        bytes
    }

    fn write(&self, bytes: &mut [u8], place: Place, nth: u64, now: u64) {
        let n_traces = self.batch.div_ceil(SPANS_PER_TRACE) as u64;
        let trace = nth * n_traces + (place.item / SPANS_PER_TRACE) as u64;
        let index = nth * self.batch as u64 + place.item as u64;
        match place.what {
            What::Trace => {
                bytes[..8].copy_from_slice(&mix(self.run ^ trace).to_le_bytes());
                bytes[8..16].copy_from_slice(&mix(!self.run ^ trace).to_le_bytes());
            }
            What::Span => bytes[..8].copy_from_slice(&self.span_id(index)),
            What::Root => {
                let root = index - (place.item % SPANS_PER_TRACE) as u64;
                bytes[..8].copy_from_slice(&self.span_id(root));
            }
            What::Time { before } => {
                bytes[..8].copy_from_slice(&now.saturating_sub(before).to_le_bytes());
            }
            What::Seq => write_five(&mut bytes[..5], SEQ_FIRST + index),
        }
    }

    fn span_id(&self, index: u64) -> [u8; 8] {
        mix(self.run.rotate_left(32) ^ index).to_le_bytes()
    }
}

/// A varint of five bytes.
fn write_five(bytes: &mut [u8], value: u64) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        let more = if i < 4 { 0x80 } else { 0 };
        *byte = ((value >> (7 * i)).to_le_bytes()[0] & 0x7f) | more;
    }
}

fn resource() -> Piece {
    let mut resource = Piece::default();
    for (key, value) in [
        ("service.name", "perch-bench"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", "bench-1"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("deployment.environment.name", "bench"),
    ] {
        resource.attribute(1, key, value);
    }
    resource
}
