//! Work that several threads do side by side, taken in the order in which it was given.
//!
//! # Invariants
//! 1. At most two pieces per thread are given and not yet taken, so memory stays bounded and nobody blocks for ever:
//!    both ways of a lane hold as many.
//!
//! # Failure
//! A thread that panics is an error of whoever waits for what it should have made.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::cpu::Meter;

/// Pieces that may be under way in one lane.
const DEPTH: usize = 2;

/// What one thread takes from, and gives to.
struct Lane<I, O> {
    given: SyncSender<I>,
    made: Receiver<O>,
}

/// Has `threads` threads `make` something of each thing that `next` gives, and has `take` take it.
pub(crate) fn run<I: Send, O: Send>(
    threads: NonZeroUsize,
    mut next: impl FnMut() -> io::Result<Option<I>>,
    make: impl Fn(I) -> O + Sync,
    mut take: impl FnMut(O) -> io::Result<()>,
) -> io::Result<()> {
    thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(threads.get());
        let mut workers = Vec::with_capacity(threads.get());
        for _ in 0..threads.get() {
            let (given, inputs) = sync_channel::<I>(DEPTH);
            let (outputs, made) = sync_channel(DEPTH);
            let (make, cpu) = (&make, Meter::current());
            let work = move || {
                let _counted = cpu.run();
                while let Ok(input) = inputs.recv()
                    && outputs.send(make(input)).is_ok()
                {}
            };
            workers.push(thread::Builder::new().spawn_scoped(scope, work)?);
            lanes.push(Lane { given, made });
        }
        let result = drive(&lanes, &mut next, &mut take);
        drop(lanes);
        // Joined by hand, since the scope would hand a panic on; it was told as an error.
        workers.into_iter().for_each(|worker| drop(worker.join()));
        result
    })
}

fn drive<I, O>(
    lanes: &[Lane<I, O>],
    next: &mut impl FnMut() -> io::Result<Option<I>>,
    take: &mut impl FnMut(O) -> io::Result<()>,
) -> io::Result<()> {
    let broken = || io::Error::other("a thread broke off");
    let mut under_way = VecDeque::with_capacity(lanes.len() * DEPTH);
    let mut turns = lanes.iter().cycle();
    let mut ended = false;
    loop {
        while !ended && under_way.len() < lanes.len() * DEPTH {
            match (next()?, turns.next()) {
                (Some(input), Some(lane)) => {
                    lane.given.send(input).map_err(|_| broken())?;
                    under_way.push_back(lane);
                }
                _ => ended = true,
            }
        }
        match under_way.pop_front() {
            Some(lane) => take(lane.made.recv().map_err(|_| broken())?)?,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(n: u32, threads: usize, make: impl Fn(u32) -> u32 + Sync) -> io::Result<Vec<u32>> {
        let (mut inputs, mut out) = (0..n, Vec::new());
        let next = || Ok(inputs.next());
        let take = |made| {
            out.push(made);
            if made == 1_000 { Err(io::Error::other("enough")) } else { Ok(()) }
        };
        run(NonZeroUsize::new(threads).unwrap(), next, make, take)?;
        Ok(out)
    }

    #[test]
    fn what_was_given_first_is_taken_first() {
        for (n, threads) in [(0, 1), (1, 3), (300, 1), (300, 2), (301, 5)] {
            let want: Vec<u32> = (0..n).map(|i| 2 * i).collect();
            assert_eq!(doubled(n, threads, |i| 2 * i).unwrap(), want);
        }
    }

    #[test]
    fn a_failure_and_a_panic_end_it() {
        assert_eq!(doubled(10_000, 3, |i| 2 * i).unwrap_err().to_string(), "enough");
        let broken = doubled(100, 3, |i| if i == 50 { panic!("broken") } else { i });
        assert_eq!(broken.unwrap_err().to_string(), "a thread broke off");
    }
}
