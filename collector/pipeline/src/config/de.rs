//! Reads a [`Tree`] through serde and finds each fault at its own line and column.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::at::At;
use super::error::Finding;
use super::nearest::nearest;
use super::tree::{Key, Tree, Value};

struct Reader<'a>(&'a Tree);

impl de::Error for Finding {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(At::default(), message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let found = Self::new(At::default(), format!("unknown key `{field}`"));
        match (nearest(field, expected.iter().copied()), expected) {
            (Some(near), _) => found.hint(format!("did you mean `{near}`?")),
            (None, []) => found.hint("no keys are known here"),
            (None, known) => found.hint(format!("known here: {}", known.join(", "))),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(At::default(), format!("`{variant}` is not one of {}", expected.join(", ")))
    }
}

impl Tree {
    /// Reads this value as a `T`; an unknown key or wrong type is found at its own place.
    pub fn read<T: for<'de> de::Deserialize<'de>>(&self) -> Result<T, Finding> {
        T::deserialize(Reader(self))
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Finding;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(v) => visitor.visit_bool(*v),
            Value::Int(v) => visitor.visit_i64(*v),
            Value::Float(v) => visitor.visit_f64(*v),
            Value::Text(v) => visitor.visit_str(v),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => {
                visitor.visit_map(Entries { rest: entries.iter(), value: None, key: None })
            }
        }
        .map_err(|e| e.or_at(self.0.at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        // `tenant: 123` means the text "123", as it does for other readers of this shape.
        match &self.0.value {
            Value::Int(v) => visitor.visit_string(v.to_string()),
            Value::Float(v) => visitor.visit_string(v.to_string()),
            Value::Bool(v) => visitor.visit_string(v.to_string()),
            _ => return self.deserialize_any(visitor),
        }
        .map_err(|e: Finding| e.or_at(self.0.at))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        match &self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Finding> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Finding> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        let entries = self.0.entries()?;
        visitor
            .visit_map(Entries { rest: entries.iter(), value: None, key: None })
            .map_err(|e: Finding| e.or_at(self.0.at))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Finding> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Null => visitor.visit_seq(Items([].iter())),
            other => {
                Err(Finding::new(self.0.at, format!("a list is wanted here, not {}", other.kind())))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Finding> {
        match &self.0.value {
            Value::Text(name) => visitor.visit_enum(Variant(name)),
            other => {
                Err(Finding::new(self.0.at, format!("a name is wanted here, not {}", other.kind())))
            }
        }
        .map_err(|e: Finding| e.or_at(self.0.at))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Tree>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Finding;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Finding> {
        self.0.next().map(|item| seed.deserialize(Reader(item))).transpose()
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (Key, Tree)>,
    key: Option<&'a Key>,
    value: Option<&'a Tree>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Finding;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Finding> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        (self.key, self.value) = (Some(key), Some(value));
        let name: StrDeserializer<'_, Finding> = key.text.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|e| e.or_at(key.at))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Finding> {
        match (self.value.take(), self.key.take()) {
            (Some(value), Some(key)) => {
                seed.deserialize(Reader(value)).map_err(|e| e.or_at(value.at).within(&key.text))
            }
            _ => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Variant<'a>(&'a str);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Finding;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), Finding> {
        let name: StrDeserializer<'_, Finding> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Finding;

    fn unit_variant(self) -> Result<(), Finding> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Finding> {
        Err(de::Error::custom(format!("`{}` takes no value", self.0)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Finding> {
        Err(de::Error::custom(format!("`{}` takes no value", self.0)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Finding> {
        Err(de::Error::custom(format!("`{}` takes no value", self.0)))
    }
}
