//! `nestr pellet gc`: collects the store while no Engine has it.
//!
//! Rows and events of the store are in the Engine's database, which one process has at a time. So this
//! does what the Engine does on `POST /api/pellets/gc`, and where an Engine runs, that is the one to ask.

use std::fmt::Write as _;
use std::sync::Arc;

use nestr_pellets::{GcPlan, GcPolicy, GcWhy};
use nestr_server::{CollectError, EventError, Options, collect_offline};
use serde_json::json;

use crate::args::GcArgs;
use crate::failure::{Exit, Failure, chain};
use crate::{interrupt, output, setup};

/// Removes what the limits do not let stay.
pub(crate) fn run(args: &GcArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    if !config.state_dir.is_dir() || !config.pellets.store_dir.is_dir() {
        // An Engine that never ran has neither record nor store.
        return show(args, &GcPlan::default());
    }
    let telemetry = setup::command_telemetry(&config)?;
    let exported = telemetry.is_exported();
    let telemetry = Arc::new(telemetry.into_inner());
    let options = Options::from_config(&config, Arc::clone(&telemetry));
    let policy =
        GcPolicy { max_age: args.max_age, max_count: args.max_count, max_bytes: args.max_bytes };
    let actor = std::env::var("USER").unwrap_or_else(|_| "local".to_owned());
    let (cancel, runtime) = interrupt::watch()?;
    let collected =
        runtime.block_on(collect_offline(&options, &actor, &policy, args.dry_run, &cancel));
    drop((runtime, options));
    telemetry.flush(setup::FLUSH);
    let collected = collected.map_err(|e| not_collected(&e));
    // A trace that nobody has is not named.
    let collected = collected.map_err(|e| if exported { e } else { e.in_trace(None) });
    show(args, &collected?)
}

fn show(args: &GcArgs, plan: &GcPlan) -> Result<(), Failure> {
    if args.json {
        return output::line(
            &json!({
                "removed": plan.remove,
                "bytes_removed": plan.bytes_removed,
                "n_kept": plan.n_kept,
                "bytes_kept": plan.bytes_kept,
                "n_needed": plan.n_needed,
                "dry_run": args.dry_run,
            })
            .to_string(),
        );
    }
    let mut text = String::new();
    for removal in &plan.remove {
        let why = match removal.why {
            GcWhy::Age => "age",
            GcWhy::Count => "count",
            GcWhy::Size => "size",
        };
        let _ = writeln!(text, "{}  {:>8}  {why}", removal.digest, output::bytes(removal.bytes));
    }
    let (would, n) = (if args.dry_run { "would remove" } else { "removed" }, plan.remove.len());
    let _ = write!(
        text,
        "{would} {n} pellets, {}; {} stay, {}",
        output::bytes(plan.bytes_removed),
        plan.n_kept,
        output::bytes(plan.bytes_kept),
    );
    if plan.n_needed > 0 {
        let _ = write!(text, ", {} of them because a delta needs them", plan.n_needed);
    }
    text.push('\n');
    output::text(&text)
}

fn not_collected(error: &CollectError) -> Failure {
    match error {
        CollectError::Events(EventError::InUse { .. }) => {
            Failure::new(Exit::Conflict, "events-in-use", chain(error))
                .hint("ask the Engine: POST /api/pellets/gc")
        }
        CollectError::Events(error) => Failure::new(Exit::Failure, error.code(), chain(error))
            .hint("look at the cause; the record was left as it is"),
        CollectError::Folder { .. } => Failure::new(Exit::Failure, "folder-unusable", chain(error))
            .hint("make it a folder that this user may write"),
        CollectError::Failed(problem) => Failure::of_problem(problem),
    }
}
