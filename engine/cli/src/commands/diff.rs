//! `nestr pellet diff`: what differs between two Pellets, from their sidecars alone.

use std::fmt::Write as _;

use nestr_pellets::{Aspect, PelletDiff, diff};

use super::restore::not_read;
use super::show::sidecar;
use crate::args::DiffArgs;
use crate::failure::Failure;
use crate::output;

/// Prints what was added, removed and changed.
pub(crate) fn run(args: &DiffArgs) -> Result<(), Failure> {
    let (before, after) = (sidecar(&args.before)?, sidecar(&args.after)?);
    let diff = diff(&before, &after).map_err(|e| not_read(&e))?;
    if args.json {
        let text = serde_json::to_string(&diff).map_err(|e| Failure::of(&e))?;
        return output::line(&text);
    }
    output::text(&text(&diff))
}

fn text(diff: &PelletDiff) -> String {
    let mut text = String::new();
    for entry in &diff.removed {
        let _ = writeln!(text, "- {}", entry.path);
    }
    for entry in &diff.added {
        let _ = writeln!(text, "+ {}", entry.path);
    }
    for entry in &diff.changed {
        let aspects: Vec<_> = entry.what.iter().map(|what| word(*what)).collect();
        let _ = writeln!(text, "~ {}  {}", entry.path, aspects.join(", "));
    }
    let _ = writeln!(
        text,
        "{} added, {} removed, {} changed, {} the same",
        diff.added.len(),
        diff.removed.len(),
        diff.changed.len(),
        diff.n_unchanged,
    );
    text
}

fn word(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Type => "type",
        Aspect::Mode => "mode",
        Aspect::Content => "content",
        Aspect::Target => "target",
        Aspect::Attributes => "attributes",
    }
}
