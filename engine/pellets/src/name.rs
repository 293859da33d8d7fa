//! The name a user gives to a Pellet, safe as a file name everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest [`PelletName`] in bytes; with every suffix of ours it stays below `NAME_MAX` (255).
const MAX_LEN: usize = 128;

/// A name of 1 to 128 characters of `[A-Za-z0-9._-]` that does not start with a dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PelletName(String);

/// A text that cannot name a Pellet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a pellet: use 1 to 128 characters of A-Z a-z 0-9 . _ - and no leading dot"
)]
pub struct NameError(String);

impl PelletName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives a name from the last component of a path; characters that a name cannot hold become
    /// `_`. Falls back to `pellet` where nothing is left.
    #[must_use]
    pub fn from_path(path: &std::path::Path) -> Self {
        let last = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
        let mut text: String = last
            .chars()
            .skip_while(|c| *c == '.')
            .map(|c| if allowed(c) { c } else { '_' })
            .take(MAX_LEN)
            .collect();
        if text.is_empty() {
            text.push_str("pellet");
        }
        Self(text)
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl FromStr for PelletName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good = (1..=MAX_LEN).contains(&text.len())
            && !text.starts_with('.')
            && text.chars().all(allowed);
        if good { Ok(Self(text.to_owned())) } else { Err(NameError(text.to_owned())) }
    }
}

impl TryFrom<String> for PelletName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<PelletName> for String {
    fn from(name: PelletName) -> Self {
        name.0
    }
}

impl fmt::Display for PelletName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_file_name_characters_only() {
        for good in ["a", "node_modules", "web-1.2.3", &"x".repeat(128)] {
            assert!(good.parse::<PelletName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".venv", "a/b", "a b", "ä", "a\0", "a\n", &"x".repeat(129)] {
            assert!(bad.parse::<PelletName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn derives_a_valid_name_from_any_path() {
        let cases = [
            ("/srv/app/node_modules", "node_modules"),
            ("/srv/app/.venv", "venv"),
            ("/srv/my tree", "my_tree"),
            ("/", "pellet"),
            ("/srv/...", "pellet"),
        ];
        for (path, want) in cases {
            let name = PelletName::from_path(path.as_ref());
            assert_eq!(name.as_str(), want);
            assert!(name.as_str().parse::<PelletName>().is_ok());
        }
    }
}
