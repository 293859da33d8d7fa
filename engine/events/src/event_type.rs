//! The closed list of things that are recorded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $short:literal, $full:literal;)*) => {
        /// What happened; the catalogue's events with their short and their full name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
        }

        impl EventType {
            /// All types, in the catalogue's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used over WebSocket and on screen, such as `pellet:compressed`.
            #[must_use]
            pub fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)* }
            }

            /// The CloudEvents type, such as `dev.nestr.pellet.compressed.v1`.
            #[must_use]
            pub fn full(self) -> &'static str {
                match self { $(Self::$variant => $full,)* }
            }
        }
    };
}

event_types! {
    /// A tree was packed and its Pellet is in the store.
    PelletCompressed = "pellet:compressed", "dev.nestr.pellet.compressed.v1";
    /// A Pellet could not be made, restored or verified, or the work on it was interrupted.
    PelletFailed = "pellet:failed", "dev.nestr.pellet.failed.v1";
}

/// A name that no event type bears.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an event")]
pub struct UnknownEventType(pub String);

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    /// Takes the short and the full name.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|t| t.short() == name || t.full() == name)
            .ok_or_else(|| UnknownEventType(name.to_owned()))
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.short())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
