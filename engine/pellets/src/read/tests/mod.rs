//! The readers against archives that other tars wrote, that nobody should write, and that nobody wrote.

mod arbitrary;
mod differential;
mod frames;
mod hostile;
mod others;
mod tarball;

pub(crate) use tarball::Tarball;
