//! Requests that look like real ones, made from one template per run.
//!
//! A template is a whole request, encoded once; a request is a copy of it with ids, times and
//! numbers written over in place. So making one costs a copy and a few stores per item.
//!
//! # Not here
//! A model of some system: routes, texts and sizes are plausible, their relations are not.

mod items;
mod piece;
mod template;
#[cfg(test)]
mod tests;
mod words;

pub(super) use template::{Plan, Template};
