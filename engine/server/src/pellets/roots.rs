//! Which trees may be packed.

use std::io;
use std::path::{Path, PathBuf};

use crate::problem::{Code, Problem};

/// The directories beneath which trees may be packed and brought back.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    configured: Vec<PathBuf>,
    /// Where the Engine keeps its record and its secret. A root may well lie above, as a home folder does.
    state: PathBuf,
    store: PathBuf,
}

impl Roots {
    /// Roots as configured, but for what the Engine keeps in `state` and `store`. One that does not exist yet admits
    /// nothing until it does.
    pub(crate) fn new(configured: &[PathBuf], state: &Path, store: &Path) -> Self {
        let (state, store) = (state.to_owned(), store.to_owned());
        Self { configured: configured.to_vec(), state, store }
    }

    /// Refuses a tree, as it was admitted, whose Pellet would hold the Engine's secret; a store in it is left out
    /// of the Pellet. Blocks.
    pub(crate) fn assert_packable(&self, tree: &Path) -> Result<(), Problem> {
        match self.state.canonicalize() {
            Ok(state) if state.starts_with(tree) => Err(kept_by_engine(tree)),
            _ => Ok(()),
        }
    }

    /// Refuses a target whose replacement would take away what the Engine keeps. Blocks.
    pub(crate) fn assert_apart(&self, target: &Path) -> Result<(), Problem> {
        // A link is replaced itself, and what is not there holds nothing.
        let is_directory = target.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let real = target.canonicalize().ok().filter(|_| is_directory);
        let holds = |real: &Path| self.kept().any(|kept| kept.starts_with(real));
        match real {
            Some(real) if holds(&real) => Err(kept_by_engine(target)),
            _ => Ok(()),
        }
    }

    fn kept(&self) -> impl Iterator<Item = PathBuf> {
        [&self.state, &self.store].into_iter().filter_map(|kept| kept.canonicalize().ok())
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
        let roots =
            self.configured.iter().filter_map(|root| root.canonicalize().ok()).collect::<Vec<_>>();
        let beneath = |real: &Path| roots.iter().any(|root| real.starts_with(root));
        let refused = match path.canonicalize() {
            Ok(real) if !beneath(&real) => return Err(outside()),
            Ok(real) if self.kept().any(|kept| real.starts_with(kept)) => {
                return Err(kept_by_engine(path));
            }
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

fn kept_by_engine(path: &Path) -> Problem {
    let detail = format!("{} is or holds what this Engine keeps itself", path.display());
    Problem::new(Code::PathOutsideRoots, detail)
        .hint("name another folder; the store is read through the API")
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
        let roots = Roots::new(
            &[at("root"), at("not-yet")],
            &at("root/kept/state"),
            &at("root/kept/store"),
        );
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
    fn what_the_engine_keeps_is_neither_packed_nor_replaced() {
        let (dir, roots) = world();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("root/kept/state/store")).unwrap();
        std::fs::create_dir_all(at("root/kept/other")).unwrap();
        symlink("kept/state", at("root/state-link")).unwrap();
        for path in ["root/kept/state", "root/kept/state/store", "root/state-link"] {
            let judged = roots.admit(&at(path)).map_err(|p| p.code);
            assert_eq!(judged, Err(Code::PathOutsideRoots), "{path}");
        }
        // What lies above may take a restored tree; as one to be packed it would hold the secret.
        for (path, free) in [("root", false), ("root/kept", false), ("root/kept/other", true)] {
            let admitted = roots.admit(&at(path)).unwrap();
            assert_eq!(roots.assert_packable(&admitted).is_ok(), free, "{path}");
        }
        for (path, free) in [
            ("root/kept/state", false),
            ("root/kept", false),
            ("root", false),
            ("root/tree/../kept", false),
            ("root/kept/other", true),
            ("root/kept/missing", true),
            ("root/state-link", true),
            ("root/tree", true),
        ] {
            assert_eq!(roots.assert_apart(&at(path)).is_ok(), free, "{path}");
        }
    }

    #[test]
    fn without_roots_nothing_is_admitted() {
        let (dir, _) = world();
        let admitted =
            Roots::new(&[], Path::new(""), Path::new("")).admit(&dir.path().join("root/tree"));
        assert_eq!(admitted.map_err(|p| p.code), Err(Code::PathOutsideRoots));
    }
}
