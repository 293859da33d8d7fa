//! Event types by name; the closed list itself is generated from the catalogue.

use serde::{Deserialize, Deserializer, Serializer};

use crate::EventType;

/// The type of that full CloudEvents name.
pub(crate) fn by_full_name(name: &str) -> Option<EventType> {
    EventType::ALL.iter().copied().find(|t| t.full() == name)
}

pub(crate) fn serialize<S: Serializer>(of: &EventType, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(of.short())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventType, D::Error> {
    let name = String::deserialize(from)?;
    EventType::ALL.iter().copied().find(|t| t.short() == name).ok_or_else(|| {
        serde::de::Error::custom(format!("`{name}` is not the short name of an event"))
    })
}
