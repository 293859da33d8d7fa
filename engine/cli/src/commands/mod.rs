//! One file per command.

pub(crate) mod compress;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod gc;
pub(crate) mod list;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod token;
pub(crate) mod verify;
