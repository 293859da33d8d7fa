//! How hard a Pellet is compressed and how finely it can be read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Frames longer than this are made shorter where that gives threads equal shares: less would cost size.
const LONG_FRAME: u32 = 64 << 20;
/// What their length is a multiple of, so that a tree that grows a little keeps its frames.
const FRAME_STEP: u32 = 16 << 20;

/// A named choice of [`Parameters`]; part of what decides the bytes of an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Frames of 8 MiB at level 3: less CPU than one plain zstd stream, no larger, and any file in milliseconds.
    #[default]
    Seekable,
    /// Frames of 64 to 128 MiB with long-distance matching: for trees that are kept long and read whole.
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
        // than the default window at equal CPU. Frames of 16 MiB would be 0.2 to 0.6 % smaller, 5 % for trees of
        // small files; but who wants one file waits for all of its frame in the worst case, and half as long so.
        // Long-distance matching costs half as much CPU again.
        // With it a frame of 128 MiB at level 3 is as small as 64 MiB at level 4 or 5 at 60 % of the
        // CPU. Looking for its matches half as often, and in four places each, takes 10 % of the CPU off for
        // 0.5 % more bytes; half as often again would cost as much again and gain little. A longer frame would keep
        // who wants one file waiting.
        // A quarter of the level's table of short matches stays in the processor's cache beside that of
        // long ones: 10 to 20 % less CPU, and matches from 4 bytes on make up for what it forgets.
        let (frame_log, long) = match self {
            Self::Seekable => (23, None),
            Self::Dense => (27, Some((64, 8, 2))),
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

impl Parameters {
    /// These parameters for a tar stream of `len` bytes: an even number of long frames, about equally long, since
    /// a frame is decoded by one thread, and three frames keep two threads as busy as four would.
    #[must_use]
    pub(crate) fn fitted(&self, len: u64) -> Self {
        let most = u64::from(self.frame_size);
        let (least, step) = (u64::from(LONG_FRAME), u64::from(FRAME_STEP));
        let fitted = if most <= least {
            most
        } else {
            let n_frames = 2 * len.div_ceil(2 * most).max(1);
            len.div_ceil(n_frames).next_multiple_of(step).clamp(least, most)
        };
        Self { frame_size: u32::try_from(fitted).unwrap_or(self.frame_size), ..self.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_frames_are_even_in_number_and_equally_long() {
        let mib = |len: u64| {
            let fitted = Profile::Dense.parameters(0).fitted(len << 20);
            (u64::from(fitted.frame_size) >> 20, (len << 20).div_ceil(u64::from(fitted.frame_size)))
        };
        let found = [0, 60, 100, 150, 300, 470, 512, 513, 670, 1300, 9000].map(mib);
        let want = [
            (64, 0),
            (64, 1),
            (64, 2),
            (80, 2),
            (80, 4),
            (128, 4),
            (128, 4),
            (96, 6),
            (112, 6),
            (112, 12),
            (128, 71),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn seekable_frames_are_of_one_length() {
        let parameters = Profile::Seekable.parameters(0);
        assert_eq!(parameters.fitted(1 << 40), parameters);
    }
}
