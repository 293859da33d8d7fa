//! Drives the two binaries and the real servers; depends on no crate of ours.
