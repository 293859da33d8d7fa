//! Bounds on everything that comes from outside.

/// Bounds that inflating, the shape check and the JSON transcoder hold a request to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request on the wire, compressed or not.
    pub max_wire_bytes: usize,
    /// Bytes of one request once inflated or transcoded. Default 20 MiB, as the OpenTelemetry Collector has it.
    pub max_decoded_bytes: usize,
    /// Highest ratio of inflated to compressed bytes, looked at above `ratio_floor_bytes` only.
    pub max_ratio: usize,
    /// Inflated bytes below which any ratio passes: zeros in a small request hurt nobody.
    pub ratio_floor_bytes: usize,
    /// Base-two logarithm of the largest zstd window that is allocated for a sender.
    pub max_zstd_window_log: u32,
    /// Messages within messages, the request itself included. Protobuf readers give up at 100.
    pub max_nesting: usize,
    /// `AnyValue` within `AnyValue`.
    pub max_any_value_depth: usize,
    /// Spans, data points or log records in one request.
    pub max_items: u32,
    /// Attributes of one resource, scope, span, event, link, point or record.
    pub max_attributes: u32,
}

impl Limits {
    /// No bounds, for bytes that were proven before.
    pub(crate) fn unbounded() -> Self {
        Self {
            max_nesting: usize::MAX,
            max_any_value_depth: usize::MAX,
            max_items: u32::MAX,
            max_attributes: u32::MAX,
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            max_wire_bytes: 20 * MIB,
            max_decoded_bytes: 20 * MIB,
            max_ratio: 100,
            ratio_floor_bytes: 4 * MIB,
            max_zstd_window_log: 23,
            max_nesting: 100,
            max_any_value_depth: 32,
            max_items: 1_000_000,
            max_attributes: 10_000,
        }
    }
}
