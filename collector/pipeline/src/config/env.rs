//! Fills `${env:NAME}` in; done on values, so that a variable can never change the file's structure.

use super::at::At;
use super::error::Finding;
use super::tree::{Tree, Value};

/// Reads a variable of the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces `${env:NAME}`, `${env:NAME:-default}` and `${NAME}` in all values; `$$` is a dollar.
///
/// A value that is one variable and nothing else takes the type of what it holds.
pub(super) fn expand(tree: &mut Tree, env: Env<'_>, faults: &mut Vec<Finding>) {
    let at = tree.at;
    match &mut tree.value {
        Value::List(items) => items.iter_mut().for_each(|item| expand(item, env, faults)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, v)| expand(v, env, faults)),
        Value::Text(text) if text.contains('$') => match fill(text, env) {
            Ok((filled, true)) => tree.value = scalar(filled),
            Ok((filled, false)) => *text = filled,
            Err(fault) => faults.push(fault.or_at(at)),
        },
        _ => {}
    }
}

/// The text with variables filled in, and whether one variable was all of it.
fn fill(text: &str, env: Env<'_>) -> Result<(String, bool), Finding> {
    let mut out = String::new();
    let mut rest = text;
    let mut whole = false;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let tail = &rest[dollar + 1..];
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inner) = tail.strip_prefix('{') {
            let Some(end) = inner.find('}') else {
                return Err(fault("`${` without its `}`"));
            };
            whole = text.len() == end + 3;
            out.push_str(&lookup(&inner[..end], env)?);
            rest = &inner[end + 1..];
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out.push_str(rest);
    Ok((out, whole))
}

fn lookup(reference: &str, env: Env<'_>) -> Result<String, Finding> {
    let named = reference.strip_prefix("env:").unwrap_or(reference);
    let (name, default) = match named.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (named, None),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(fault(format!("`${{{reference}}}` is not a variable"))
            .hint("variables are written ${env:NAME} or ${env:NAME:-default}"));
    }
    env(name).or_else(|| default.map(ToOwned::to_owned)).ok_or_else(|| {
        fault(format!("the environment variable {name} is not set"))
            .hint(format!("set it, or write ${{env:{name}:-default}}"))
    })
}

fn fault(message: impl Into<String>) -> Finding {
    Finding::new(At::default(), message)
}

/// What the text would be if it stood in the file itself, as long as that is a plain value.
fn scalar(text: String) -> Value {
    match Tree::parse(&text).map(|t| t.value) {
        Ok(value @ (Value::Bool(_) | Value::Int(_) | Value::Float(_))) => value,
        _ => Value::Text(text),
    }
}
