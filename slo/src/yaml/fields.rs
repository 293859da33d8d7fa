//! Reads a mapping key by key and puts down what is missing, wrong or left over.

use std::collections::BTreeMap;

use crate::finding::{At, Code, Findings, Spot};
use crate::length::Length;

use super::tree::{Tree, Value};

/// What is being read: the file's name and everything found so far.
pub struct Cx<'a> {
    /// The file's name as given.
    pub file: &'a str,
    /// The findings of all files.
    pub found: &'a mut Findings,
}

/// A mapping whose keys are taken one by one.
pub struct Fields<'a> {
    /// What the mapping is, for messages.
    what: &'static str,
    /// Where it stands.
    pub at: At,
    entries: &'a [(Spot<String>, Tree)],
    known: Vec<&'static str>,
}

impl Cx<'_> {
    /// Puts an error of this file down.
    pub fn error(&mut self, code: Code, at: At, message: impl Into<String>) {
        self.found.error(code, self.file, at, message);
    }

    /// Puts an error of this file down with advice.
    pub fn error_with(
        &mut self,
        code: Code,
        at: At,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found.error_with(code, self.file, at, message, hint);
    }

    /// Puts a note about this file down.
    pub fn note(&mut self, code: Code, at: At, message: impl Into<String>) {
        self.found.note(code, self.file, at, message);
    }
}

impl<'a> Fields<'a> {
    /// The keys of a mapping; nothing counts as an empty one.
    pub fn of(cx: &mut Cx<'_>, tree: &'a Tree, what: &'static str) -> Option<Self> {
        let entries: &[_] = match &tree.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                let kind = other.kind();
                cx.error(Code::BadValue, tree.at, format!("{what} is a mapping, not {kind}"));
                return None;
            }
        };
        Some(Self { what, at: tree.at, entries, known: Vec::new() })
    }

    /// The value under the first of these spellings; an explicit nothing counts as absent.
    pub fn get(&mut self, keys: &[&'static str]) -> Option<&'a Tree> {
        self.known.extend_from_slice(keys);
        let hit = |k: &&'static str| self.entries.iter().find(|(key, _)| key.value == **k);
        keys.iter().find_map(hit).map(|(_, v)| v).filter(|v| v.value != Value::Null)
    }

    /// A value that must be there.
    pub fn need(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<&'a Tree> {
        let found = self.get(keys);
        if found.is_none() {
            let (what, key) = (self.what, keys.first().unwrap_or(&""));
            cx.error(Code::MissingKey, self.at, format!("{what} needs `{key}`"));
        }
        found
    }

    /// Text that may be absent.
    pub fn text(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<Spot<String>> {
        let tree = self.get(keys)?;
        let value = tree.as_text();
        if value.is_none() {
            self.wrong(cx, keys, tree, "text");
        }
        value.map(|value| Spot { value, at: tree.at })
    }

    /// Text that must be there and not be empty.
    pub fn need_text(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<Spot<String>> {
        self.need(cx, keys)?;
        let text = self.text(cx, keys)?;
        if text.value.trim().is_empty() {
            let key = keys.first().unwrap_or(&"");
            cx.error(Code::BadValue, text.at, format!("`{key}` of {} is empty", self.what));
            return None;
        }
        Some(text)
    }

    /// A number that may be absent.
    pub fn number(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<Spot<f64>> {
        let tree = self.get(keys)?;
        let value = match &tree.value {
            Value::Number(n) => Some(*n),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match value.filter(|n: &f64| n.is_finite()) {
            Some(value) => Some(Spot { value, at: tree.at }),
            None => {
                self.wrong(cx, keys, tree, "a number");
                None
            }
        }
    }

    /// A truth value that may be absent.
    pub fn flag(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<Spot<bool>> {
        let tree = self.get(keys)?;
        if let Value::Bool(value) = tree.value {
            return Some(Spot { value, at: tree.at });
        }
        self.wrong(cx, keys, tree, "true or false");
        None
    }

    /// A length of time that may be absent.
    pub fn length(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> Option<Spot<Length>> {
        let tree = self.get(keys)?;
        let value = tree.as_text().and_then(|text| Length::parse(&text)).filter(|l| l.0 > 0);
        if value.is_none() {
            self.wrong(cx, keys, tree, "a length of time such as 5m, 1h or 30d");
        }
        value.map(|value| Spot { value, at: tree.at })
    }

    /// A list that may be absent.
    pub fn list(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> &'a [Tree] {
        match self.get(keys) {
            Some(Tree { value: Value::List(items), .. }) => items,
            Some(tree) => {
                self.wrong(cx, keys, tree, "a list");
                &[]
            }
            None => &[],
        }
    }

    /// A mapping of text to text that may be absent.
    pub fn labels(&mut self, cx: &mut Cx<'_>, keys: &[&'static str]) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        let Some(tree) = self.get(keys) else { return labels };
        let Value::Map(entries) = &tree.value else {
            self.wrong(cx, keys, tree, "a mapping of text to text");
            return labels;
        };
        for (key, value) in entries {
            match value.as_text() {
                Some(text) => {
                    labels.insert(key.value.clone(), text);
                }
                None => self.wrong(cx, keys, value, "text"),
            }
        }
        labels
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self, cx: &mut Cx<'_>) {
        for (key, _) in self.entries {
            if self.known.contains(&key.value.as_str()) {
                continue;
            }
            let near = self
                .known
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, &key.value), known))
                .min()
                .filter(|(distance, _)| *distance <= 2);
            let hint = near.map_or_else(
                || format!("known here: {}", self.known.join(", ")),
                |(_, known)| format!("did you mean `{known}`?"),
            );
            let message = format!("{} has no key `{}`", self.what, key.value);
            cx.error_with(Code::UnknownKey, key.at, message, hint);
        }
    }

    fn wrong(&self, cx: &mut Cx<'_>, keys: &[&'static str], tree: &Tree, wanted: &str) {
        let key = keys.first().unwrap_or(&"");
        let given = match tree.as_text() {
            Some(text) => format!("`{text}`"),
            None => tree.value.kind().to_owned(),
        };
        let message = format!("`{key}` of {} is {wanted}, not {given}", self.what);
        cx.error(Code::BadValue, tree.at, message);
    }
}
