//! Tar headers: GNU format, since its long names carry any bytes and every tar reads them.

use tar::{EntryType, Header};

use crate::tree::{Entry, Kind};

/// The unit of a tar stream in bytes.
pub(crate) const BLOCK: u64 = 512;

/// The longest path or target that a header holds itself.
const SHORT: usize = 100;

/// The name GNU tar gives to the entry that carries a long name.
const LONG_NAME: &[u8] = b"././@LongLink";

/// Bytes that [`encode`] appends for `entry`.
pub(crate) fn header_len(entry: &Entry, target: Option<&[u8]>) -> u64 {
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
    encode_long(&name, EntryType::GNULongName, out);
    let target = target.unwrap_or_default();
    put(&name, target, entry_type, entry.mode, entry.size(), mtime, out);
}

fn encode_long(text: &[u8], entry_type: EntryType, out: &mut Vec<u8>) {
    if text.len() <= SHORT {
        return;
    }
    let len = text.len() as u64 + 1;
    put(LONG_NAME, b"", entry_type, 0o644, len, 0, out);
    let end = out.len() as u64 + len.next_multiple_of(BLOCK);
    out.extend_from_slice(text);
    while (out.len() as u64) < end {
        out.push(0);
    }
}

fn put(
    name: &[u8],
    target: &[u8],
    entry_type: EntryType,
    mode: u32,
    size: u64,
    mtime: u64,
    out: &mut Vec<u8>,
) {
    let mut header = Header::new_gnu();
    if let Some(gnu) = header.as_gnu_mut() {
        let n = name.len().min(SHORT);
        gnu.name[..n].copy_from_slice(&name[..n]);
        let n = target.len().min(SHORT);
        gnu.linkname[..n].copy_from_slice(&target[..n]);
    }
    header.set_entry_type(entry_type);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(mtime);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}
