//! How hard a Pellet is compressed and how finely it can be read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A named choice of [`Parameters`]; part of what decides the bytes of an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Frames of 16 MiB at level 3: the CPU of one plain zstd stream, and smaller.
    #[default]
    Seekable,
    /// Frames of 128 MiB with long-distance matching: for trees that are kept long and read whole.
    Dense,
}

/// What the compressor is told; recorded in the sidecar, since together with the zstd version it
/// decides the archive bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The most content bytes in one frame; a multiple of 512.
    pub frame_size: u32,
    /// The zstd level.
    pub level: i32,
    /// Binary logarithm of the match window; 27 is the most a decoder takes unasked.
    pub window_log: u32,
    /// Whether matches far back in the frame are looked for.
    pub long_distance_matching: bool,
    /// The shortest of those matches in bytes, where it is not zstd's own 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_distance_min_match: Option<u32>,
    /// Binary logarithm of how rarely they are looked for, where it is not zstd's own 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_distance_hash_rate_log: Option<u32>,
    /// Binary logarithm of how many places are kept for one of their hashes, where it is not zstd's own 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_distance_bucket_log: Option<u32>,
    /// Binary logarithm of the table of long matches, where it is not the level's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_log: Option<u32>,
    /// Binary logarithm of the table of short matches, where it is not the level's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_log: Option<u32>,
    /// The shortest match in bytes, where it is not the level's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_match: Option<u32>,
    /// The mtime of every archive entry, seconds since the Unix epoch.
    pub mtime: u64,
    /// The version of libzstd.
    pub zstd: String,
}

/// A text that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown profile {0:?}: use \"seekable\" or \"dense\"")]
pub struct UnknownProfile(String);

impl Profile {
    /// The name in requests, files and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seekable => "seekable",
            Self::Dense => "dense",
        }
    }

    /// The parameters this profile stands for.
    #[must_use]
    pub fn parameters(self, mtime: u64) -> Parameters {
        // Measured on trees of packages, of objects of a compiler and of Python with native code. A
        // window as long as the frame finds repeats back to its start at no cost: 2 to 3 % smaller
        // than the default window at equal CPU. Long-distance matching costs half as much CPU again.
        // With it a frame of 128 MiB at level 3 is as small as 64 MiB at level 4 or 5 at 60 % of the
        // CPU. Looking for its matches half as often, and in two places each, takes 10 % of the CPU off for
        // 0.5 % more bytes; half as often again would cost 1 %. A longer frame would keep who wants one file
        // waiting.
        // A quarter of the level's table of short matches stays in the processor's cache beside that of
        // long ones: 10 to 20 % less CPU, and matches from 4 bytes on make up for what it forgets.
        let (frame_log, long) = match self {
            Self::Seekable => (24, None),
            Self::Dense => (27, Some((64, 8, 1))),
        };
        Parameters {
            frame_size: 1 << frame_log,
            level: 3,
            window_log: frame_log,
            long_distance_matching: long.is_some(),
            long_distance_min_match: long.map(|(min_match, ..)| min_match),
            long_distance_hash_rate_log: long.map(|(_, rate, _)| rate),
            long_distance_bucket_log: long.map(|(.., bucket)| bucket),
            hash_log: Some(17),
            chain_log: Some(14),
            min_match: Some(4),
            mtime,
            zstd: zstd::zstd_safe::version_string().to_owned(),
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        match text {
            "seekable" => Ok(Self::Seekable),
            "dense" => Ok(Self::Dense),
            other => Err(UnknownProfile(other.to_owned())),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
