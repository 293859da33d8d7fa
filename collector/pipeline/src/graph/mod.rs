//! Builds and runs what a configuration describes.

mod intake;

pub use intake::{Admission, Intake};
