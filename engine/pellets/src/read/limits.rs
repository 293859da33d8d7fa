//! Caps on what an archive may make us do.

/// What is refused before it costs anything; generous for dependency trees, tight for bombs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most entries; 20 million empty files already fill a file system's inodes.
    pub max_entries: u64,
    /// The most bytes of all files together, holes included.
    pub max_bytes: u64,
    /// The most bytes of tar stream per byte of archive, looked at from `ratio_from` on. zstd reaches
    /// some 30 000 on zeros; source trees stay below 30.
    pub max_ratio: u64,
    /// Bytes of tar stream up to which any ratio is fine.
    pub ratio_from: u64,
    /// The most components of a path.
    pub max_depth: usize,
    /// The longest path in bytes.
    pub max_path: usize,
    /// The longest target of a symbolic link in bytes: the kernel's own limit.
    pub max_target: usize,
    /// The most content bytes of one frame, since one is held in memory per thread.
    pub max_frame: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_entries: 20_000_000,
            max_bytes: 4 << 40,
            max_ratio: 1_000,
            ratio_from: 1 << 30,
            max_depth: 1_024,
            max_path: 32 << 10,
            max_target: 4_095,
            max_frame: 256 << 20,
        }
    }
}
