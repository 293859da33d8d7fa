//! The layers, from the weakest to the strongest.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::key::Shape;
use crate::resolve::{Base, resolve};
use crate::yaml::{self, Entry, Value};
use crate::{Config, ConfigError, Key, Origin, Problem};

/// What every variable of ours begins with.
const PREFIX: &str = "NESTR__";
/// A configuration file past this size is a mistake.
const MAX_FILE: u64 = 1024 * 1024;

/// Gathers the layers of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    file_is_required: bool,
    profile: Option<String>,
    variables: BTreeMap<String, String>,
    flags: Vec<Entry>,
    folder: PathBuf,
}

impl Sources {
    /// Defaults alone; relative paths of variables and flags are taken from `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Reads `path`, which exists; its profile's file lies beside it.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        (self.file, self.file_is_required) = (Some(path.into()), true);
        self
    }

    /// Reads `path` where it exists.
    #[must_use]
    pub fn file_if_there(mut self, path: impl Into<PathBuf>) -> Self {
        (self.file, self.file_is_required) = (Some(path.into()), false);
        self
    }

    /// Lays `nestr.<profile>.yaml` over the file; it exists.
    #[must_use]
    pub fn profile(mut self, name: Option<String>) -> Self {
        self.profile = name;
        self
    }

    /// Takes the process environment; `NESTR__…` set keys, `HOME` and `XDG_STATE_HOME` place the state folder.
    #[must_use]
    pub fn variables(mut self, all: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(all);
        self
    }

    /// Sets `key` by the flag `name`, such as `--listen`; a list separates its items by commas.
    #[must_use]
    pub fn flag(mut self, key: Key, name: &str, value: impl Into<String>) -> Self {
        let value = from_text(key, value.into());
        self.flags.push(Entry { key, value, origin: Origin::Flag(name.into()) });
        self
    }

    /// Sets a list by a flag that was given once per item.
    #[must_use]
    pub fn flag_list(mut self, key: Key, name: &str, items: Vec<String>) -> Self {
        let value = Value::Many(items);
        self.flags.push(Entry { key, value, origin: Origin::Flag(name.into()) });
        self
    }

    /// Resolves the layers into a checked configuration.
    pub fn load(self) -> Result<Config, ConfigError> {
        let mut problems = Vec::new();
        let mut entries = self.of_files(&mut problems);
        entries.extend(self.of_variables(&mut problems));
        entries.extend(self.flags.iter().cloned());

        let mut strongest = BTreeMap::new();
        for entry in entries {
            strongest.insert(entry.key, entry);
        }
        let base = Base { folder: &self.folder, variables: &self.variables };
        let config = resolve(&strongest, &base, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems }),
        }
    }

    fn of_files(&self, problems: &mut Vec<Problem>) -> Vec<Entry> {
        let Some(path) = &self.file else { return Vec::new() };
        let mut entries = read_file(path, self.file_is_required, problems);
        if let Some(profile) = &self.profile {
            let path = path.with_file_name(format!("nestr.{profile}.yaml"));
            entries.extend(read_file(&path, true, problems));
        }
        entries
    }

    fn of_variables(&self, problems: &mut Vec<Problem>) -> Vec<Entry> {
        let ours = self.variables.iter().filter(|(name, _)| name.starts_with(PREFIX));
        let mut entries = Vec::new();
        for (name, value) in ours {
            let origin = Origin::Env(name.clone());
            let asked = name[PREFIX.len()..].to_lowercase().replace("__", ".");
            match Key::named(&asked) {
                Some(key) => {
                    entries.push(Entry { key, value: from_text(key, value.clone()), origin });
                }
                None => problems.push(unknown_variable(&origin, &asked)),
            }
        }
        entries
    }
}

fn from_text(key: Key, text: String) -> Value {
    match key.shape() {
        Shape::One => Value::One(text),
        Shape::Many => Value::Many(
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        ),
    }
}

fn unknown_variable(origin: &Origin, asked: &str) -> Problem {
    let problem = Problem::new(origin, format!("unknown key `{asked}`"));
    match Key::like(asked).and_then(Key::named) {
        Some(known) => problem.hint(format!("did you mean {}?", known.variable())),
        None => problem,
    }
}

fn read_file(path: &Path, required: bool, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let whole = Origin::File { path: path.into(), line: 1, column: 1 };
    let text = std::fs::metadata(path).and_then(|about| {
        if about.len() > MAX_FILE {
            return Err(std::io::Error::other("the file is larger than 1 MiB"));
        }
        std::fs::read_to_string(path)
    });
    match text {
        Ok(text) => {
            let (entries, wrong) = yaml::read(path, &text);
            problems.extend(wrong);
            entries
        }
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Vec::new(),
        Err(error) => {
            problems.push(Problem::new(&whole, format!("cannot be read: {error}")));
            Vec::new()
        }
    }
}
