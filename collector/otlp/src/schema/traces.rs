//! `trace.proto` and `trace_service.proto`.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::table::{EnumNames, message};

const SPAN_KIND: EnumNames = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
];

const STATUS_CODE: EnumNames =
    &[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)];

message!(pub(super) REQUEST = "ExportTraceServiceRequest" {
    1 "resourceSpans" Many Message(&RESOURCE_SPANS);
});

message!(RESOURCE_SPANS = "ResourceSpans" {
    1 "resource" One Message(&RESOURCE);
    2 "scopeSpans" Many Message(&SCOPE_SPANS);
    3 "schemaUrl" One Str;
});

message!(SCOPE_SPANS = "ScopeSpans" {
    1 "scope" One Message(&SCOPE);
    2 "spans" Many Message(&SPAN);
    3 "schemaUrl" One Str;
});

message!(SPAN = "Span".item() {
    1 "traceId" One Id(16);
    2 "spanId" One Id(8);
    3 "traceState" One Str;
    4 "parentSpanId" One Id(8);
    5 "name" One Str;
    6 "kind" One Enum(SPAN_KIND);
    7 "startTimeUnixNano" One Fixed64;
    8 "endTimeUnixNano" One Fixed64;
    9 "attributes" Attributes Message(&KEY_VALUE);
    10 "droppedAttributesCount" One Uint32;
    11 "events" Many Message(&EVENT);
    12 "droppedEventsCount" One Uint32;
    13 "links" Many Message(&LINK);
    14 "droppedLinksCount" One Uint32;
    15 "status" One Message(&STATUS);
    16 "flags" One Fixed32;
});

message!(EVENT = "Span.Event" {
    1 "timeUnixNano" One Fixed64;
    2 "name" One Str;
    3 "attributes" Attributes Message(&KEY_VALUE);
    4 "droppedAttributesCount" One Uint32;
});

message!(LINK = "Span.Link" {
    1 "traceId" One Id(16);
    2 "spanId" One Id(8);
    3 "traceState" One Str;
    4 "attributes" Attributes Message(&KEY_VALUE);
    5 "droppedAttributesCount" One Uint32;
    6 "flags" One Fixed32;
});

message!(STATUS = "Status" {
    2 "message" One Str;
    3 "code" One Enum(STATUS_CODE);
});
