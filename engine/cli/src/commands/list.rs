//! `nestr pellet list`: the Pellets of the store, or the entries of an archive.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use durable_fs::DiskFs;
use nestr_pellets::{EntryKind, Limits, Listing, RawPath, Sidecar, SidecarEntry, Store, TarKind};
use serde::Serialize;
use serde_json::json;

use super::restore::not_read;
use super::show::sidecar_of;
use crate::args::ListArgs;
use crate::failure::{Exit, Failure, chain};
use crate::{output, setup};

/// An entry of any archive, its fields by their names in JSON.
#[derive(Serialize)]
struct Item {
    mode: String,
    path: RawPath,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<RawPath>,
    #[serde(rename = "type")]
    kind: EntryKind,
}

/// Lists the store, or the archive that is named.
pub(crate) fn run(args: &ListArgs) -> Result<(), Failure> {
    match &args.file {
        Some(file) => entries(file, args.json),
        None => pellets(args),
    }
}

fn pellets(args: &ListArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let dir = &config.pellets.store_dir;
    let listed = match dir.is_dir() {
        true => Store::open(Arc::new(DiskFs), dir)
            .and_then(|store| nestr_pellets::list(&DiskFs, &store))
            .map_err(|e| {
                let message = format!("cannot list the store {}: {e}", dir.display());
                Failure::new(Exit::Failure, "store-unreadable", message)
                    .hint("make the folder readable to this user, or name another --state-dir")
            })?,
        // An Engine that never packed has no store yet.
        false => Listing::default(),
    };
    let Listing { pellets, unusable } = &listed;
    if args.json {
        let unusable: Vec<_> = unusable
            .iter()
            .map(|(digest, e)| json!({"digest": digest, "code": e.code(), "detail": chain(e)}))
            .collect();
        return output::line(&json!({"items": pellets, "unusable": unusable}).to_string());
    }
    let mut text = String::new();
    for pellet in pellets {
        let digest = pellet.digest.to_string();
        let _ = writeln!(
            text,
            "{}  {:<24}  {:>8} entries  {:>8}  {}",
            &digest[..16],
            pellet.name.as_str(),
            pellet.totals.entries,
            output::bytes(pellet.totals.bytes_out),
            pellet.created_at,
        );
    }
    for (digest, error) in unusable {
        let _ =
            writeln!(text, "{}  {} [{}]", &digest.to_string()[..16], chain(error), error.code());
    }
    let bytes = pellets.iter().map(|p| p.totals.bytes_out).sum();
    let _ = write!(text, "{} pellets, {}", pellets.len(), output::bytes(bytes));
    if !unusable.is_empty() {
        let _ = write!(text, "; {} more have an unusable sidecar", unusable.len());
    }
    text.push('\n');
    output::text(&text)
}

/// Lists an archive as it is, without its sidecar; a delta by its sidecar, since alone it is no tree.
fn entries(file: &Path, json: bool) -> Result<(), Failure> {
    let sidecar = Sidecar::read(&DiskFs, &sidecar_of(file)).ok();
    if let Some(sidecar) = sidecar.filter(|sidecar| sidecar.delta.is_some()) {
        let items = sidecar.entries.into_iter().map(|entry| {
            let SidecarEntry { path, kind, mode, size, target, .. } = entry;
            Item { path, kind, mode: format!("{mode:04o}"), size: size.unwrap_or(0), target }
        });
        return show(items, json);
    }
    let entries = nestr_pellets::list_foreign(&DiskFs, file, &Limits::default());
    let entries = entries.map_err(|e| not_read(&e))?;
    let items = entries.into_iter().map(|entry| {
        let (kind, target) = match entry.kind {
            TarKind::File => (EntryKind::File, None),
            TarKind::Directory => (EntryKind::Directory, None),
            TarKind::Symlink { target } => (EntryKind::Symlink, Some(RawPath::from(target))),
            TarKind::Hardlink { target } => (EntryKind::Hardlink, Some(RawPath::from(target))),
        };
        let mode = format!("{:04o}", entry.mode);
        Item { path: RawPath::from(entry.path), kind, mode, size: entry.size, target }
    });
    show(items, json)
}

/// Prints items as they come: of a large tree they take more room than their text.
fn show(items: impl Iterator<Item = Item>, json: bool) -> Result<(), Failure> {
    if json {
        let mut text = String::from("{\"items\":[");
        for (at, item) in items.enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let item = serde_json::to_string(&item).map_err(|e| Failure::of(&e))?;
            let _ = write!(text, "{comma}{item}");
        }
        text.push_str("]}");
        return output::line(&text);
    }
    let mut text = String::new();
    for item in items {
        let end = if item.kind == EntryKind::Directory { "/" } else { "" };
        let _ = write!(text, "{}  {:>12}  {}{end}", item.mode, item.size, item.path);
        if let Some(target) = &item.target {
            let _ = write!(text, " → {target}");
        }
        text.push('\n');
    }
    output::text(&text)
}
