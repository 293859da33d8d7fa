//! The nestr command: assembles the Engine.

fn main() {}
