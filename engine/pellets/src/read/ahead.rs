//! A stream that a thread of its own reads ahead, so that decoding and writing share the time.
//!
//! # Failure
//! What the thread fails with comes when what it read before is used up. One that panics is a failure, not an end.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::cpu::Meter;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;
/// Chunks that are ahead of who reads.
const AHEAD: usize = 4;

/// The bytes of another stream.
pub(super) struct Ahead {
    /// The chunk at hand, and how much of it was taken.
    at_hand: Vec<u8>,
    n_taken: usize,
    ended: bool,
    /// Full chunks; an empty one ends the stream. None while this is dropped.
    full: Option<Receiver<io::Result<Vec<u8>>>>,
    /// Used ones, for the memory that they have.
    used: SyncSender<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Begins to read `inner`.
    pub(super) fn of(inner: impl Read + Send + 'static) -> io::Result<Self> {
        let (to, full) = sync_channel(AHEAD);
        let (used, spare) = sync_channel(AHEAD + 2);
        let cpu = Meter::current();
        let read = move || {
            let _counted = cpu.run();
            read_on(inner, &to, &spare);
        };
        let thread = Builder::new().name("read-ahead".to_owned()).spawn(read)?;
        let (full, thread) = (Some(full), Some(thread));
        Ok(Self { at_hand: Vec::new(), n_taken: 0, ended: false, full, used, thread })
    }

    /// Waits for the next chunk.
    fn next(&mut self) -> io::Result<()> {
        let chunk = self.full.as_ref().and_then(|full| full.recv().ok());
        let chunk = chunk.unwrap_or_else(|| Err(io::Error::other("reading ahead broke off")))?;
        self.ended = chunk.is_empty();
        let before = std::mem::replace(&mut self.at_hand, chunk);
        self.n_taken = 0;
        // Where nobody takes it any more, nothing more is read.
        let _ = self.used.try_send(before);
        Ok(())
    }
}

/// Reads until the end, a failure, or until nobody is there for it.
fn read_on(mut inner: impl Read, to: &SyncSender<io::Result<Vec<u8>>>, spare: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = spare.try_recv().unwrap_or_default();
        chunk.clear();
        chunk.reserve(CHUNK);
        // What came before a failure is still of use.
        let read = inner.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
        let n = chunk.len();
        if (n > 0 || read.is_ok()) && to.send(Ok(chunk)).is_err() {
            return;
        }
        match read {
            Ok(_) if n > 0 => {}
            Ok(_) => return,
            Err(e) => return drop(to.send(Err(e))),
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.n_taken == self.at_hand.len() && !self.ended {
            self.next()?;
        }
        let rest = &self.at_hand[self.n_taken..];
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.n_taken += n;
        Ok(n)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The thread finds nobody there for its next chunk.
        self.full = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was told as a failure.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives `bytes` in parts, then ends as it is told to.
    struct Parts {
        bytes: Vec<u8>,
        at: usize,
        part: usize,
        end: fn() -> io::Result<usize>,
    }

    impl Read for Parts {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let rest = &self.bytes[self.at..];
            let n = rest.len().min(buf.len()).min(self.part);
            if n == 0 {
                return (self.end)();
            }
            buf[..n].copy_from_slice(&rest[..n]);
            self.at += n;
            Ok(n)
        }
    }

    fn all(
        len: usize,
        part: usize,
        end: fn() -> io::Result<usize>,
    ) -> (Vec<u8>, io::Result<usize>) {
        let bytes = (0..len).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let mut ahead = Ahead::of(Parts { bytes, at: 0, part, end }).unwrap();
        let mut out = Vec::new();
        let read = ahead.read_to_end(&mut out);
        (out, read)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn nothing_is_lost_or_changed(len in 0..3_000_000usize, part in 1..700_000usize) {
            let (out, read) = all(len, part.max(len / 1_000), || Ok(0));
            prop_assert_eq!(read.unwrap(), len);
            prop_assert!(out.iter().enumerate().all(|(n, b)| usize::from(*b) == n % 251));
        }
    }

    #[test]
    fn a_failure_comes_behind_what_was_read_before() {
        let (out, read) = all(700_001, 100_000, || Err(io::Error::other("torn")));
        assert_eq!((out.len(), read.unwrap_err().to_string()), (700_001, "torn".to_owned()));
    }

    #[test]
    fn a_panic_is_no_end() {
        let (out, read) = all(300_000, 100_000, || panic!("broken"));
        assert!(out.len() <= 300_000 && read.is_err());
    }

    #[test]
    fn who_stops_reading_ends_the_thread() {
        let mut ahead = Ahead::of(io::repeat(7)).unwrap();
        let mut some = [0; 10];
        ahead.read_exact(&mut some).unwrap();
        assert_eq!(some, [7; 10]);
    }
}
