//! Extensions that are understood, and what they map onto.

use std::path::PathBuf;

use super::auth;
use super::components::Section;
use super::error::Finding;
use super::findings::Findings;
use super::nearest::nearest;
use super::storage::storage_in;
use super::tree::Tree;
use super::types::{ComponentId, StorageConfig};

const KNOWN: [&str; 3] = [auth::KIND, "file_storage", "health_check"];

/// The extensions that `service.extensions` names; faults in it are [`apply`]'s.
pub(super) fn started(service: &Tree, section: &Section) -> Vec<ComponentId> {
    let named = service.get("extensions").and_then(|t| t.read::<Vec<String>>().ok());
    named.unwrap_or_default().iter().filter_map(|n| section.resolve(n, service.at).ok()).collect()
}

/// The storage after the extensions that `service.extensions` names have had their say.
pub(super) fn apply(
    service: &Tree,
    section: &Section,
    storage: Option<StorageConfig>,
    found: &mut Findings,
) -> Option<StorageConfig> {
    for (id, at, _) in &section.entries {
        if !KNOWN.contains(&id.kind.as_str()) {
            let fault = Finding::new(*at, format!("there is no extension `{}`", id.kind));
            let near = nearest(&id.kind, KNOWN).map(|n| format!("the nearest thing here is `{n}`"));
            let all = || format!("there are: {}", KNOWN.join(", "));
            found.faults.push(fault.within("extensions").hint(near.unwrap_or_else(all)));
        }
    }
    let mut storage = storage;
    let named = service.get("extensions").map(Tree::read::<Vec<String>>).unwrap_or(Ok(Vec::new()));
    let at = service.get("extensions").map_or(service.at, |t| t.at);
    for name in found.keep(named.map_err(|e| e.within("extensions").within("service")))? {
        let Some(id) = found.keep(section.resolve(&name, at)) else { continue };
        let Some((id, at, settings)) = section.get(&id) else { continue };
        match id.kind.as_str() {
            "health_check" => {
                found.note(
                    *at,
                    "`health_check` has no listener of its own: ask the API's /livez and /readyz",
                );
            }
            "file_storage" if storage.is_some() => {
                found.note(*at, "`file_storage` has no effect beside `storage`");
            }
            "file_storage" => {
                let directory = settings.get("directory").map(Tree::read::<PathBuf>);
                match directory {
                    Some(directory) => {
                        storage = found.keep(directory).map(|folder| storage_in(folder, *at))
                    }
                    None => {
                        found.faults.push(Finding::new(*at, "file_storage needs a `directory`"))
                    }
                }
                found.note(
                    *at,
                    "`file_storage` is `storage.directory` here; its other settings have no effect",
                );
            }
            _ => {}
        }
    }
    storage
}
