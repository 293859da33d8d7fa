//! Texts that stand for something else, read without keeping them.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

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
