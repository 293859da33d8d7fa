//! Settings of `slo_tracker`: as written, as used, and the objectives in the files they name.

mod files;
mod raw;
#[cfg(test)]
mod tests;

pub(crate) use raw::Raw;
