//! Trees that come back whole or not at all.

mod cache;
mod contents;
mod crash;
mod damage;
mod foreign;
mod hostile;
mod kit;
mod large;
mod only;
mod relocate;
mod whole;
