//! What shows that a tree of dependencies works where it stands.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::shape::{Ecosystem, Shape};

/// One thing to try on a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// Of which tool.
    pub ecosystem: Ecosystem,
    /// The program, by name or path, and what it is told.
    pub command: Vec<OsString>,
    /// The folder it runs in.
    pub dir: PathBuf,
    /// Files without which there is nothing to try.
    pub needs: Vec<PathBuf>,
    /// Set beside the caller's own environment.
    pub env: Vec<(&'static str, OsString)>,
    /// What must come of it.
    pub expected: Expected,
}

/// What must come of a [`SelfTest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It ends well.
    Success,
    /// It ends well and prints this line.
    Prints(OsString),
    /// It ends well, and not one line of its JSON messages says that something was compiled.
    Fresh,
}

/// What to try on `shape` of the tree at the absolute path `root`.
#[must_use]
pub fn self_tests(shape: &Shape, root: &Path) -> Vec<SelfTest> {
    let at = shape.path(root);
    let project = at.parent().unwrap_or(&at).to_owned();
    let test = |command: &[&str], dir: &Path, needs: Vec<PathBuf>, expected: Expected| SelfTest {
        ecosystem: shape.ecosystem,
        command: command.iter().map(OsString::from).collect(),
        dir: dir.to_owned(),
        needs,
        env: Vec::new(),
        expected,
    };
    match shape.ecosystem {
        Ecosystem::Cargo => {
            let target = [("CARGO_TARGET_DIR", at.clone().into_os_string())];
            let profiles = [("debug", "dev"), ("release", "release")];
            let built = |(dir, profile): &(&str, &str)| {
                let build =
                    ["cargo", "build", "--offline", "--message-format=json", "--profile", profile];
                let needs = vec![at.join(dir).join(".fingerprint"), project.join("Cargo.toml")];
                SelfTest { env: target.to_vec(), ..test(&build, &project, needs, Expected::Fresh) }
            };
            profiles.iter().map(built).collect()
        }
        Ecosystem::Python => {
            let python = at.join("bin/python");
            let run = |args: &[&str], needs: Vec<PathBuf>, expected| {
                let mut run = test(args, &at, needs, expected);
                run.command.insert(0, python.clone().into_os_string());
                run
            };
            let prefix = ["-c", "import sys; print(sys.prefix)"];
            let mut pip = test(&["--version"], &at, vec![at.join("bin/pip")], Expected::Success);
            pip.command.insert(0, at.join("bin/pip").into_os_string());
            vec![
                run(
                    &prefix,
                    vec![at.join("pyvenv.cfg")],
                    Expected::Prints(at.clone().into_os_string()),
                ),
                pip,
            ]
        }
        Ecosystem::Npm => {
            let list = ["npm", "ls", "--all", "--parseable"];
            vec![test(&list, &project, vec![project.join("package.json")], Expected::Success)]
        }
        Ecosystem::Pnpm => {
            let list = ["pnpm", "ls", "--depth", "Infinity", "--parseable"];
            vec![test(&list, &project, vec![project.join("package.json")], Expected::Success)]
        }
    }
}
