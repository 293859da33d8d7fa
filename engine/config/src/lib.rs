//! Layered configuration of the Engine, with the origin of every value.
