//! PAX records, for what a plain header cannot hold: extended attributes and maps of data in files
//! with holes (GNU sparse format 1.0).

use super::block::pad;
use crate::tree::{Attribute, Entry, Sparse};

/// Appends the records of `entry`; nothing where it needs none.
pub(super) fn records(entry: &Entry, out: &mut Vec<u8>) {
    if entry.sparse().is_some() {
        put(b"GNU.sparse.major", b"1", out);
        put(b"GNU.sparse.minor", b"0", out);
        put(b"GNU.sparse.name", &entry.path, out);
        put(b"GNU.sparse.realsize", entry.size().to_string().as_bytes(), out);
    }
    for attribute in entry.attributes() {
        put(&keyword(attribute), &attribute.value, out);
    }
}

/// The keyword ends at the first `=`, so GNU tar escapes that in names, and its own escape sign.
fn keyword(attribute: &Attribute) -> Vec<u8> {
    let mut keyword = b"SCHILY.xattr.".to_vec();
    for byte in &attribute.name {
        match byte {
            b'=' => keyword.extend_from_slice(b"%3D"),
            b'%' => keyword.extend_from_slice(b"%25"),
            other => keyword.push(*other),
        }
    }
    keyword
}

/// `LENGTH KEYWORD=VALUE\n`, the length counting itself.
fn put(keyword: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let rest = 1 + keyword.len() + 1 + value.len() + 1;
    let mut len = rest;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    out.extend_from_slice(len.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(keyword);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Appends the map that stands before the data, padded to a block: how many segments, then offset
/// and length of each, one number per line.
pub(super) fn map(sparse: &Sparse, size: u64, out: &mut Vec<u8>) {
    let start = out.len() as u64;
    let end = sparse.data.last().map_or(0, |last| last.offset + last.len);
    // A hole at the end is followed by an empty segment: else no reader of ours or others would know
    // how long the file is.
    let last = (end < size).then_some((size, 0));
    let n_segments = sparse.data.len() + usize::from(last.is_some());
    let mut line = |n: u64| {
        out.extend_from_slice(n.to_string().as_bytes());
        out.push(b'\n');
    };
    line(n_segments as u64);
    for (offset, len) in sparse.data.iter().map(|s| (s.offset, s.len)).chain(last) {
        line(offset);
        line(len);
    }
    pad(start, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_itself() {
        for n in [1, 3, 4, 90, 91, 92, 93, 94, 985, 990, 991, 992, 993, 9_990] {
            let mut out = Vec::new();
            put(b"k", &vec![b'v'; n], &mut out);
            let told: usize = std::str::from_utf8(out.split(|b| *b == b' ').next().unwrap())
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(told, out.len());
        }
    }
}
