//! What the bridge from `tracing` leaves out or says too much of, put right before a record is queued.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::LogRecord;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

/// Gives each record the time at which it was seen, which is when it happened, and takes away the event name: the
/// bridge puts a source position there, and in libraries that is a path of the machine that built us.
#[derive(Debug)]
pub(crate) struct Stamp;

impl LogProcessor for Stamp {
    fn emit(&self, record: &mut SdkLogRecord, _scope: &InstrumentationScope) {
        if let Some(seen) = record.observed_timestamp() {
            record.set_timestamp(seen);
        }
        record.set_event_name("");
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
