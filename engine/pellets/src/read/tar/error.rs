//! What makes a tar stream unreadable here.

use std::io;

/// Why a tar stream is refused; closed, each with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TarOdd {
    /// The stream ends inside an entry or without its two blocks of zeros.
    #[error("the tar stream ends too early")]
    Truncated,
    /// The sum over a header is not the one it states.
    #[error("a header's checksum is wrong")]
    Checksum,
    /// A header is of a dialect that is read differently by different tars.
    #[error("a header is of no known dialect")]
    Dialect,
    /// A number in a header is not one.
    #[error("a number in a header is malformed")]
    Number,
    /// A type of entry that a Pellet cannot hold.
    #[error("an entry is of type {0:#04x}, which is not brought back")]
    Type(u8),
    /// A directory or link that announces content.
    #[error("an entry without content announces some")]
    Size,
    /// Two places state the size of one entry differently.
    #[error("an entry states two sizes")]
    SizeDisagrees,
    /// A name or a link target is empty, or its parts contradict each other.
    #[error("a name or a link target is malformed")]
    Name,
    /// Extension headers are repeated, mixed, or followed by no entry.
    #[error("extension headers are repeated, mixed or without an entry")]
    ExtensionOrder,
    /// An extension header is larger than any that is needed.
    #[error("an extension header is too large")]
    ExtensionTooLarge,
    /// A record of a PAX header is malformed.
    #[error("a PAX record is malformed")]
    PaxRecord,
    /// A PAX record changes the meaning of the entry in a way that is not understood.
    #[error("a PAX record is not supported")]
    PaxUnsupported,
    /// The map of a sparse file contradicts itself or the entry.
    #[error("the map of a sparse file is malformed")]
    Sparse,
    /// Something stands behind the end of the archive.
    #[error("data stands behind the end of the archive")]
    AfterEnd,
}

/// A tar stream that cannot be read further.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The bytes could not be had.
    #[error("reading the tar stream failed")]
    Io(#[from] io::Error),
    /// The bytes are refused.
    #[error("{odd} (at byte {offset} of the tar stream)")]
    Refused {
        /// Why.
        odd: TarOdd,
        /// Of the block in which the reader stood, from the start of the stream.
        offset: u64,
    },
}

impl TarOdd {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "tar-truncated",
            Self::Checksum => "tar-checksum",
            Self::Dialect => "tar-dialect",
            Self::Number => "tar-number",
            Self::Type(_) => "tar-type",
            Self::Size => "tar-size",
            Self::SizeDisagrees => "tar-size-disagrees",
            Self::Name => "tar-name",
            Self::ExtensionOrder => "tar-extension-order",
            Self::ExtensionTooLarge => "tar-extension-too-large",
            Self::PaxRecord => "tar-pax-record",
            Self::PaxUnsupported => "tar-pax-unsupported",
            Self::Sparse => "tar-sparse",
            Self::AfterEnd => "tar-after-end",
        }
    }
}

impl TarError {
    /// Why the bytes are refused; none where they could not be had.
    #[must_use]
    pub fn odd(&self) -> Option<TarOdd> {
        match self {
            Self::Io(_) => None,
            Self::Refused { odd, .. } => Some(*odd),
        }
    }
}
