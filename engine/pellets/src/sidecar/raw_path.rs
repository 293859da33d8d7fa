//! Paths and other texts of any bytes, as a sidecar writes them.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path, or another text of any bytes: a JSON string where it is UTF-8, else `{"hex": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RawPath(Box<[u8]>);

impl RawPath {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path, for the file system.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl From<&[u8]> for RawPath {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Box<[u8]>> for RawPath {
    fn from(bytes: Box<[u8]>) -> Self {
        Self(bytes)
    }
}

impl From<&Path> for RawPath {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().into())
    }
}

impl Serialize for RawPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Hex {
            hex: String,
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: hex::encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Raw)
    }
}

/// Reads a [`RawPath`] in either of its forms.
struct Raw;

impl<'de> Visitor<'de> for Raw {
    type Value = RawPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or bytes in hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawPath, E> {
        Ok(text.as_bytes().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPath, A::Error> {
        #[derive(Deserialize)]
        struct Hex {
            hex: String,
        }
        let Hex { hex } = Hex::deserialize(MapAccessDeserializer::new(map))?;
        Ok(hex::decode(hex).map_err(Error::custom)?.into_boxed_slice().into())
    }
}
