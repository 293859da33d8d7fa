//! Which trees may be packed.

use std::io;
use std::path::{Path, PathBuf};

use crate::problem::{Code, Problem};

/// The directories beneath which trees may be packed.
#[derive(Debug, Clone)]
pub(crate) struct Roots(Vec<PathBuf>);

impl Roots {
    /// Roots as configured. One that does not exist yet admits nothing until it does.
    pub(crate) fn new(configured: &[PathBuf]) -> Self {
        Self(configured.to_vec())
    }

    /// The real path of `path`, which is a directory beneath a root. Blocks.
    ///
    /// What lies outside is refused alike whether it exists or not.
    pub(crate) fn admit(&self, path: &Path) -> Result<PathBuf, Problem> {
        if !path.is_absolute() {
            return Err(Problem::new(Code::BadRequest, "`path` must be absolute"));
        }
        let outside = || {
            let detail = format!("{} is not beneath a root of this Engine", path.display());
            Problem::new(Code::PathOutsideRoots, detail)
        };
        let roots = self.0.iter().filter_map(|root| root.canonicalize().ok()).collect::<Vec<_>>();
        let beneath = |real: &Path| roots.iter().any(|root| real.starts_with(root));
        let refused = match path.canonicalize() {
            Ok(real) if !beneath(&real) => return Err(outside()),
            Ok(real) if real.is_dir() => return Ok(real),
            Ok(_) => {
                let detail = format!("{} is not a directory", path.display());
                return Err(Problem::new(Code::BadRequest, detail));
            }
            Err(e) => e,
        };
        // The part that can be resolved decides whether a caller may learn more.
        let known = path.ancestors().skip(1).find_map(|part| part.canonicalize().ok());
        if !known.is_some_and(|real| beneath(&real)) {
            return Err(outside());
        }
        Err(match refused.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Problem::new(Code::PathNotFound, format!("{} does not exist", path.display()))
                    .hint("check the spelling of the path")
            }
            io::ErrorKind::PermissionDenied => {
                let detail = format!("{} cannot be reached: {refused}", path.display());
                Problem::new(Code::PermissionDenied, detail)
            }
            _ => Problem::new(Code::BadRequest, format!("{}: {refused}", path.display())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// `root/tree/file`, `root/out → ../other`, `root/in → tree`, `root/gone → ../missing`, `other/tree`.
    fn world() -> (tempfile::TempDir, Roots) {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("root/tree")).unwrap();
        std::fs::create_dir_all(at("root-beside")).unwrap();
        std::fs::create_dir_all(at("other/tree")).unwrap();
        std::fs::write(at("root/tree/file"), "").unwrap();
        symlink("../other", at("root/out")).unwrap();
        symlink("tree", at("root/in")).unwrap();
        symlink("../missing", at("root/gone")).unwrap();
        symlink("root", at("alias")).unwrap();
        let roots = Roots::new(&[at("root"), at("not-yet")]);
        (dir, roots)
    }

    #[test]
    fn judges_paths_by_where_they_really_lead() {
        let (dir, roots) = world();
        let judge = |path: &str| roots.admit(&dir.path().join(path)).map_err(|p| p.code);
        let real = dir.path().canonicalize().unwrap();
        for path in
            ["root/tree", "root/in", "alias/tree", "root/tree/../in", "root/out/../root/tree"]
        {
            assert_eq!(judge(path), Ok(real.join("root/tree")), "{path}");
        }
        assert_eq!(judge("root"), Ok(real.join("root")));
        let outside = [
            "other",
            "other/tree",
            "other/missing",
            "missing",
            "root-beside",
            "root/out",
            "root/out/tree",
            "root/out/missing",
            "root/../other",
            "root/tree/../../other",
            "..",
        ];
        for path in outside {
            assert_eq!(judge(path), Err(Code::PathOutsideRoots), "{path}");
        }
        for path in
            ["root/missing", "root/tree/missing/deep", "root/in/missing", "root/tree/file/x"]
        {
            assert_eq!(judge(path), Err(Code::PathNotFound), "{path}");
        }
        assert_eq!(judge("root/tree/file"), Err(Code::BadRequest));
        assert_eq!(roots.admit(Path::new("root/tree")).map_err(|p| p.code), Err(Code::BadRequest));
    }

    #[test]
    fn without_roots_nothing_is_admitted() {
        let (dir, _) = world();
        let admitted = Roots::new(&[]).admit(&dir.path().join("root/tree"));
        assert_eq!(admitted.map_err(|p| p.code), Err(Code::PathOutsideRoots));
    }
}
