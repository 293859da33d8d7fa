//! Edits that were decided before, as data: of the attributes of one resource and its items.

use super::edit::{Added, Change, Editor, Holder, Place};
use super::rewrite::rewrite;
use super::value::NewValue;
use crate::Request;
use crate::view::KeyValueView;

/// Edits to one `ResourceSpans`, `ResourceMetrics` or `ResourceLogs`; the others are not looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// Which one, counted from 0.
    pub resource: usize,
    /// What to do there. Of several edits to one key in one place the last counts. Every attribute of a place is
    /// compared with all of them: meant for a few, an [`Editor`] is for many.
    pub edits: Vec<Edit>,
}

/// One edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Whose attribute.
    pub target: Target,
    /// Its key.
    pub key: String,
    /// What to do with it.
    pub op: Op,
}

/// Whose attributes are edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The resource's.
    Resource,
    /// Those of the resource's span, data point or log record of that number, counted from 0.
    Item(usize),
}

/// What to do with an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Give it this value, there before or not.
    Set(NewValue),
    /// Give it this value if it is there.
    Replace(NewValue),
    /// Take it out.
    Delete,
}

/// The request with `patch` applied; the same one where nothing matched.
pub fn patch(request: &Request, patch: &Patch) -> Request {
    let met = vec![false; patch.edits.len()];
    rewrite(request, &mut Patcher { patch, met }).unwrap_or_else(|| request.clone())
}

struct Patcher<'p> {
    patch: &'p Patch,
    /// Which edits found their key.
    met: Vec<bool>,
}

impl Patcher<'_> {
    /// The edit that counts for `key`, and its number.
    fn find(&self, target: Target, key: &str) -> Option<(usize, &Op)> {
        let mut edits = self.patch.edits.iter().enumerate().rev();
        let (n, edit) = edits.find(|(_, edit)| edit.target == target && edit.key == key)?;
        Some((n, &edit.op))
    }
}

fn target(at: Place) -> Option<Target> {
    match (at.holder, at.item) {
        (Holder::Resource, _) => Some(Target::Resource),
        (Holder::Item, Some(n)) => Some(Target::Item(n)),
        _ => None,
    }
}

impl Editor for Patcher<'_> {
    fn resource(&mut self, resource: usize) -> bool {
        resource == self.patch.resource
    }

    fn attribute(&mut self, at: Place, attribute: KeyValueView<'_>) -> Change<NewValue> {
        let found = target(at).and_then(|target| self.find(target, attribute.key));
        let Some((n, op)) = found else { return Change::Keep };
        let change = match op {
            Op::Set(value) | Op::Replace(value) => Change::Replace(value.clone()),
            Op::Delete => Change::Delete,
        };
        self.met[n] = true;
        change
    }

    fn add(&mut self, at: Place, list: &mut Added<'_>) {
        let Some(target) = target(at) else { return };
        for (n, edit) in self.patch.edits.iter().enumerate() {
            let counts = || self.find(target, &edit.key).is_some_and(|(last, _)| last == n);
            if let Op::Set(value) = &edit.op
                && edit.target == target
                && !self.met[n]
                && counts()
            {
                list.push(&edit.key, value);
            }
        }
    }
}
