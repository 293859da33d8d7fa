//! Spans.

use super::common::envelopes;
use super::messages::{Messages, View, int32, low32, text};
use super::value::KeyValueView;
use crate::wire::{Fields, Value};
use crate::{SpanId, TraceId};

envelopes!(TracesView {
    resource_spans: ResourceSpansView { scope_spans: ScopeSpansView { spans: SpanView } }
});

/// What a span stands for in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanKind {
    /// Not said, or a number OTLP does not know yet.
    #[default]
    Unspecified,
    /// Inside one process.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Puts a message somewhere.
    Producer,
    /// Takes a message from somewhere.
    Consumer,
}

impl SpanKind {
    fn from_wire(number: i32) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }

    /// The lower-case word used by `span.kind` in Jaeger and span metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusCode {
    /// Not said, or a number OTLP does not know yet.
    #[default]
    Unset,
    /// Declared good.
    Ok,
    /// Failed.
    Error,
}

/// One span; times are nanoseconds since the epoch, 0 where absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanView<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Itself.
    pub span_id: SpanId,
    /// Its parent; zero for a root.
    pub parent_span_id: SpanId,
    /// W3C trace state.
    pub trace_state: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it stands for.
    pub kind: SpanKind,
    /// When it started.
    pub start_time_unix_nano: u64,
    /// When it ended.
    pub end_time_unix_nano: u64,
    /// How it ended.
    pub status: StatusCode,
    /// Why, for a failed one.
    pub status_message: &'a str,
    /// W3C trace flags in the low byte, OTLP's remote bits above.
    pub flags: u32,
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    /// Events the sender dropped.
    pub n_dropped_events: u32,
    /// Links the sender dropped.
    pub n_dropped_links: u32,
    body: &'a [u8],
}

impl<'a> View<'a> for SpanView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            match field {
                (1, Value::Len(bytes)) => view.trace_id = TraceId::from_wire(bytes),
                (2, Value::Len(bytes)) => view.span_id = SpanId::from_wire(bytes),
                (3, Value::Len(bytes)) => view.trace_state = text(bytes),
                (4, Value::Len(bytes)) => view.parent_span_id = SpanId::from_wire(bytes),
                (5, Value::Len(bytes)) => view.name = text(bytes),
                (6, Value::Varint(bits)) => view.kind = SpanKind::from_wire(int32(bits)),
                (7, Value::Fixed64(nanos)) => view.start_time_unix_nano = nanos,
                (8, Value::Fixed64(nanos)) => view.end_time_unix_nano = nanos,
                (10, Value::Varint(bits)) => view.n_dropped_attributes = low32(bits),
                (12, Value::Varint(bits)) => view.n_dropped_events = low32(bits),
                (14, Value::Varint(bits)) => view.n_dropped_links = low32(bits),
                (15, Value::Len(bytes)) => view.read_status(bytes),
                (16, Value::Fixed32(bits)) => view.flags = bits,
                _ => {}
            }
        }
        view
    }
}

impl<'a> SpanView<'a> {
    fn read_status(&mut self, status: &'a [u8]) {
        for field in Fields::over(status) {
            match field {
                (2, Value::Len(bytes)) => self.status_message = text(bytes),
                (3, Value::Varint(bits)) => {
                    self.status = match int32(bits) {
                        1 => StatusCode::Ok,
                        2 => StatusCode::Error,
                        _ => StatusCode::Unset,
                    }
                }
                _ => {}
            }
        }
    }

    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 9)
    }

    /// What happened during it.
    pub fn events(&self) -> Messages<'a, EventView<'a>> {
        Messages::of(self.body, 11)
    }

    /// The spans it points at.
    pub fn links(&self) -> Messages<'a, LinkView<'a>> {
        Messages::of(self.body, 13)
    }

    /// End minus start in nanoseconds; 0 for a span that ends before it starts.
    pub fn duration_nanos(&self) -> u64 {
        self.end_time_unix_nano.saturating_sub(self.start_time_unix_nano)
    }
}

/// Something that happened during a span.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventView<'a> {
    /// When, in nanoseconds since the epoch.
    pub time_unix_nano: u64,
    /// What.
    pub name: &'a str,
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    body: &'a [u8],
}

impl<'a> View<'a> for EventView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            match field {
                (1, Value::Fixed64(nanos)) => view.time_unix_nano = nanos,
                (2, Value::Len(bytes)) => view.name = text(bytes),
                (4, Value::Varint(bits)) => view.n_dropped_attributes = low32(bits),
                _ => {}
            }
        }
        view
    }
}

impl<'a> EventView<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 3)
    }
}

/// A span another one points at.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkView<'a> {
    /// Trace of the span pointed at.
    pub trace_id: TraceId,
    /// The span pointed at.
    pub span_id: SpanId,
    /// W3C trace state.
    pub trace_state: &'a str,
    /// As in `SpanView::flags`.
    pub flags: u32,
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    body: &'a [u8],
}

impl<'a> View<'a> for LinkView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            match field {
                (1, Value::Len(bytes)) => view.trace_id = TraceId::from_wire(bytes),
                (2, Value::Len(bytes)) => view.span_id = SpanId::from_wire(bytes),
                (3, Value::Len(bytes)) => view.trace_state = text(bytes),
                (5, Value::Varint(bits)) => view.n_dropped_attributes = low32(bits),
                (6, Value::Fixed32(bits)) => view.flags = bits,
                _ => {}
            }
        }
        view
    }
}

impl<'a> LinkView<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 4)
    }
}
