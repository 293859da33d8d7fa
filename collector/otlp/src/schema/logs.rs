//! `logs.proto` and `logs_service.proto`.

use super::common::{ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE};
use super::table::{EnumNames, message};

const SEVERITY_NUMBER: EnumNames = &[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
];

message!(pub(super) REQUEST = "ExportLogsServiceRequest" {
    1 "resourceLogs" Many Message(&RESOURCE_LOGS);
});

message!(RESOURCE_LOGS = "ResourceLogs" {
    1 "resource" One Message(&RESOURCE);
    2 "scopeLogs" Many Message(&SCOPE_LOGS);
    3 "schemaUrl" One Str;
});

message!(SCOPE_LOGS = "ScopeLogs" {
    1 "scope" One Message(&SCOPE);
    2 "logRecords" Many Message(&LOG_RECORD);
    3 "schemaUrl" One Str;
});

message!(LOG_RECORD = "LogRecord".item() {
    1 "timeUnixNano" One Fixed64;
    2 "severityNumber" One Enum(SEVERITY_NUMBER);
    3 "severityText" One Str;
    5 "body" One Message(&ANY_VALUE);
    6 "attributes" Attributes Message(&KEY_VALUE);
    7 "droppedAttributesCount" One Uint32;
    8 "flags" One Fixed32;
    9 "traceId" One Id(16);
    10 "spanId" One Id(8);
    11 "observedTimeUnixNano" One Fixed64;
    12 "eventName" One Str;
});
