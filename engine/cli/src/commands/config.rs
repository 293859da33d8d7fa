//! `nestr config show`.

use serde_json::json;

use crate::args::ConfigShowArgs;
use crate::failure::Failure;
use crate::{output, setup};

/// Prints every value in the order of the reference.
pub(crate) fn run(args: &ConfigShowArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let values = config.describe();
    if args.json {
        let items: Vec<_> = values
            .iter()
            .map(|v| json!({"key": v.key.name(), "value": v.value, "origin": v.origin.to_string()}))
            .collect();
        return output::line(&json!({"items": items}).to_string());
    }
    let width = |text: fn(&nestr_config::Described) -> usize| values.iter().map(text).max();
    let keys = width(|v| v.key.name().len()).unwrap_or_default();
    let texts = width(|v| v.value.chars().count()).unwrap_or_default();
    for v in values {
        let shown = match args.origin {
            true => format!("{:<keys$}  {:<texts$}  {}", v.key.name(), v.value, v.origin),
            false => format!("{:<keys$}  {}", v.key.name(), v.value),
        };
        output::line(shown.trim_end())?;
    }
    Ok(())
}
