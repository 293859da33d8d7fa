//! Log records.

use super::common::envelopes;
use super::messages::{Messages, View, int32, low32, text};
use super::value::{AnyValueView, KeyValueView};
use crate::wire::{Fields, Value};
use crate::{SpanId, TraceId};

envelopes!(LogsView {
    resource_logs: ResourceLogsView { scope_logs: ScopeLogsView { log_records: LogRecordView } }
});

/// One log record; times are nanoseconds since the epoch, 0 where absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecordView<'a> {
    /// When it happened.
    pub time_unix_nano: u64,
    /// When it was noticed.
    pub observed_time_unix_nano: u64,
    /// 1 to 24, 0 where unknown.
    pub severity_number: i32,
    /// The sender's own word for the severity.
    pub severity_text: &'a str,
    /// What it says.
    pub body: AnyValueView<'a>,
    /// Name of the event, for a record that is one.
    pub event_name: &'a str,
    /// Trace it belongs to.
    pub trace_id: TraceId,
    /// Span it belongs to.
    pub span_id: SpanId,
    /// W3C trace flags in the low byte.
    pub flags: u32,
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    message: &'a [u8],
}

impl<'a> View<'a> for LogRecordView<'a> {
    fn over(message: &'a [u8]) -> Self {
        let mut view = Self { message, ..Self::default() };
        for field in Fields::over(message) {
            match field {
                (1, Value::Fixed64(nanos)) => view.time_unix_nano = nanos,
                (2, Value::Varint(bits)) => view.severity_number = int32(bits),
                (3, Value::Len(bytes)) => view.severity_text = text(bytes),
                (5, Value::Len(bytes)) => view.body = AnyValueView::over(bytes),
                (7, Value::Varint(bits)) => view.n_dropped_attributes = low32(bits),
                (8, Value::Fixed32(bits)) => view.flags = bits,
                (9, Value::Len(bytes)) => view.trace_id = TraceId::from_wire(bytes),
                (10, Value::Len(bytes)) => view.span_id = SpanId::from_wire(bytes),
                (11, Value::Fixed64(nanos)) => view.observed_time_unix_nano = nanos,
                (12, Value::Len(bytes)) => view.event_name = text(bytes),
                _ => {}
            }
        }
        view
    }
}

impl<'a> LogRecordView<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.message, 6)
    }

    /// When it happened, or was noticed where that is not said.
    pub fn best_time_unix_nano(&self) -> u64 {
        if self.time_unix_nano == 0 { self.observed_time_unix_nano } else { self.time_unix_nano }
    }

    /// The OpenTelemetry word for the severity number, empty where unknown.
    pub fn severity_name(&self) -> &'static str {
        match self.severity_number {
            1..=4 => "TRACE",
            5..=8 => "DEBUG",
            9..=12 => "INFO",
            13..=16 => "WARN",
            17..=20 => "ERROR",
            21..=24 => "FATAL",
            _ => "",
        }
    }
}
