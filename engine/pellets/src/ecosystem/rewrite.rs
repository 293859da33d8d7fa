//! The paths that a tree names of itself, as they must read where it stands now.

use memchr::memmem;

/// The longest `#!` line that every Linux takes, its line end left out.
const MAX_SHEBANG: usize = 127;

/// From where to where a tree was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    /// Absolute paths that the tree, or a part of it, names itself by, each with where that stands now.
    pub(crate) ways: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Move {
    /// What `content` must read; none where it names no path of the tree, or is no text.
    pub(crate) fn rewrite(&self, content: &[u8]) -> Option<Vec<u8>> {
        if memchr::memchr(0, content).is_some() {
            return None;
        }
        let mut text = None;
        for (from, to) in &self.ways {
            let replaced = replace(text.as_deref().unwrap_or(content), from, to);
            text = replaced.map(|text| runnable(text, to)).or(text);
        }
        text
    }
}

/// Whether scripts can name `path` as they are quoted: in `"…"`, in `'…'` and bare.
pub(crate) fn assert_movable(path: &[u8]) -> Result<(), &'static str> {
    let odd = |b: &u8| matches!(b, b'"' | b'\'' | b'$' | b'`' | b'\\') || b.is_ascii_control();
    if path.iter().any(odd) {
        Err("a quote, `$`, a backslash or a control character")
    } else {
        Ok(())
    }
}

/// The tree that the first line of a script finds its interpreter in, and the interpreter's name.
pub(crate) fn interpreter_prefix(script: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = script.strip_prefix(b"#!")?;
    let line = rest.split(|b| *b == b'\n').next()?;
    let program = match line {
        // What installers write where the line would be too long or has a space.
        b"/bin/sh" => {
            let rest = rest.get(line.len() + 1..)?.strip_prefix(b"'''exec' ")?;
            let quoted = rest.strip_prefix(b"\"").and_then(|r| r.split(|b| *b == b'"').next());
            quoted.or_else(|| rest.split(|b| *b == b' ').next())?
        }
        _ => line.split(|b| *b == b' ').next()?,
    };
    let bin = program.iter().rposition(|b| *b == b'/')?;
    Some((program[..bin].strip_suffix(b"/bin")?, &program[bin + 1..]))
}

/// `text` with `to` for each `from` that is a whole path or the beginning of one.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let is_name =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.') || *b >= 0x80;
    let mut done = Vec::new();
    let mut last = 0;
    for at in memmem::find_iter(text, from) {
        let end = at + from.len();
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        if before.is_some_and(is_name) || text.get(end).is_some_and(is_name) {
            continue;
        }
        done.extend_from_slice(&text[last..at]);
        done.extend_from_slice(to);
        last = end;
    }
    if last == 0 {
        return None;
    }
    done.extend_from_slice(&text[last..]);
    Some(done)
}

/// A Python script whose first line no kernel would take gets the lines that are a program to `sh` and a
/// text without effect to Python.
fn runnable(text: Vec<u8>, to: &[u8]) -> Vec<u8> {
    let Some(line) = text.strip_prefix(b"#!").and_then(|t| t.split(|b| *b == b'\n').next()) else {
        return text;
    };
    // A space ends the program, unless it is one of the path that was just put there.
    let from = if line.starts_with(to) { to.len() } else { 0 };
    let end = memchr::memchr(b' ', &line[from..]).map_or(line.len(), |at| from + at);
    let (program, arguments) = line.split_at(end);
    let name = program.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let has_space = memchr::memchr(b' ', program).is_some();
    if !name.starts_with(b"python") || (line.len() + 2 <= MAX_SHEBANG && !has_space) {
        return text;
    }
    let mut script = b"#!/bin/sh\n'''exec' \"".to_vec();
    script.extend_from_slice(program);
    script.push(b'"');
    script.extend_from_slice(arguments);
    script.extend_from_slice(b" \"$0\" \"$@\"\n' '''");
    script.extend_from_slice(&text[2 + line.len()..]);
    script
}
