//! Restoring and verifying over REST: operations that read a Pellet.
//!
//! A target is judged as what is packed is: it lies beneath a configured root, after all symbolic links of
//! its folder are resolved. Whatever ends an operation, its row, its event and its counter tell.

mod job;
mod model;
mod routes;

pub(crate) use routes::{
    __path_restore_pellet, __path_verify_pellet, restore_pellet, verify_pellet,
};
