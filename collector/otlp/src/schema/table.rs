//! The form of the tables.

/// A message: its fields and what the shape check does with it.
#[derive(Debug)]
pub struct Message {
    /// Protobuf name, for errors.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Whether each one is an item of the ledger: a span, a data point, a log record.
    pub is_item: bool,
    /// Whether it is `AnyValue`, whose depth has a cap of its own.
    pub is_any_value: bool,
    /// Position in `fields` + 1 by field number; 0 where there is none.
    index: [u8; 32],
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// Protobuf field number.
    pub number: u32,
    /// Name in OTLP/JSON.
    pub json: &'static str,
    /// How often it may stand.
    pub label: Label,
    /// What it holds.
    pub kind: Kind,
    /// The bit that says it was seen, where it may stand once; 0 elsewhere.
    pub(crate) once: u32,
}

/// How often a field may stand in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// At most once.
    One,
    /// Any number of times; scalars may be packed.
    Many,
    /// Any number of times, bounded by the attribute limit.
    Attributes,
    /// At most one of the message's fields so labelled.
    OneOf,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A nested message.
    Message(&'static Message),
    /// UTF-8 text.
    Str,
    /// Bytes, base64 in JSON.
    Bytes,
    /// An identifier of that many bytes or none, hex in JSON.
    Id(usize),
    /// A varint of 0 or 1.
    Bool,
    /// A varint, signed, 32 bits in JSON.
    Int32,
    /// A varint, signed.
    Int64,
    /// A varint, 32 bits.
    Uint32,
    /// A varint.
    Uint64,
    /// A zig-zag varint, 32 bits.
    Sint32,
    /// Four bytes.
    Fixed32,
    /// Eight bytes, unsigned.
    Fixed64,
    /// Eight bytes, signed.
    Sfixed64,
    /// Eight bytes, IEEE 754.
    Double,
    /// A varint; in JSON a number, or a name of the table.
    Enum(EnumNames),
}

/// Names and numbers of an enumeration.
pub type EnumNames = &'static [(&'static str, i32)];

impl Label {
    /// Members of a `oneof` share a bit; field number 0, whose bit it is, does not exist.
    pub(super) const fn once(self, number: u32) -> u32 {
        match self {
            Self::One => 1 << number,
            Self::OneOf => 1,
            Self::Many | Self::Attributes => 0,
        }
    }
}

impl Kind {
    /// The wire type of one value.
    pub const fn wire_type(&self) -> u8 {
        match self {
            Self::Message(_) | Self::Str | Self::Bytes | Self::Id(_) => 2,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => 1,
            Self::Fixed32 => 5,
            _ => 0,
        }
    }
}

impl Message {
    /// Builds a table; evaluated at compile time.
    pub(super) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        let mut index = [0; 32];
        let mut i = 0_u8;
        while (i as usize) < fields.len() {
            let number = fields[i as usize].number as usize;
            assert!(number < 32 && index[number] == 0, "invariant 1");
            i += 1;
            index[number] = i;
        }
        Self { name, fields, is_item: false, is_any_value: false, index }
    }

    /// Marks an item of the ledger.
    pub(super) const fn item(mut self) -> Self {
        self.is_item = true;
        self
    }

    /// Marks `AnyValue`.
    pub(super) const fn any_value(mut self) -> Self {
        self.is_any_value = true;
        self
    }

    /// The field of that number.
    #[inline]
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        let at = *self.index.get(number as usize)?;
        self.fields.get(usize::from(at).wrapping_sub(1))
    }

    /// The field of that JSON name; the name of the `.proto` file is understood too, as the Collector does,
    /// because ignoring `resource_spans` would lose a whole request silently.
    pub fn field_by_name(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.json == name || is_snake_case_of(name, field.json))
    }
}

fn is_snake_case_of(snake: &str, camel: &str) -> bool {
    if !snake.contains('_') {
        return false;
    }
    let mut rest = snake.bytes();
    camel.bytes().all(|c| {
        if c.is_ascii_uppercase() {
            rest.next() == Some(b'_') && rest.next() == Some(c.to_ascii_lowercase())
        } else {
            rest.next() == Some(c)
        }
    }) && rest.next().is_none()
}

/// Declares the static table of a message: `number "jsonName" Label Kind;` per field.
macro_rules! message {
    ($vis:vis $ident:ident = $name:literal $(.$flag:ident())* { $($number:literal $json:literal $label:ident $kind:expr;)* }) => {
        $vis static $ident: $crate::schema::Message = {
            static FIELDS: &[$crate::schema::Field] = &[
                $($crate::schema::Field {
                    number: $number,
                    json: $json,
                    label: $crate::schema::Label::$label,
                    once: $crate::schema::Label::$label.once($number),
                    kind: { #[allow(unused_imports)] use $crate::schema::Kind::*; $kind },
                },)*
            ];
            $crate::schema::Message::new($name, FIELDS)$(.$flag())*
        };
    };
}
pub(super) use message;

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_found_by_number_and_by_both_names() {
        let request = crate::schema::request(crate::Signal::Traces);
        assert_eq!(request.field(1).unwrap().json, "resourceSpans");
        assert!(request.field(2).is_none() && request.field(0).is_none());
        assert!(request.field(u32::MAX).is_none());
        assert!(request.field_by_name("resourceSpans").is_some());
        assert!(request.field_by_name("resource_spans").is_some());
        for unknown in ["ResourceSpans", "resourcespans", "resource_spans_", "_resourceSpans", ""] {
            assert!(request.field_by_name(unknown).is_none(), "{unknown}");
        }
    }
}
