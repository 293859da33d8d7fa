//! Graphs of test nodes.
