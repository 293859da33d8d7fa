//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;

use super::at::At;

/// One fault or remark and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; `0:0` for the file as a whole.
    pub at: At,
    /// Keys from the top to the faulty value.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A configuration that cannot be used, with everything found wrong in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as given.
    pub file: String,
    /// The faults in the order of the file; never empty.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// A fault at `at`.
    pub fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, path: Vec::new(), message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same at `at`, unless it already has a place.
    #[must_use]
    pub fn or_at(mut self, at: At) -> Self {
        if self.at == At::default() {
            self.at = at;
        }
        self
    }

    /// The same, one key deeper.
    #[must_use]
    pub fn within(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.findings.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{finding}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Finding {}
impl std::error::Error for ConfigError {}
