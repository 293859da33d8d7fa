//! Finds out by which tools a tree was made.

use std::path::Path;

use crate::sidecar::{EntryKind, RawPath, SidecarEntry};

/// More trees of dependencies than this in one Pellet are not told apart.
const MAX_SHAPES: usize = 64;

/// A tool that makes trees of dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    /// A build folder of cargo.
    Cargo,
    /// A virtual environment of Python.
    Python,
    /// A `node_modules` of npm or yarn: flat.
    Npm,
    /// A `node_modules` of pnpm: links into `.pnpm`.
    Pnpm,
}

impl Ecosystem {
    /// A stable word for results, spans and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Python => "python",
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
        }
    }
}

/// A tree of dependencies in a Pellet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Who made it.
    pub ecosystem: Ecosystem,
    /// Where it stands below the root of the Pellet; empty where it is the root.
    pub at: RawPath,
}

impl Shape {
    /// Where it stands below `root`.
    #[must_use]
    pub fn path(&self, root: &Path) -> std::path::PathBuf {
        // Joining nothing would leave a slash at the end.
        if self.at.as_bytes().is_empty() { root.to_owned() } else { root.join(self.at.as_path()) }
    }
}

/// The trees of dependencies among `entries`, in their order.
pub(crate) fn detect(entries: &[SidecarEntry]) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = Vec::new();
    for entry in entries.iter().filter(|e| e.kind == EntryKind::File) {
        let (at, name) = split(entry.path.as_bytes());
        let (_, dir) = split(at);
        let in_modules = at.is_empty() || dir == b"node_modules";
        let ecosystem = match name {
            b"pyvenv.cfg" => Ecosystem::Python,
            b".rustc_info.json" => Ecosystem::Cargo,
            b".package-lock.json" | b".yarn-integrity" if in_modules => Ecosystem::Npm,
            b".modules.yaml" if in_modules => Ecosystem::Pnpm,
            _ => continue,
        };
        let shape = Shape { ecosystem, at: RawPath::from(at) };
        if !shapes.contains(&shape) && shapes.len() < MAX_SHAPES {
            shapes.push(shape);
        }
    }
    shapes
}

/// Whether the file at `path` is one in which `shape` names paths of its own: scripts and settings.
pub(crate) fn names_paths(shape: &Shape, path: &[u8]) -> bool {
    let at = shape.at.as_bytes();
    let below = match at.is_empty() {
        true => Some(path),
        false => path.strip_prefix(at).and_then(|rest| rest.strip_prefix(b"/")),
    };
    let Some((dir, name)) = below.map(split) else { return false };
    match shape.ecosystem {
        Ecosystem::Python => {
            dir == b"bin"
                || (dir.is_empty() && name == b"pyvenv.cfg")
                || (dir.ends_with(b"/site-packages") && name.ends_with(b".pth"))
        }
        // Commands of npm are links; those of pnpm are scripts that name the store.
        Ecosystem::Pnpm => dir == b".bin" || dir.ends_with(b"/.bin"),
        Ecosystem::Npm | Ecosystem::Cargo => false,
    }
}

/// A path's directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
