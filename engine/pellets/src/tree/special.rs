//! What a Pellet does not hold.

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use crate::sidecar::RawPath;

/// Something that a Pellet does not hold and that packing left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Relative to the root.
    pub path: RawPath,
    /// What it is.
    pub kind: SpecialKind,
}

/// The types that are left out: they name a running process or a driver, not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialKind {
    /// A socket.
    Socket,
    /// A named pipe.
    Fifo,
    /// A block or character device.
    Device,
    /// A type this system does not name.
    Unknown,
}

impl From<FileType> for SpecialKind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::Socket => Self::Socket,
            FileType::Fifo => Self::Fifo,
            FileType::BlockDevice | FileType::CharacterDevice => Self::Device,
            _ => Self::Unknown,
        }
    }
}
