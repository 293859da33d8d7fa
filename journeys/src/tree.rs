//! A small tree that looks like what people pack.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Writes `n_packages` small packages with sources, a script, links and an empty folder beneath `root`.
///
/// # Panics
/// When the file system refuses.
pub fn sample_tree(root: &Path, n_packages: usize) {
    let bin = root.join(".bin");
    fs::create_dir_all(&bin).unwrap();
    for n in 0..n_packages {
        let package = root.join(format!("package-{n:03}"));
        fs::create_dir_all(package.join("lib")).unwrap();
        fs::create_dir_all(package.join("empty")).unwrap();
        let manifest = format!("{{\"name\": \"package-{n:03}\", \"version\": \"1.{n}.0\"}}\n");
        fs::write(package.join("package.json"), manifest).unwrap();
        for part in 0..4 {
            let line = format!("module.exports.part{part} = (value) => value + {n};\n");
            fs::write(package.join(format!("lib/part-{part}.js")), line.repeat(20 + n * part))
                .unwrap();
        }
        let script = package.join("run.sh");
        fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(package.join("package.json"), package.join("package-again.json")).unwrap();
        symlink(format!("../package-{n:03}/run.sh"), bin.join(format!("package-{n:03}"))).unwrap();
    }
}
