//! Becomes another program that does not outlive its parent.
//!
//! The kernel sends a process the signal set here when the thread that started it ends, and the
//! setting survives `exec`. So the servers that `perch up` starts end with it even when it is killed
//! with SIGKILL and cannot stop them itself.
//!
//! # Not here
//! Grandchildren of the guarded program: they are reached through the process group.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// `perch guard --parent PID PROGRAM ARGS…`
#[derive(Debug, clap::Args)]
pub(crate) struct GuardArgs {
    /// The process whose end ends the program.
    #[arg(long)]
    parent: i32,
    /// What to become.
    program: PathBuf,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Replaces this process; returns only on failure.
pub(crate) fn run(args: &GuardArgs) -> anyhow::Result<ExitCode> {
    set_parent_process_death_signal(Some(Signal::TERM)).context("could not tie to the parent")?;
    // A parent that ended before the call above sends no signal any more.
    if getppid() != Pid::from_raw(args.parent) {
        bail!("the parent process {} is gone", args.parent);
    }
    let error = Command::new(&args.program).args(&args.args).exec();
    Err(error).with_context(|| format!("could not start {}", args.program.display()))
}
