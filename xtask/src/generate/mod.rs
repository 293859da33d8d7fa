//! `xtask gen`: the catalogue becomes constants in Rust and TypeScript and reference pages.
//!
//! # Invariants
//! 1. Output depends on the catalogue alone, byte for byte.
//! 2. A metric label has a closed list or a bound; anything else is refused here.

mod catalogue;
mod markdown;
mod rust;
mod typescript;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub use catalogue::{Catalogue, GroupKind, Instrument};

use crate::repo;

/// Writes what is generated, or with `check` fails if a file on disk differs.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for (path, text) in outputs(root)? {
        let file = root.join(path);
        if fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(format!("{path} differs from the catalogue; run `cargo xtask gen`"));
        } else {
            if let Some(dir) = file.parent() {
                fs::create_dir_all(dir)?;
            }
            fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
            eprintln!("gen: wrote {path}");
        }
    }
    repo::verdict("gen", &stale)
}

/// Foreign names, the Engine's and Perch's.
pub fn catalogues(root: &Path) -> Result<[Catalogue; 3]> {
    let foreign = Catalogue::load(&root.join("catalogue/foreign.yaml"), None)?;
    let nestr = Catalogue::load(&root.join("catalogue/nestr.yaml"), Some(&foreign))?;
    let perch = Catalogue::load(&root.join("catalogue/perch.yaml"), Some(&foreign))?;
    Ok([foreign, nestr, perch])
}

fn outputs(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let [_, nestr, perch] = catalogues(root)?;
    Ok(vec![
        ("engine/telemetry/src/names.rs", rust::names(&nestr)?),
        ("collector/telemetry/src/names.rs", rust::names(&perch)?),
        ("web/src/telemetry/names.gen.ts", typescript::names(&nestr)),
        ("docs/reference/nestr-telemetry.md", markdown::page("Telemetry of Nestr", &nestr)?),
        ("docs/reference/perch-telemetry.md", markdown::page("Telemetry of Perch", &perch)?),
    ])
}
