//! The perch command: up, collect.

fn main() {}
