//! What the targets share: a signal out of the first byte, and a walk through every view.

mod walk;

pub use walk::walk;

use collector_otlp::Signal;

/// The signal that the first byte names, and the rest.
pub fn signal_of(input: &[u8]) -> Option<(Signal, &[u8])> {
    let (first, rest) = input.split_first()?;
    Some((Signal::ALL[usize::from(*first) % 3], rest))
}
