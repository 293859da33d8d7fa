//! What a tar stream says of one entry.

use super::sparse::Extent;

/// One entry of a tar stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarEntry {
    /// As it stands in the stream, without the `/` that ends a directory's name.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: TarKind,
    /// Twelve permission bits.
    pub mode: u32,
    /// Nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Bytes of the file, holes included; 0 for anything else.
    pub size: u64,
    /// Bytes of the file that stand in the stream, without padding.
    pub stored: u64,
    /// Which ranges those are, where they are not the whole file.
    pub extents: Option<Vec<Extent>>,
    /// Extended attributes, in the order of the stream.
    pub xattrs: Vec<Xattr>,
    /// Bytes from the first header of the entry to its content.
    pub header_len: u64,
}

/// The types of entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TarKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// As it stands in the stream.
        target: Box<[u8]>,
    },
    /// Another name of an earlier file.
    Hardlink {
        /// The path of that file, as it stands in the stream.
        target: Box<[u8]>,
    },
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    /// With its namespace, as in `user.comment`.
    pub name: Box<[u8]>,
    /// Any bytes.
    pub value: Box<[u8]>,
}
