//! `nestr pellet show`.

use std::path::{Path, PathBuf};

use durable_fs::DiskFs;
use nestr_pellets::{ReadError, Sidecar};

use super::restore::not_read;
use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::output;

/// Prints what the sidecar beside an archive says.
pub(crate) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let sidecar = sidecar(&args.file)?;
    if args.json {
        let text = serde_json::to_string(&sidecar).map_err(|e| Failure::of(&e))?;
        return output::line(&text);
    }
    let totals = &sidecar.totals;
    let mut text = format!(
        "name     {}\ndigest   {}\ntree     {}\nprofile  {}\nentries  {}\ncontent  {}\narchive  {} in {} frames\n",
        sidecar.name,
        sidecar.digest,
        sidecar.tree,
        sidecar.profile,
        totals.entries,
        output::bytes(totals.bytes_in),
        output::bytes(totals.bytes_out),
        sidecar.frames.len(),
    );
    if let Some(delta) = &sidecar.delta {
        let n_here = sidecar.entries.iter().filter(|e| e.layer == 0).count();
        text.push_str(&format!(
            "delta    of {}: {n_here} entries here, {} in earlier pellets\n",
            delta.base,
            sidecar.entries.len() - n_here,
        ));
        for layer in &delta.layers {
            text.push_str(&format!("needs    {}\n", layer.digest));
        }
    }
    if let Some(signature) = &sidecar.signature {
        text.push_str(&format!("signed   by the key {}\n", signature.key));
    }
    output::text(&text)
}

/// The sidecar of an archive; anything else is taken for a sidecar.
pub(crate) fn sidecar_of(file: &Path) -> PathBuf {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("pellet") => file.with_extension("meta.json"),
        _ => file.to_owned(),
    }
}

/// The sidecar of an archive, or a sidecar.
pub(crate) fn sidecar(file: &Path) -> Result<Sidecar, Failure> {
    let path = sidecar_of(file);
    Sidecar::read(&DiskFs, &path).map_err(|e| not_read(&ReadError::in_sidecar(&path, e)))
}
