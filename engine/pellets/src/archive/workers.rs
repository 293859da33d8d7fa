//! One thread of a packing: takes frame after frame and hands each on.

use std::sync::mpsc::Sender;

use super::frame::{Packed, Packer};
use super::job::Job;
use super::turns::Turns;
use crate::error::PackError;

/// Packs frames until none is left or packing stops; what went wrong goes the same way as frames.
pub(super) fn work(job: &Job<'_>, turns: &Turns, results: &Sender<Result<Packed, PackError>>) {
    let _guard = StopOnPanic(turns);
    let mut packer = match Packer::new(job, turns) {
        Ok(packer) => packer,
        Err(error) => {
            // A receiver that is gone has failed itself and waits for nothing.
            let _ = results.send(Err(error));
            return;
        }
    };
    while let Some((index, buffer)) = turns.claim() {
        let result = packer.pack(index, buffer);
        let failed = result.is_err();
        if results.send(result).is_err() || failed {
            return;
        }
    }
}

/// Stops everybody when a thread unwinds, lest the others wait for its frame.
struct StopOnPanic<'a>(&'a Turns);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
