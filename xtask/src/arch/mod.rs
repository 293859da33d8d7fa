//! `xtask arch`: arrows that the design forbids.
//!
//! # Invariants
//! 1. Rules are data in this folder; a rule is changed in the open, never worked around in a crate.
//! 2. Test code may know more than product code: dev-dependencies are not arrows.

mod crates;
mod models;
mod modules;
mod names;

use std::path::Path;

use anyhow::Result;

use crate::repo;
use crate::source;

/// Fails if any forbidden arrow is found.
pub fn run(root: &Path) -> Result<()> {
    let sources = source::product(root)?;
    let mut findings = crates::check(root)?;
    findings.extend(modules::check(&sources));
    findings.extend(models::check(&sources));
    findings.extend(names::check(root, &sources)?);
    repo::verdict("arch", &findings)
}
