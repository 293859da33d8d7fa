//! Merging, cutting and editing requests at tag boundaries; what is not touched is copied as it lies.
//!
//! *Invariants*
//! 1. Whatever is done to proven requests gives proven requests, the number of attributes and bytes aside.
//! 2. Merging and cutting keep all items, in order. Each piece repeats the resource and scope its items stand
//!    under.
//! 3. An edit that changes nothing makes nothing: the request keeps its bytes, the compressed ones included.
//!
//! *Not here*: what to edit. Whoever edits decides by [`crate::view`]s.

mod cut;
mod edit;
mod patch;
mod rewrite;
mod value;

pub use cut::{merge, split};
pub use edit::{Added, Change, Editor, Holder, Place};
pub use patch::{Edit, Op, Patch, Target, patch};
pub use rewrite::rewrite;
pub use value::NewValue;
