//! Packs a tree into a file and prints what came out, for measuring the library alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use durable_fs::{DiskFs, SystemClock};
use nestr_pellets::{Base, Destination, Limits, PackOptions, Unobserved, pack};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(source), Some(output)) = (args.next(), args.next()) else {
        eprintln!("usage: pack TREE FILE.pellet [seekable|dense] [threads] [BASE.pellet]");
        return ExitCode::from(2);
    };
    let mut options = PackOptions::new(source);
    if let Some(profile) = args.next().and_then(|a| a.to_str()?.parse().ok()) {
        options.profile = profile;
    }
    if let Some(threads) = args.next().and_then(|a| a.to_str()?.parse().ok()) {
        options.threads = threads;
    }
    if let Some(base) = args.next() {
        let sidecar = base.with_extension("meta.json");
        match Base::open(&DiskFs, &base, &sidecar, &Limits::default()) {
            Ok(base) => options.base = Some(Arc::new(base)),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let target = Destination::File(output);
    match pack(&DiskFs, &SystemClock::new(), &options, &target, &Unobserved) {
        Ok(packed) => {
            println!("{} {} -> {}", packed.digest, packed.bytes_in, packed.bytes_out);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}; {}", error.hint());
            ExitCode::FAILURE
        }
    }
}
