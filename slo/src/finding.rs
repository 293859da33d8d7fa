//! What is wrong with a specification, or worth knowing about it: where, why and what to do.

use std::fmt;

/// A place in a file, both counted from one; `0:0` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: At,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing; rules are generated.
    Note,
    /// Probably not what was meant; rules are generated.
    Warning,
    /// Nothing is generated.
    Error,
}

/// What kind of finding it is; stable, to be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The file is no YAML.
    Syntax,
    /// A document of a kind that is not read here.
    UnknownDocument,
    /// A key that the format does not have.
    UnknownKey,
    /// A key that must be there.
    MissingKey,
    /// A value of the wrong type or outside its range.
    BadValue,
    /// Valid in its format, and not supported here.
    Unsupported,
    /// Two objectives or documents of one name.
    Duplicate,
    /// A name that no given file defines.
    Unresolved,
    /// An expression that PromQL refuses.
    BadPromql,
    /// No windows for the period.
    NoWindows,
    /// A burn factor that the target can never reach.
    UnreachableBurn,
    /// One failure alone would alert.
    SingleFailure,
    /// A window that holds too few scrapes.
    ShortWindow,
    /// Good events may outnumber all events.
    GoodAboveTotal,
    /// Only Prometheus can evaluate it.
    RulesOnly,
    /// Events cannot be counted.
    RatioOnly,
    /// An operator that reads the other way round.
    InvertedOperator,
    /// A default was chosen that one may want to know.
    Default,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub code: Code,
    /// Its weight.
    pub level: Level,
    /// The file's name as given.
    pub file: String,
    /// Where in the file.
    pub at: At,
    /// What is wrong, with what.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Collects the findings of one run.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Puts an error down.
    pub fn error(&mut self, code: Code, file: &str, at: At, message: impl Into<String>) {
        self.add(code, Level::Error, file, at, message.into(), None);
    }

    /// Puts an error down with advice.
    pub fn error_with(
        &mut self,
        code: Code,
        file: &str,
        at: At,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(code, Level::Error, file, at, message.into(), Some(hint.into()));
    }

    /// Puts a warning down.
    pub fn warn(
        &mut self,
        code: Code,
        file: &str,
        at: At,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(code, Level::Warning, file, at, message.into(), Some(hint.into()));
    }

    /// Puts a note down.
    pub fn note(&mut self, code: Code, file: &str, at: At, message: impl Into<String>) {
        self.add(code, Level::Note, file, at, message.into(), None);
    }

    fn add(
        &mut self,
        code: Code,
        level: Level,
        file: &str,
        at: At,
        message: String,
        hint: Option<String>,
    ) {
        self.list.push(Finding { code, level, file: file.to_owned(), at, message, hint });
    }

    /// Makes errors of a kind warnings.
    pub fn soften(&mut self, code: Code) {
        for finding in self.list.iter_mut().filter(|f| f.code == code) {
            finding.level = finding.level.min(Level::Warning);
        }
    }

    /// Whether anything keeps rules from being generated.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|f| f.level == Level::Error)
    }

    /// All findings in the order of files and places, each once.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Finding> {
        self.list.sort_by(|a, b| {
            (&a.file, a.at, a.code, &a.message).cmp(&(&b.file, b.at, b.code, &b.message))
        });
        self.list.dedup();
        self.list
    }
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, at, level, code) = (&self.file, self.at, self.level.as_str(), self.code);
        write!(f, "{file}:{at}: {level}[{}]: {}", code.as_str(), self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
