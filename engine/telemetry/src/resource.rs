//! Who speaks: the resource that every signal carries.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::TelemetryError;
use crate::names::attr;

/// The namespace of everything the Engine emits.
const NAMESPACE: &str = "nestr";

/// The resource of this process; its instance id is random.
pub(crate) fn resource(service: &str, version: &str) -> Result<Resource, TelemetryError> {
    Ok(Resource::builder_empty()
        .with_attributes([
            KeyValue::new(attr::SERVICE_NAME, service.to_owned()),
            KeyValue::new(attr::SERVICE_NAMESPACE, NAMESPACE),
            KeyValue::new(attr::SERVICE_VERSION, version.to_owned()),
            KeyValue::new(attr::SERVICE_INSTANCE_ID, instance_id()?),
        ])
        .build())
}

/// A version 4 UUID, the form the semantic conventions ask for.
fn instance_id() -> Result<String, TelemetryError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(TelemetryError::Randomness)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
