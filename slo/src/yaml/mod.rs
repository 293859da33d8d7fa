//! YAML that remembers where each key and value stood, and a reader that leaves no key unread.

mod fields;
mod tree;

pub use fields::{Cx, Fields};
pub use tree::{Tree, Value};
