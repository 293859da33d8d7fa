//! Brings a Pellet back and prints how long each part took, for measuring the library alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use durable_fs::{DiskFs, SystemClock};
use nestr_pellets::{RestoreObserver, RestoreOptions, RestorePhase, restore};

/// Prints what each phase took.
struct Phases(Mutex<Instant>);

impl RestoreObserver for Phases {
    fn phase_started(&self, _: RestorePhase) {
        if let Ok(mut at) = self.0.lock() {
            *at = Instant::now();
        }
    }

    fn phase_ended(&self, phase: RestorePhase) {
        if let Ok(at) = self.0.lock() {
            println!("{phase:?} {:.3} s", at.elapsed().as_secs_f64());
        }
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(archive), Some(target)) = (args.next(), args.next()) else {
        eprintln!("usage: unpack FILE.pellet TREE [threads]");
        return ExitCode::from(2);
    };
    let mut options = RestoreOptions::new(archive, target);
    let threads = args.next().and_then(|a| a.to_str()?.parse::<NonZeroUsize>().ok());
    options.threads = threads.unwrap_or(options.threads);
    match restore(&DiskFs, &SystemClock::new(), &options, &Phases(Mutex::new(Instant::now()))) {
        Ok(restored) => {
            println!(
                "{} entries, {} bytes by {}",
                restored.entries,
                restored.bytes,
                restored.way.as_str()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
