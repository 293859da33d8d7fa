//! The form of a sidecar.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::raw_path::RawPath;
use crate::base::Stamps;
use crate::digest::Digest;
use crate::name::PelletName;
use crate::profile::{Parameters, Profile};
use crate::sign::SidecarSignature;
use crate::tree::{Node, Skipped};

/// The version of the form that this crate writes.
pub const SCHEMA_VERSION: u32 = 1;

/// The version of a delta's sidecar: who reads only the first would take its entries for wrong ones.
pub const DELTA_SCHEMA_VERSION: u32 = 2;

/// Program and version, as sidecars name them: another one may write other bytes.
pub(crate) const CREATED_BY: &str = concat!("nestr ", env!("CARGO_PKG_VERSION"));

/// The whole sidecar. What an archive or tree digest does not cover stands in `origin`,
/// `created_at`, `duration_ms` and the `mtime_ns` of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar<Entries = Vec<SidecarEntry>> {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The name the Pellet was given.
    pub name: PelletName,
    /// BLAKE3 of the archive bytes: the identity of the Pellet.
    pub digest: Digest,
    /// BLAKE3 of the tree: equal for equal trees whatever the profile.
    pub tree: Digest,
    /// Digest of the root directory: what is in it, wherever it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merkle: Option<Digest>,
    /// The profile that was asked for.
    pub profile: Profile,
    /// What the profile stood for.
    pub parameters: Parameters,
    /// Program and version that wrote the Pellet.
    pub created_by: String,
    /// Sums over the tables below.
    pub totals: Totals,
    /// The frames of the archive, in order.
    pub frames: Vec<SidecarFrame>,
    /// The entries of the archive, in order.
    pub entries: Entries,
    /// Of a delta: where the entries stand that its own archive does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
    /// What was left out; the first hundred by name, all counted in `totals`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Where the tree was.
    pub origin: Origin,
    /// When packing began, RFC 3339 in UTC.
    pub created_at: String,
    /// How long packing took up to this file, milliseconds.
    pub duration_ms: u64,
    /// What lets a later packing on the same machine tell which files did not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamps: Option<Stamps>,
    /// Who packed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SidecarSignature>,
}

/// What makes a Pellet a delta: its archive holds only what differs from earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The Pellet that it was packed against.
    pub base: Digest,
    /// The archives that hold the other entries; the first is layer 1.
    pub layers: Vec<Layer>,
}

/// An earlier archive that a delta needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Of the archive.
    pub digest: Digest,
    /// Its frames, in order.
    pub frames: Vec<SidecarFrame>,
}

/// Sums over a Pellet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All entries.
    pub entries: u64,
    /// Regular files.
    pub files: u64,
    /// Directories, without the root.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of regular files.
    pub hard_links: u64,
    /// Sockets, pipes and devices that were left out.
    pub skipped: u64,
    /// Paths left out by the rules of the tree; what is in such a directory is not counted.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub ignored: u64,
    /// Content bytes of the regular files.
    pub bytes_in: u64,
    /// Bytes of the tar stream.
    pub bytes_tar: u64,
    /// Bytes of the archive.
    pub bytes_out: u64,
}

/// One zstd frame of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarFrame {
    /// Of its first byte in the archive.
    pub offset: u64,
    /// Its bytes in the archive.
    pub compressed: u32,
    /// Its bytes in the tar stream.
    pub content: u32,
}

/// One entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarEntry {
    /// Relative to the root of the tree.
    pub path: RawPath,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Permission bits; four octal digits.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Content bytes of a regular file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// BLAKE3 of the content of a regular file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Digest>,
    /// Target of a symbolic link, or the first path of a hard-link group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<RawPath>,
    /// The archive it stands in: 0 for the Pellet's own, else a layer of its delta.
    #[serde(default, skip_serializing_if = "is_own")]
    pub layer: u32,
    /// Position of the frame in which the tar header begins.
    pub frame: u64,
    /// Offset of the tar header in the content of that frame.
    pub offset: u64,
    /// Bytes from the start of the tar header to the content; 512 where it is absent.
    #[serde(default = "short_header", skip_serializing_if = "is_short_header")]
    pub header: u64,
    /// Of a file with holes: offset and length of each stored segment, which stand one after the
    /// other behind the header. Empty where the file is one hole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparse: Option<Vec<(u64, u64)>>,
    /// Extended attributes, ordered by name; a hard link's stand with the first of its group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<SidecarAttribute>,
    /// Digest of a directory: what is in it, wherever it stands. Boxed, since most entries are files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merkle: Option<Box<Digest>>,
    /// Modification time of the source, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
}

/// An extended attribute of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarAttribute {
    /// With its name space: `user.…`.
    pub name: RawPath,
    /// Any bytes.
    pub value: RawPath,
}

/// The types of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of a regular file.
    Hardlink,
}

/// Where a tree was when it was packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Absolute path of the root.
    pub path: RawPath,
    /// Permission bits of the root; four octal digits.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Modification time of the root, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Operating system, as Rust names it.
    pub os: String,
    /// Processor architecture, as Rust names it.
    pub arch: String,
    /// The C library of the machine, `glibc 2.36` or `musl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libc: Option<String>,
    /// Lock files in the tree or beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock_files: Vec<LockFile>,
}

/// A file that pins what was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// Relative to the root of the tree.
    pub path: RawPath,
    /// BLAKE3 of its content.
    pub blake3: Digest,
}

/// Why a sidecar cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// It cannot be read.
    #[error("cannot read the sidecar {}", path.display())]
    Io {
        /// The sidecar.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any that is read.
    #[error("the sidecar {} exceeds 1 GiB", .0.display())]
    TooLarge(PathBuf),
    /// It is not in this form.
    #[error("the sidecar is damaged")]
    Form(#[from] serde_json::Error),
    /// A newer version wrote it.
    #[error("the sidecar has schema version {0}, this program reads up to 2: use a newer nestr")]
    Version(u32),
}

impl SidecarEntry {
    /// Name and value of each attribute.
    pub(crate) fn attribute_pairs(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.attributes.iter().map(|a| (a.name.as_bytes(), a.value.as_bytes()))
    }
}

impl Node for SidecarEntry {
    fn path(&self) -> &[u8] {
        self.path.as_bytes()
    }

    fn mode(&self) -> u32 {
        self.mode
    }

    fn attributes(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.attribute_pairs()
    }
}

/// The header of an entry whose name and target are at most 100 bytes long.
fn short_header() -> u64 {
    512
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde fixes the signature")]
fn is_short_header(len: &u64) -> bool {
    *len == short_header()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde fixes the signature")]
fn is_none_of(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde fixes the signature")]
fn is_own(layer: &u32) -> bool {
    *layer == 0
}

/// Permission bits as four octal digits.
mod octal {
    use serde::{Deserializer, Serializer};

    use crate::text::from_text;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde fixes the signature")]
    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        from_text(deserializer, |text| u32::from_str_radix(text, 8))
    }
}
