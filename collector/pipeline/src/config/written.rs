//! A [`Tree`] as YAML and as JSON.

use std::fmt::Write as _;

use super::tree::{Tree, Value};

impl Tree {
    /// As YAML, mappings in their order, one entry a line.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        block(self, 0, &mut out);
        out
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(v) => (*v).into(),
            Value::Int(v) => (*v).into(),
            Value::Float(v) => (*v).into(),
            Value::Text(v) => v.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(k, v)| (k.text.clone(), v.to_json()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

/// The lines of a mapping or of a list of them.
fn block(tree: &Tree, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match &tree.value {
        Value::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let _ = write!(out, "{indent}{}:", scalar(&key.text));
                beside(value, depth, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "{indent}-");
                beside(item, depth, out);
            }
        }
        _ => {
            let _ = writeln!(out, "{indent}{}", flow(tree));
        }
    }
}

/// A value behind its key: on the same line if it is short, else beneath.
fn beside(value: &Tree, depth: usize, out: &mut String) {
    let is_flat = match &value.value {
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => {
            items.iter().all(|i| !matches!(i.value, Value::Map(_) | Value::List(_)))
        }
        _ => true,
    };
    if is_flat {
        let _ = writeln!(out, " {}", flow(value));
    } else {
        out.push('\n');
        block(value, depth + 1, out);
    }
}

fn flow(tree: &Tree) -> String {
    match &tree.value {
        Value::Null => "null".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Text(v) => scalar(v),
        Value::List(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(k, v)| format!("{}: {}", scalar(&k.text), flow(v)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text bare where nothing else could be meant by it, quoted as in JSON otherwise. `$` begins a variable in a
/// configuration, so it is doubled.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "~"];
    let is_bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c))
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_bare {
        return text.to_owned();
    }
    let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h'])
        && text.chars().all(|c| c.is_ascii_alphanumeric());
    if is_duration {
        return text.to_owned();
    }
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = r#"{a: {b: [1, 'two', "th: ree", "true", "5"], c: {}, d: null, e: -1.5}, "f g": [{h: 1}, [2]],
            i: "1.5", j: 127.0.0.1:4317, k: "é\"\\\n", l: [], m: 30s, n: ""}"#;
        let tree = Tree::parse(text).unwrap();
        let again = Tree::parse(&tree.to_yaml()).unwrap();
        assert_eq!(again.to_json(), tree.to_json(), "{}", tree.to_yaml());
    }

    #[test]
    fn a_dollar_stays_one() {
        let tree = Tree::parse("a: 'x$y'").unwrap();
        assert_eq!(tree.to_yaml(), "a: \"x$$y\"\n");
    }
}
