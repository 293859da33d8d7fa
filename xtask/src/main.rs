//! The rules of the house as programs: arch, tidy, gen.

fn main() {}
