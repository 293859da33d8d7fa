//! What an editor sees of a request, and what it may say.

use super::value::NewValue;
use crate::schema::Message;
use crate::view::{AnyValueView, KeyValueView};
use crate::wire::write_len;

/// Where something stands; counted from 0 in the order of the bytes, which is the order views show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which of the request's resources.
    pub resource: usize,
    /// Which of that resource's items; `None` outside of items.
    pub item: Option<usize>,
    /// What it belongs to.
    pub holder: Holder,
}

/// A message with attributes, or with text that may tell as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The resource.
    Resource,
    /// The scope.
    Scope,
    /// A metric, whose attributes are its metadata.
    Metric,
    /// A span, data point or log record.
    Item,
    /// An event of a span.
    Event,
    /// A link of a span.
    Link,
    /// The status of a span, whose message often holds an exception's.
    Status,
    /// An exemplar of a data point.
    Exemplar,
}

/// What becomes of something.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// It stays as it lies.
    Keep,
    /// It goes.
    Delete,
    /// Another value takes its place.
    Replace(T),
}

/// Attributes that join a list at its end.
#[derive(Debug)]
pub struct Added<'o> {
    pub(super) out: &'o mut Vec<u8>,
    /// Field number of the list.
    pub(super) number: u32,
}

/// Decides, part by part in the order of the bytes; whatever it does not speak about stays.
pub trait Editor {
    /// Whether to look into that resource's part at all.
    fn resource(&mut self, resource: usize) -> bool {
        let _ = resource;
        true
    }

    /// Whether an item stays. `bytes` are its message: a view reads them.
    fn item(&mut self, at: Place, bytes: &[u8]) -> bool {
        let _ = (at, bytes);
        true
    }

    /// Judges an attribute.
    fn attribute(&mut self, at: Place, attribute: KeyValueView<'_>) -> Change<NewValue> {
        let _ = (at, attribute);
        Change::Keep
    }

    /// Adds attributes, once per list when all of it was judged; also where there is no resource or scope,
    /// which then comes into being.
    fn add(&mut self, at: Place, list: &mut Added<'_>) {
        let _ = (at, list);
    }

    /// Judges a text of the holder's own; `field` is its name in OTLP/JSON.
    fn text(&mut self, at: Place, field: &'static str, text: &str) -> Change<String> {
        let _ = (at, field, text);
        Change::Keep
    }

    /// Judges a log record's body.
    fn body(&mut self, at: Place, body: AnyValueView<'_>) -> Change<NewValue> {
        let _ = (at, body);
        Change::Keep
    }
}

impl Added<'_> {
    /// Adds one; its key should not stand in the list already.
    pub fn push(&mut self, key: &str, value: &NewValue) {
        write_len(self.out, self.number, &value.to_pair(key));
    }
}

impl Holder {
    /// What `message` is as a holder.
    pub(super) fn of(message: &Message) -> Option<Self> {
        if message.is_item {
            return Some(Self::Item);
        }
        Some(match message.name {
            "Resource" => Self::Resource,
            "InstrumentationScope" => Self::Scope,
            "Metric" => Self::Metric,
            "Span.Event" => Self::Event,
            "Span.Link" => Self::Link,
            "Status" => Self::Status,
            "Exemplar" => Self::Exemplar,
            _ => return None,
        })
    }
}
