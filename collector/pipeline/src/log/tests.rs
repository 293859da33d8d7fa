//! Properties of the log on disk and in memory.
