//! Texts that stand for something else, read without keeping them.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, de};

use super::form::RawPath;

/// Reads what `parse` makes of a text.
pub(crate) fn from_text<'de, D, T, E>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    deserializer.deserialize_str(Text { parse, made: PhantomData })
}

struct Text<P, T> {
    parse: P,
    made: PhantomData<T>,
}

impl<P: FnOnce(&str) -> Result<T, R>, T, R: fmt::Display> Visitor<'_> for Text<P, Result<T, R>> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

/// Reads a [`RawPath`] in either of its forms.
pub(super) struct Raw;

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
        Ok(hex::decode(hex).map_err(de::Error::custom)?.into_boxed_slice().into())
    }
}
