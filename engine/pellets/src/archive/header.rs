//! Tar headers: GNU format, since its long names carry any bytes and every tar reads them. Records of
//! PAX precede a header that needs them.

use tar::{EntryType, Header};

use super::block::{BLOCK, pad};
use super::pax;
use crate::tree::{Entry, Kind};

/// The longest path or target that a header holds itself.
const SHORT: usize = 100;

/// The name GNU tar gives to the entry that carries a long name.
const LONG_NAME: &[u8] = b"././@LongLink";

/// The name that the entry with PAX records bears.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// Bytes that [`encode`] appends for `entry`.
pub(crate) fn header_len(entry: &Entry, target: Option<&[u8]>) -> u64 {
    if entry.rare.is_some() {
        // Few entries need records, and how long those are is best told by writing them.
        let mut out = Vec::new();
        encode(entry, target, 0, &mut out);
        return out.len() as u64;
    }
    let dir = matches!(entry.kind, Kind::Directory);
    BLOCK + long_len(entry.path.len() + usize::from(dir)) + target.map_or(0, |t| long_len(t.len()))
}

fn long_len(len: usize) -> u64 {
    if len <= SHORT { 0 } else { BLOCK + (len as u64 + 1).next_multiple_of(BLOCK) }
}

/// Appends the header of `entry`; `target` is the target of a symbolic link or the first path of a
/// hard-link group.
pub(crate) fn encode(entry: &Entry, target: Option<&[u8]>, mtime: u64, out: &mut Vec<u8>) {
    let mut name = entry.path.to_vec();
    let entry_type = match entry.kind {
        Kind::File { .. } => EntryType::Regular,
        Kind::Directory => {
            name.push(b'/');
            EntryType::Directory
        }
        Kind::Symlink { .. } => EntryType::Symlink,
        Kind::HardLink { .. } => EntryType::Link,
    };
    if let Some(target) = target {
        encode_long(target, EntryType::GNULongLink, out);
    }
    // The true name of a file with holes is in its records, under one for tars that know no holes.
    if entry.sparse().is_some() {
        name = sparse_name(entry);
    } else {
        encode_long(&name, EntryType::GNULongName, out);
    }
    let form = encode_records(entry, out);
    let target = target.unwrap_or_default();
    let Some(sparse) = entry.sparse() else {
        put(form, &name, target, entry_type, entry.mode, entry.size(), mtime, out);
        return;
    };
    let mut map = Vec::new();
    pax::map(sparse, entry.size(), &mut map);
    let len = map.len() as u64 + sparse.stored;
    put(form, &name, target, entry_type, entry.mode, len, mtime, out);
    out.append(&mut map);
}

/// The name GNU tar gives to the stored form of a file with holes.
fn sparse_name(entry: &Entry) -> Vec<u8> {
    let (dir, name) = entry.split();
    let mut path = dir.to_vec();
    if !dir.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(b"GNUSparseFile.0/");
    path.extend_from_slice(name);
    path
}

/// Appends the records of `entry`; what comes out is the form its header has to have.
fn encode_records(entry: &Entry, out: &mut Vec<u8>) -> Form {
    let mut records = Vec::new();
    pax::records(entry, &mut records);
    if records.is_empty() {
        return Form::Gnu;
    }
    put(Form::Pax, PAX_NAME, b"", EntryType::XHeader, 0o644, records.len() as u64, 0, out);
    let start = out.len() as u64;
    out.append(&mut records);
    pad(start, out);
    Form::Pax
}

fn encode_long(text: &[u8], entry_type: EntryType, out: &mut Vec<u8>) {
    if text.len() <= SHORT {
        return;
    }
    let len = text.len() as u64 + 1;
    put(Form::Gnu, LONG_NAME, b"", entry_type, 0o644, len, 0, out);
    let start = out.len() as u64;
    out.extend_from_slice(text);
    out.push(0);
    pad(start, out);
}

/// GNU tar takes the records of holes only before a header that is not in its own form.
#[derive(Clone, Copy)]
enum Form {
    Gnu,
    Pax,
}

#[expect(clippy::too_many_arguments, reason = "the fields of a header")]
fn put(
    form: Form,
    name: &[u8],
    target: &[u8],
    entry_type: EntryType,
    mode: u32,
    size: u64,
    mtime: u64,
    out: &mut Vec<u8>,
) {
    let mut header = match form {
        Form::Gnu => Header::new_gnu(),
        Form::Pax => Header::new_ustar(),
    };
    // Both forms have these two in the same place.
    let fields = header.as_old_mut();
    let n = name.len().min(SHORT);
    fields.name[..n].copy_from_slice(&name[..n]);
    let n = target.len().min(SHORT);
    fields.linkname[..n].copy_from_slice(&target[..n]);
    header.set_entry_type(entry_type);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(mtime);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}
