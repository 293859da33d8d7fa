//! Packs a tree: walk, pack, seal.

mod describe;
mod options;
mod origin;
mod run;

pub use options::{Destination, PackOptions, Packed};
pub use run::pack;
#[cfg(test)]
pub(crate) use run::pack_with;
