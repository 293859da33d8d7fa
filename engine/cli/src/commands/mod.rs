//! One file per command.

pub(crate) mod compress;
pub(crate) mod config;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod token;
