//! `auth: {authenticator: …}`: what the extension says takes the place of its name, wherever a node asks for it.

use super::components::Section;
use super::error::Finding;
use super::findings::Findings;
use super::tree::{Tree, Value};
use super::types::ComponentId;

/// The one kind of extension that authenticates.
pub(super) const KIND: &str = "bearertokenauth";

/// Puts the settings of authenticators into those nodes of `section` that name them; `started` are the extensions
/// that the service names.
pub(super) fn hand_over(
    section: &mut Section,
    extensions: &Section,
    started: &[ComponentId],
    found: &mut Findings,
) {
    let within = section.name;
    for (id, _, settings) in &mut section.entries {
        let handed = replace(settings, extensions, started);
        found.keep(handed.map_err(|fault| fault.within(&id.to_string()).within(within)));
    }
}

fn replace(tree: &mut Tree, extensions: &Section, started: &[ComponentId]) -> Result<(), Finding> {
    let Value::Map(entries) = &mut tree.value else { return Ok(()) };
    for (key, value) in entries {
        match value.get("authenticator") {
            Some(name) if key.text == "auth" => {
                let settings = settings(name, extensions, started).map_err(|f| f.within("auth"))?;
                value.value = settings.value;
            }
            _ => replace(value, extensions, started)?,
        }
    }
    Ok(())
}

fn settings(name: &Tree, extensions: &Section, started: &[ComponentId]) -> Result<Tree, Finding> {
    let text: String = name.read()?;
    let id = extensions.resolve(&text, name.at)?;
    if id.kind != KIND {
        let fault = Finding::new(name.at, format!("`{id}` does not authenticate"));
        return Err(fault.hint(format!("name an extension of the kind `{KIND}`")));
    }
    if !started.contains(&id) {
        let fault = Finding::new(name.at, format!("`{id}` is not started"));
        return Err(fault.hint("name it under service.extensions"));
    }
    let found = extensions.get(&id).map(|(_, _, settings)| settings.clone());
    Ok(found.unwrap_or_else(|| Tree::empty(name.at)))
}
