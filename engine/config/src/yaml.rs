//! A file as a flat list of keys with values and places.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::{Key, Origin, Problem};

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    One(String),
    Many(Vec<String>),
}

/// One value with its key and place.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Reads `text` as the file `path`: entries of known keys, problems for the rest.
pub(crate) fn read(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let mut reader = Reader { path, entries: Vec::new(), problems: Vec::new() };
    match serde_saphyr::from_str::<Option<Spanned<Node>>>(text) {
        Ok(None) => {}
        Ok(Some(document)) => reader.document(document),
        Err(error) => {
            let origin = reader.origin(error.location().unwrap_or(Location::UNKNOWN));
            reader.problems.push(Problem::new(&origin, words(&error.to_string())));
        }
    }
    (reader.entries, reader.problems)
}

enum Node {
    Null,
    Scalar(String),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

struct Reader<'a> {
    path: &'a Path,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn document(&mut self, document: Spanned<Node>) {
        match document.value {
            Node::Null => {}
            Node::Map(pairs) => self.section("", pairs),
            _ => self.problem(document.referenced, "the file is not a mapping of keys", None),
        }
    }

    fn section(&mut self, prefix: &str, pairs: Vec<(Spanned<String>, Spanned<Node>)>) {
        for (name, node) in pairs {
            let full = format!("{prefix}{}", name.value);
            match (Key::named(&full), node.value) {
                (Some(_), Node::Null) => {}
                (Some(key), value) => self.value(key, node.referenced, value),
                (None, Node::Map(pairs)) if prefix.is_empty() && Key::is_section(&full) => {
                    self.section(&format!("{full}."), pairs);
                }
                (None, Node::Null) if prefix.is_empty() && Key::is_section(&full) => {}
                (None, _) if prefix.is_empty() && Key::is_section(&full) => {
                    self.problem(
                        node.referenced,
                        &format!("`{full}` holds keys, not a value"),
                        None,
                    );
                }
                (None, _) => self.unknown(name.referenced, &full),
            }
        }
    }

    fn value(&mut self, key: Key, at: Location, node: Node) {
        let value = match node {
            Node::Scalar(text) => Some(Value::One(text)),
            Node::List(items) => items
                .into_iter()
                .map(|item| match item.value {
                    Node::Scalar(text) => Some(text),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
                .map(Value::Many),
            Node::Null | Node::Map(_) => None,
        };
        match value {
            Some(value) => {
                let origin = self.origin(at);
                self.entries.push(Entry { key, value, origin });
            }
            None => self.problem(at, &format!("`{}` holds a mapping", key.name()), None),
        }
    }

    fn unknown(&mut self, at: Location, name: &str) {
        let hint = Key::like(name).map(|known| format!("did you mean `{known}`?"));
        self.problem(at, &format!("unknown key `{name}`"), hint);
    }

    fn problem(&mut self, at: Location, what: &str, hint: Option<String>) {
        let origin = self.origin(at);
        self.problems.push(Problem { origin, what: what.into(), hint });
    }

    fn origin(&self, at: Location) -> Origin {
        Origin::File { path: self.path.into(), line: at.line(), column: at.column() }
    }
}

/// The parser's words alone: our own line has the place already, a picture of the source would tear it, and the
/// remedy for a doubled key addresses a programmer.
fn words(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => line,
    };
    line.split_once(", set DuplicateKeyPolicy").map_or(line, |(what, _)| what).trim_end_matches(':')
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            map.push(pair);
        }
        Ok(Node::Map(map))
    }
}
