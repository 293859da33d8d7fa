//! W3C trace context between headers, spans and the people who read ids.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::names::{Outcome, attr};

/// The context that `traceparent` and `tracestate` of a request carry; an empty one where they do not or are malformed.
#[must_use]
pub fn remote_parent(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

/// Makes `span` a child of the caller's span; called before the span is entered. Without a caller it stays a root.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    let parent = remote_parent(headers);
    if parent.span().span_context().is_valid() {
        // Fails only for a span that nobody records.
        let _ = span.set_parent(parent);
    }
}

/// Writes the current span's context into the headers of a request that goes out.
pub fn inject(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
}

/// The current trace id, 32 hexadecimal digits.
#[must_use]
pub fn trace_id() -> Option<String> {
    trace_id_of(&Span::current())
}

/// The trace id of `span`, 32 hexadecimal digits.
#[must_use]
pub fn trace_id_of(span: &Span) -> Option<String> {
    span_context(span).map(|context| context.trace_id().to_string())
}

/// The current span's `traceparent`.
#[must_use]
pub fn traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// The `traceparent` under which `span` is a parent.
#[must_use]
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = span_context(span)?;
    Some(format!(
        "00-{}-{}-{:02x}",
        context.trace_id(),
        context.span_id(),
        context.trace_flags().to_u8()
    ))
}

/// Ends `span` in error: its status, the stable code and the words.
///
/// What somebody cancelled is no error: it says so as `outcome`, and its status stays unset.
pub fn fail(span: &Span, code: &'static str, message: &str) {
    if code == Outcome::Cancelled.as_str() {
        span.set_attribute(attr::OUTCOME, code);
        span.set_attribute(attr::EXCEPTION_MESSAGE, message.to_owned());
        return;
    }
    span.set_attribute(attr::ERROR_TYPE, code);
    span.set_attribute(attr::EXCEPTION_MESSAGE, message.to_owned());
    span.set_status(Status::error(message.to_owned()));
}

fn span_context(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}
