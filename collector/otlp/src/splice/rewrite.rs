//! Copy-on-write editing: one walk over the tags, by the tables of the shape check.
//!
//! A message is written anew only from the point where something in it changed; a part without changes is one
//! copy, and a request without changes none.

use crate::Request;
use crate::schema::{self, Field, Kind, Label, Message};
use crate::view::{AnyValueView, KeyValueView, View as _};
use crate::wire::{read_len, read_tag, skip, write_len};

use super::edit::{Added, Change, Editor, Holder, Place};

/// The request as `editor` wants it; `None` where that is as it is.
///
/// Items count down by those the editor takes out. Resources and scopes stay where all their items go.
pub fn rewrite(request: &Request, editor: &mut impl Editor) -> Option<Request> {
    let mut walk = Walk { editor, resource: 0, item: 0, n_removed: 0 };
    let payload = walk.request(schema::request(request.signal), &request.payload)?;
    let n_items = request.n_items.saturating_sub(walk.n_removed);
    Some(Request { signal: request.signal, payload: payload.into(), n_items })
}

struct Walk<'e, E> {
    editor: &'e mut E,
    resource: usize,
    /// Ordinal of the next item of this resource.
    item: usize,
    n_removed: u32,
}

/// A message being copied; nothing is written before the first cut.
struct CopyOnWrite<'a> {
    from: &'a [u8],
    to: Vec<u8>,
    /// Bytes of `from` that are dealt with; `None` before the first cut.
    done: Option<usize>,
}

impl<'a> CopyOnWrite<'a> {
    fn of(from: &'a [u8]) -> Self {
        Self { from, to: Vec::new(), done: None }
    }

    /// Leaves out `start..end`; what takes its place is written behind.
    fn cut(&mut self, start: usize, end: usize) -> &mut Vec<u8> {
        if self.done.is_none() {
            self.to.reserve(self.from.len());
        }
        self.to.extend_from_slice(&self.from[self.done.unwrap_or(0)..start]);
        self.done = Some(end);
        &mut self.to
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let done = self.done?;
        self.to.extend_from_slice(&self.from[done..]);
        Some(self.to)
    }
}

/// One length-delimited field where it stands.
struct Stands<'a> {
    field: &'static Field,
    value: &'a [u8],
    start: usize,
    end: usize,
}

/// The known length-delimited fields of a message. Damage, which a proven request has none of, ends it.
fn fields<'a>(message: &'static Message, bytes: &'a [u8]) -> impl Iterator<Item = Stands<'a>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let start = bytes.len() - rest.len();
            let (number, wire_type) = read_tag(&mut rest)?;
            let field = message.field(number).filter(|_| wire_type == 2);
            let Some(field) = field else {
                skip(&mut rest, number, wire_type)?;
                continue;
            };
            let value = read_len(&mut rest)?;
            return Some(Stands { field, value, start, end: bytes.len() - rest.len() });
        }
    })
}

impl<E: Editor> Walk<'_, E> {
    fn request(&mut self, message: &'static Message, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut copy = CopyOnWrite::of(bytes);
        for Stands { field, value, start, end } in fields(message, bytes) {
            let Kind::Message(part) = field.kind else { continue };
            self.item = 0;
            if self.editor.resource(self.resource)
                && let Some(new) = self.message(part, value, None)
            {
                write_len(copy.cut(start, end), field.number, &new);
            }
            self.resource += 1;
        }
        copy.finish()
    }

    /// `within` is the item that `bytes` stand in.
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        within: Option<usize>,
    ) -> Option<Vec<u8>> {
        let at = Holder::of(message).map(|holder| self.place(holder, within));
        let (mut copy, mut seen) = (CopyOnWrite::of(bytes), 0_u32);
        for Stands { field, value, start, end } in fields(message, bytes) {
            seen |= 1 << field.number;
            match self.field(at, within, field, value) {
                Change::Keep => {}
                Change::Delete => drop(copy.cut(start, end)),
                Change::Replace(new) => write_len(copy.cut(start, end), field.number, &new),
            }
        }
        let mut new = Vec::new();
        for field in message.fields {
            if let Some(at) = at
                && field.label == Label::Attributes
            {
                self.editor.add(at, &mut Added { out: &mut new, number: field.number });
            } else if seen & 1 << field.number == 0 {
                self.come_into_being(field, &mut new);
            }
        }
        if !new.is_empty() {
            copy.cut(bytes.len(), bytes.len()).extend_from_slice(&new);
        }
        copy.finish()
    }

    fn field(
        &mut self,
        at: Option<Place>,
        within: Option<usize>,
        field: &'static Field,
        value: &[u8],
    ) -> Change<Vec<u8>> {
        match (field.kind, at) {
            (Kind::Message(_), Some(at)) if field.label == Label::Attributes => {
                let attribute = KeyValueView::over(value);
                match self.editor.attribute(at, attribute) {
                    Change::Keep => Change::Keep,
                    Change::Delete => Change::Delete,
                    Change::Replace(new) => Change::Replace(new.to_pair(attribute.key)),
                }
            }
            (Kind::Message(inner), Some(at)) if inner.is_any_value => {
                match self.editor.body(at, AnyValueView::over(value)) {
                    Change::Keep => Change::Keep,
                    Change::Delete => Change::Delete,
                    Change::Replace(new) => Change::Replace(new.to_any_value()),
                }
            }
            (Kind::Str, Some(at)) if field.label == Label::One => {
                match self.editor.text(at, field.json, std::str::from_utf8(value).unwrap_or("")) {
                    Change::Keep => Change::Keep,
                    Change::Delete => Change::Delete,
                    Change::Replace(new) => Change::Replace(new.into_bytes()),
                }
            }
            (Kind::Message(inner), _) => self.inner(inner, value, within),
            _ => Change::Keep,
        }
    }

    fn inner(
        &mut self,
        message: &'static Message,
        value: &[u8],
        within: Option<usize>,
    ) -> Change<Vec<u8>> {
        let mut within = within;
        if message.is_item {
            within = Some(self.item);
            self.item += 1;
            let at = self.place(Holder::Item, within);
            if !self.editor.item(at, value) {
                self.n_removed += 1;
                return Change::Delete;
            }
        }
        self.message(message, value, within).map_or(Change::Keep, Change::Replace)
    }

    /// A resource or scope that is not there holds an empty list, which the editor may add to.
    fn come_into_being(&mut self, field: &'static Field, out: &mut Vec<u8>) {
        if let Kind::Message(absent) = field.kind
            && field.label == Label::One
            && matches!(Holder::of(absent), Some(Holder::Resource | Holder::Scope))
            && let Some(new) = self.message(absent, &[], None)
        {
            write_len(out, field.number, &new);
        }
    }

    fn place(&self, holder: Holder, item: Option<usize>) -> Place {
        Place { resource: self.resource, item, holder }
    }
}
