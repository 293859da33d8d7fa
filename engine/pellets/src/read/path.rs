//! Which paths may be brought back.

use super::limits::Limits;

/// A path below a root: relative, at least one component, none of them empty, `.` or `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafePath<'a>(&'a [u8]);

/// Why a path may not be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathOdd {
    /// It has no component.
    #[error("the path is empty")]
    Empty,
    /// It begins at the root of the system.
    #[error("the path is absolute")]
    Absolute,
    /// A component is empty, `.` or `..`.
    #[error("the path has an empty, `.` or `..` component")]
    Component,
    /// It holds a NUL.
    #[error("the path holds a NUL")]
    Nul,
    /// It is longer than any that is brought back.
    #[error("the path is too long")]
    TooLong,
    /// It has more components than any that is brought back.
    #[error("the path is too deep")]
    TooDeep,
}

/// The longest name in a directory that Linux takes.
const MAX_NAME: usize = 255;

impl<'a> SafePath<'a> {
    /// Judges `path`.
    ///
    /// # Errors
    /// The first [`PathOdd`] found.
    pub fn judge(path: &'a [u8], limits: &Limits) -> Result<Self, PathOdd> {
        if path.is_empty() {
            return Err(PathOdd::Empty);
        }
        if path.len() > limits.max_path {
            return Err(PathOdd::TooLong);
        }
        if path[0] == b'/' {
            return Err(PathOdd::Absolute);
        }
        let mut n_parts = 0;
        for part in path.split(|b| *b == b'/') {
            n_parts += 1;
            if matches!(part, b"" | b"." | b"..") {
                return Err(PathOdd::Component);
            }
            if part.contains(&0) {
                return Err(PathOdd::Nul);
            }
            if part.len() > MAX_NAME {
                return Err(PathOdd::TooLong);
            }
        }
        if n_parts > limits.max_depth { Err(PathOdd::TooDeep) } else { Ok(Self(path)) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The path without its last component, empty for the root, and that component.
    #[must_use]
    pub fn split(self) -> (&'a [u8], &'a [u8]) {
        match self.0.iter().rposition(|b| *b == b'/') {
            Some(slash) => (&self.0[..slash], &self.0[slash + 1..]),
            None => (b"", self.0),
        }
    }
}

impl PathOdd {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "path-empty",
            Self::Absolute => "path-absolute",
            Self::Component => "path-component",
            Self::Nul => "path-nul",
            Self::TooLong => "path-too-long",
            Self::TooDeep => "path-too-deep",
        }
    }
}

/// Orders paths as a Pellet does: depth first, the names in a directory by their bytes.
pub(crate) fn in_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let place = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    a.iter().map(place).cmp(b.iter().map(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_safe() {
        let limits = Limits { max_depth: 3, max_path: 20, ..Limits::default() };
        let judge = |path: &'static [u8]| SafePath::judge(path, &limits).map(SafePath::as_bytes);
        for good in [&b"a"[..], b"a/b", b".a/..b/...", b"\xff/\n"] {
            assert_eq!(judge(good), Ok(good));
        }
        let name = [b'n'; 256];
        let limits_of_names = Limits::default();
        assert!(SafePath::judge(&name[1..], &limits_of_names).is_ok());
        assert_eq!(SafePath::judge(&name, &limits_of_names).err(), Some(PathOdd::TooLong));
        let cases: [(&[u8], PathOdd); 10] = [
            (b"", PathOdd::Empty),
            (b"/etc", PathOdd::Absolute),
            (b"..", PathOdd::Component),
            (b"a/../b", PathOdd::Component),
            (b"./a", PathOdd::Component),
            (b"a//b", PathOdd::Component),
            (b"a/", PathOdd::Component),
            (b"a\0b", PathOdd::Nul),
            (b"a/b/c/d", PathOdd::TooDeep),
            (b"aaaaaaaaaaaaaaaaaaaaa", PathOdd::TooLong),
        ];
        for (path, why) in cases {
            assert_eq!(judge(path), Err(why), "{}", path.escape_ascii());
        }
    }

    #[test]
    fn a_directory_comes_before_what_it_holds_and_that_before_its_neighbours() {
        let sorted: [&[u8]; 6] = [b"a", b"a/b", b"a/b/c", b"a/b.c", b"a!", b"a-"];
        assert!(sorted.is_sorted_by(|a, b| in_order(a, b).is_lt()));
    }
}
