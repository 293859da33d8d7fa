//! The formats that objectives come in: Sloth's, OpenSLO's and Pyrra's, told apart document by document.

mod common;
mod openslo;
mod pyrra;
mod sloth;
mod spans;

use std::collections::BTreeMap;

use crate::finding::{Code, Findings};
use crate::length::Length;
use crate::model::Objective;
use crate::windows::{Table, Tables};
use crate::yaml::{Cx, Tree, Value};

/// One file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its name, for messages.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What the files say together.
#[derive(Debug)]
pub struct Specification {
    /// The objectives in the order of files and documents.
    pub objectives: Vec<Objective>,
    /// Built-in tables and those of the files.
    pub tables: Tables,
}

/// One document and where it stands.
pub(crate) struct Document<'a> {
    file: &'a str,
    number: usize,
    tree: Tree,
}

/// Reads all files. `period` is what a format without a period of its own means.
pub fn read(sources: &[Source<'_>], period: Length, found: &mut Findings) -> Specification {
    let documents = documents(sources, found);
    let mut tables = Tables::built_in();
    for document in documents.iter().filter(|d| Table::is_one(&d.tree)) {
        let mut cx = Cx { file: document.file, found };
        if let Some(table) = Table::read(&mut cx, &document.tree) {
            tables.add(table);
        }
    }
    let catalogue = openslo::Catalogue::gather(&documents, found);
    let mut objectives = Vec::new();
    for document in documents.iter().filter(|d| !Table::is_one(&d.tree)) {
        objectives.extend(read_document(document, period, &catalogue, found));
    }
    refuse_duplicates(&objectives, found);
    Specification { objectives, tables }
}

fn documents<'a>(sources: &[Source<'a>], found: &mut Findings) -> Vec<Document<'a>> {
    let mut documents = Vec::new();
    for source in sources {
        let trees = match Tree::parse_all(source.text) {
            Ok(trees) => trees,
            Err((at, message)) => {
                found.error(Code::Syntax, source.name, at, message);
                continue;
            }
        };
        if trees.is_empty() {
            let (at, message) = (Default::default(), "the file holds no document");
            found.error(Code::Syntax, source.name, at, message);
        }
        // A list of documents is as good as several.
        let flat = trees.into_iter().flat_map(|tree| match tree.value {
            Value::List(items) => items,
            _ => vec![tree],
        });
        documents.extend(flat.enumerate().map(|(number, tree)| Document {
            file: source.name,
            number,
            tree,
        }));
    }
    documents
}

fn read_document(
    document: &Document<'_>,
    period: Length,
    catalogue: &openslo::Catalogue<'_>,
    found: &mut Findings,
) -> Vec<Objective> {
    let mut cx = Cx { file: document.file, found };
    let text = |key| document.tree.get(key).and_then(Tree::as_text);
    let (version, api) = (text("version"), text("apiVersion"));
    match (version.as_deref(), api.as_deref()) {
        (Some("prometheus/v1"), _) => sloth::read_plain(&mut cx, document, period),
        (_, Some("sloth.slok.dev/v1")) => sloth::read_object(&mut cx, document, period),
        (_, Some("openslo/v1")) => catalogue.read(&mut cx, document),
        (_, Some("openslo/v1alpha")) => openslo::read_alpha(&mut cx, document, period),
        (_, Some("pyrra.dev/v1alpha1")) => pyrra::read(&mut cx, document),
        (version, api) => {
            let message = match version.or(api) {
                Some(name) => format!("`{name}` is not a format that is read here"),
                None => "the document names no format (`version` or `apiVersion`)".into(),
            };
            let at = document.tree.get("version").or_else(|| document.tree.get("apiVersion"));
            let at = at.map_or(document.tree.at, |t| t.at);
            let hint = "read are prometheus/v1, sloth.slok.dev/v1, openslo/v1, openslo/v1alpha, pyrra.dev/v1alpha1, alertWindows/v1";
            cx.error_with(Code::UnknownDocument, at, message, hint);
            Vec::new()
        }
    }
}

fn refuse_duplicates(objectives: &[Objective], found: &mut Findings) {
    let mut seen: BTreeMap<String, &Objective> = BTreeMap::new();
    for objective in objectives {
        if let Some(first) = seen.insert(objective.id(), objective) {
            let (id, o) = (objective.id(), &first.origin);
            let message = format!("`{id}` is already defined at {}:{}", o.file, o.at);
            found.error(Code::Duplicate, &objective.origin.file, objective.origin.at, message);
        }
    }
}

#[cfg(test)]
mod tests;
