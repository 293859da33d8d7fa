//! A small `node_modules` that looks like the real thing to a packer: many small files, much
//! repetition, links, programs, a few larger bundles.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const PACKAGES: [&str; 24] = [
    "accept-lines",
    "array-steps",
    "basket",
    "bytes-of",
    "chalkboard",
    "colour-names",
    "deep-equalish",
    "emit-once",
    "finder",
    "form-fields",
    "glob-lite",
    "hash-ring",
    "is-plainish",
    "json-walk",
    "left-padding",
    "money-round",
    "normal-path",
    "parse-query",
    "queue-micro",
    "retry-wait",
    "semver-small",
    "throttle-it",
    "url-join-parts",
    "zip-lists",
];
const MODULES: [&str; 7] = ["index", "parse", "format", "errors", "util", "types", "stream"];
/// Written last; a tree without it was cut off and is planted again.
const WHOLE: &str = "package-lock.json";

/// Makes sure the tree stands in `folder` and returns the path to pack. Equal every time.
pub(in crate::up) fn plant(folder: &Path) -> io::Result<PathBuf> {
    let project = folder.join("webshop");
    let modules = project.join("node_modules");
    if project.join(WHOLE).exists() {
        return Ok(modules);
    }
    fs::create_dir_all(modules.join(".bin"))?;
    for (seed, package) in (1u64..).zip(PACKAGES) {
        plant_package(&modules, package, seed)?;
    }
    let dependencies: Vec<String> =
        PACKAGES.iter().map(|name| format!("    \"{name}\": \"^1.0.0\"")).collect();
    let manifest = format!(
        "{{\n  \"name\": \"webshop\",\n  \"dependencies\": {{\n{}\n  }}\n}}\n",
        dependencies.join(",\n")
    );
    fs::write(project.join("package.json"), &manifest)?;
    fs::write(project.join(WHOLE), manifest)?;
    Ok(modules)
}

fn plant_package(modules: &Path, name: &str, seed: u64) -> io::Result<()> {
    let home = modules.join(name);
    fs::create_dir_all(home.join("lib"))?;
    fs::create_dir_all(home.join("dist"))?;
    let mut words = Words(seed);
    let manifest = format!(
        "{{\n  \"name\": \"{name}\",\n  \"version\": \"1.{seed}.0\",\n  \"main\": \"lib/index.js\",\n  \
         \"bin\": \"cli.js\",\n  \"license\": \"MIT\"\n}}\n"
    );
    fs::write(home.join("package.json"), manifest)?;
    fs::write(home.join("README.md"), format!("# {name}\n\n{}\n", words.text(900)))?;
    fs::write(home.join("LICENSE"), Words(0).text(1_100))?;
    for module in MODULES {
        let n_functions = 3 + words.next() % 12;
        fs::write(home.join(format!("lib/{module}.js")), words.module(n_functions))?;
    }
    fs::write(home.join("dist/bundle.js"), words.module(120))?;
    fs::write(home.join("dist/bundle.js.map"), words.text(24_000))?;
    let program = home.join("cli.js");
    fs::write(&program, "#!/usr/bin/env node\nrequire('./lib/index.js').main(process.argv);\n")?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let link = modules.join(".bin").join(name);
    match symlink(format!("../{name}/cli.js"), link) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A fixed sequence of words, from a linear congruential generator (Knuth's MMIX constants).
struct Words(u64);

impl Words {
    const LIST: [&str; 16] = [
        "value", "index", "item", "result", "options", "callback", "stream", "buffer", "parse",
        "count", "error", "state", "token", "length", "source", "target",
    ];

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn word(&mut self) -> &'static str {
        let at = usize::try_from(self.next()).unwrap_or(0) % Self::LIST.len();
        Self::LIST[at]
    }

    fn text(&mut self, n_bytes: usize) -> String {
        let mut text = String::with_capacity(n_bytes + 16);
        while text.len() < n_bytes {
            text.push_str(self.word());
            text.push(if self.next().is_multiple_of(11) { '\n' } else { ' ' });
        }
        text
    }

    fn module(&mut self, n_functions: u64) -> String {
        let mut text = String::from("'use strict';\n\n");
        for n in 0..n_functions {
            let (name, from, to) = (self.word(), self.word(), self.word());
            text.push_str(&format!(
                "exports.{name}{n} = function ({from}, {to}) {{\n  if ({from} == null) {{\n    throw \
                 new TypeError('{from} is missing: {:x}');\n  }}\n  return {to} ? {to}({from}) : \
                 {from};\n}};\n\n",
                self.next()
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match entry.file_type().unwrap() {
                    t if t.is_dir() => folders.push(path),
                    t if t.is_symlink() => found.push((path, b"link".to_vec())),
                    _ => found.push((path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn is_some_three_hundred_files_and_the_same_each_time() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let strip = |dir: &Path| {
            let modules = plant(dir).unwrap();
            let all = contents(&modules).into_iter();
            all.map(|(p, b)| (p.strip_prefix(dir).unwrap().to_owned(), b)).collect::<Vec<_>>()
        };
        let first = strip(one.path());
        assert!((280..360).contains(&first.len()), "{} files", first.len());
        assert_eq!(first, strip(two.path()));
    }

    #[test]
    fn a_tree_cut_off_is_completed() {
        let dir = tempfile::tempdir().unwrap();
        let modules = plant(dir.path()).unwrap();
        fs::remove_file(dir.path().join("webshop").join(WHOLE)).unwrap();
        fs::remove_file(modules.join("basket/README.md")).unwrap();
        plant(dir.path()).unwrap();
        assert!(modules.join("basket/README.md").exists());
    }
}
