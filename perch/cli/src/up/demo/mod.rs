//! The demo: a sample dependency tree and its packing through the Engine's REST interface.

mod pack;
mod tree;

pub(super) use pack::{Packed, pack};
pub(super) use tree::plant;
