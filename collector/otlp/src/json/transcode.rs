//! The walk over JSON: objects become messages, arrays repeated fields.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::scalar::{Token, write_scalar};
use super::writer::Writer;
use crate::schema::{Field, Kind, Label, Message};
use crate::wire::write_tag;

/// Transcodes the outermost object.
pub(super) fn request<'de, D: Deserializer<'de>>(
    message: &'static Message,
    writer: &mut Writer<'_>,
    deserializer: D,
) -> Result<(), D::Error> {
    deserializer.deserialize_map(Fields { message, writer })
}

/// The fields of an object, without the tag and length of the message it becomes.
struct Fields<'w, 'l> {
    message: &'static Message,
    writer: &'w mut Writer<'l>,
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { message, writer } = self;
        writer.enter(message).map_err(A::Error::custom)?;
        while let Some(field) = map.next_key_seed(Key(message))? {
            match field {
                None => map.next_value::<IgnoredAny>().map(drop)?,
                Some(field) if matches!(field.label, Label::Many | Label::Attributes) => {
                    map.next_value_seed(Repeated { field, writer })?;
                }
                Some(field) => map.next_value_seed(One { field, writer, place: Place::Field })?,
            }
        }
        writer.leave(message);
        Ok(())
    }
}

/// An object's key; `None` for a field we do not know.
struct Key(&'static Message);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_by_name(key))
    }
}

/// An array; scalars are packed.
struct Repeated<'w, 'l> {
    field: &'static Field,
    writer: &'w mut Writer<'l>,
}

impl<'de> DeserializeSeed<'de> for Repeated<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Repeated<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array ({})", self.field.json)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { field, writer } = self;
        if field.kind.wire_type() == 2 {
            while seq.next_element_seed(One { field, writer, place: Place::Element })?.is_some() {}
            return Ok(());
        }
        write_tag(&mut writer.out, field.number, 2);
        let open = writer.open();
        while seq.next_element_seed(One { field, writer, place: Place::Packed })?.is_some() {}
        writer.close(open);
        Ok(())
    }
}

/// Where a value stands, which decides on its tag and on what null means.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Field,
    Element,
    Packed,
}

/// A single value.
struct One<'w, 'l> {
    field: &'static Field,
    writer: &'w mut Writer<'l>,
    place: Place,
}

impl<'de> DeserializeSeed<'de> for One<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl One<'_, '_> {
    fn scalar<E: Error>(self, token: Token<'_>) -> Result<(), E> {
        let Self { field, writer, place } = self;
        if place != Place::Packed {
            write_tag(&mut writer.out, field.number, field.kind.wire_type());
        }
        write_scalar(&mut writer.out, field.kind, token)
            .and_then(|()| writer.check_size())
            .map_err(|what| E::custom(format_args!("{}: {what}", field.json)))
    }
}

impl<'de> Visitor<'de> for One<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.kind {
            Kind::Message(message) => write!(f, "an object ({})", message.name),
            _ => write!(f, "a single value ({})", self.field.json),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(message) = self.field.kind else {
            return Err(A::Error::custom(format_args!("{}: unexpected object", self.field.json)));
        };
        let writer = self.writer;
        write_tag(&mut writer.out, self.field.number, 2);
        let open = writer.open();
        Fields { message, writer }.visit_map(map)?;
        writer.close(open);
        writer.check_size().map_err(A::Error::custom)
    }

    /// Null is an absent field; among messages in an array it holds a place, as an empty value does.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match (self.place, self.field.kind) {
            (Place::Field, _) => Ok(()),
            (Place::Element, Kind::Message(_)) => {
                write_tag(&mut self.writer.out, self.field.number, 2);
                self.writer.out.push(0);
                Ok(())
            }
            _ => Err(E::custom(format_args!("{}: null in an array", self.field.json))),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Token::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Token::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(Token::Int(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Token::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Token::Str(value))
    }
}
