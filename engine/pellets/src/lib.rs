//! The .pellet format: create, list.
