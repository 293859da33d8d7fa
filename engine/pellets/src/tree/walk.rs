//! Lists a tree with several threads; each directory is one piece of work.
//!
//! # Invariants
//! 1. The caller's thread alone talks to the observer; it only waits meanwhile.
//! 2. A directory is listed by one thread, and every listing is asked for once: the result does not
//!    depend on who listed what.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, fstat, open, openat};
use rustix::io::{Errno, pread};

use super::entry::{Entry, Stamp};
use super::flatten::{Listing, flatten};
use super::ignore::{self, Ignore};
use super::list::{Catch, Lister};
use super::scope::{Exclude, Manner, Scope, Survey};
use super::special::Skipped;
use crate::base::Known;
use crate::cpu::Meter;
use crate::error::{ErrorKind, PackError};
use crate::observer::{PackObserver, Progress};

/// Time between two looks at the observer.
const TICK: Duration = Duration::from_millis(50);

/// The longest `.nestrignore` that is read.
const MAX_IGNORE: usize = 1 << 20;

/// A listed tree.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: OwnedFd,
    pub(crate) root_mode: u32,
    pub(crate) root_stamp: Stamp,
    pub(crate) entries: Vec<Entry>,
    /// Content bytes of all regular files, each hard-link group once.
    pub(crate) bytes: u64,
    /// Paths that the rules of the tree leave out; what is in a directory left out counts as one.
    pub(crate) n_ignored: u64,
    /// Which files were asked for attributes.
    pub(crate) survey: Survey,
    pub(crate) n_skipped: u64,
    /// The first hundred of them.
    pub(crate) skipped: Vec<Skipped>,
}

/// The common state of the threads of one walk.
struct Shared<'a> {
    scope: Scope<'a>,
    state: Mutex<State>,
    /// There is a directory to list, or there will be none any more.
    found: Condvar,
    /// The walk is over.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// Directories to list: number and path; the last one next, so that neighbours follow.
    todo: Vec<(usize, Box<[u8]>)>,
    listings: Vec<Listing>,
    /// What each thread found, once it has ended.
    catches: Vec<Catch>,
    n_busy: usize,
    /// Threads that wait for a directory.
    n_waiting: usize,
    error: Option<PackError>,
}

/// Lists all entries below `root`, which may itself be reached through links. Where a sample finds attributes,
/// every file is asked for them after all.
pub(crate) fn walk(
    root: &Path,
    exclude: &Exclude,
    manner: Manner,
    known: Option<&Known<'_>>,
    observer: &dyn PackObserver,
) -> Result<Tree, PackError> {
    let at_root = |errno| PackError::at_root(root.to_owned(), errno);
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let fd = open(root, flags, Mode::empty()).map_err(at_root)?;
    let stat = fstat(&fd).map_err(at_root)?;
    let (ignore, rules) = read_ignore(fd.as_fd())?;
    let shared = Shared {
        scope: Scope::new(exclude, known, &ignore, &manner),
        state: Mutex::new(State {
            todo: vec![(0, Box::default())],
            listings: vec![Listing::default()],
            catches: (0..manner.threads.get()).map(|_| Catch::default()).collect(),
            ..State::default()
        }),
        found: Condvar::new(),
        ended: Condvar::new(),
    };
    let (catches, listings) = shared.run(fd.as_fd(), manner.threads.get(), observer)?;
    if shared.scope.is_misled() {
        let every = Manner { survey: Survey::Every, ..manner };
        return walk(root, exclude, every, known, observer);
    }
    let flat = flatten(catches, listings);
    let read = |e: &&Entry| &*e.path == ignore::FILE;
    if rules.is_some_and(|rules| flat.entries.iter().find(read).is_some_and(|e| e.stamp != rules)) {
        let what = "the rules of what to leave out changed meanwhile";
        return Err(PackError::new(ErrorKind::PathChanged, what, Some(".nestrignore".into())));
    }
    Ok(Tree {
        root: fd,
        root_mode: stat.st_mode & 0o7777,
        root_stamp: Stamp::from(&stat),
        entries: flat.entries,
        bytes: flat.bytes,
        n_ignored: shared.scope.n_ignored.into_inner(),
        survey: manner.survey,
        n_skipped: flat.n_skipped,
        skipped: flat.skipped,
    })
}

/// The rules at the root, and what their file was when they were read.
fn read_ignore(root: BorrowedFd<'_>) -> Result<(Ignore, Option<Stamp>), PackError> {
    let failed = |errno| PackError::in_tree(".nestrignore".into(), errno);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(root, ignore::FILE, flags, Mode::empty()) {
        Ok(file) => file,
        // Absent, or a link, socket or device of that name, which holds no rules.
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok((Ignore::default(), None)),
        Err(errno) => return Err(failed(errno)),
    };
    let stat = fstat(&file).map_err(failed)?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
        return Ok((Ignore::default(), None));
    }
    let mut text = vec![0; MAX_IGNORE + 1];
    let mut len = 0;
    while len < text.len() {
        match pread(&file, &mut text[len..], len as u64) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    if len > MAX_IGNORE {
        let what = "the rules of what to leave out exceed 1 MiB";
        return Err(PackError::new(ErrorKind::Internal, what, Some(".nestrignore".into())));
    }
    Ok((Ignore::parse(&text[..len]), Some(Stamp::from(&stat))))
}

impl Shared<'_> {
    fn run(
        &self,
        root: BorrowedFd<'_>,
        n_threads: usize,
        observer: &dyn PackObserver,
    ) -> Result<(Vec<Catch>, Vec<Listing>), PackError> {
        thread::scope(|scope| {
            let stop = StopOnDrop(self);
            let mut workers = Vec::with_capacity(n_threads);
            for n in 0..n_threads {
                let cpu = Meter::current();
                let worker = thread::Builder::new()
                    .name(format!("pellet-walk-{n}"))
                    .spawn_scoped(scope, move || {
                        let _counted = cpu.run();
                        self.work(root, n);
                    })
                    .map_err(|_| PackError::internal("no thread could be started"))?;
                workers.push(worker);
            }
            let result = self.watch(observer);
            drop(stop);
            // Joined by hand, since the scope would hand a panic on to a caller that wants an error.
            let n_panicked = workers.into_iter().map(|w| w.join()).filter(Result::is_err).count();
            if n_panicked > 0 {
                return Err(PackError::internal("a walking thread panicked"));
            }
            result
        })?;
        let mut state = self.lock();
        match state.error.take() {
            Some(error) => Err(error),
            None => {
                let State { catches, listings, .. } = std::mem::take(&mut *state);
                Ok((catches, listings))
            }
        }
    }

    /// Waits for the end of the walk, reporting on the way.
    fn watch(&self, observer: &dyn PackObserver) -> Result<(), PackError> {
        loop {
            if observer.cancelled() {
                return Err(PackError::cancelled());
            }
            let state = self.lock();
            if state.is_done() || self.scope.stopped() {
                return Ok(());
            }
            drop(self.ended.wait_timeout(state, TICK));
            let entries_total = self.scope.n_found.load(Ordering::Relaxed);
            observer.progress(&Progress { entries_total, ..Progress::default() });
        }
    }

    /// Lists directories until there are none; `n` is the number of this thread.
    fn work(&self, root: BorrowedFd<'_>, n: usize) {
        let guard = StopOnDrop(self);
        let mut lister = Lister::new(root, &self.scope);
        while !self.scope.is_misled()
            && let Some((number, dir)) = self.claim()
        {
            match lister.list(&dir) {
                Ok(items) => self.put(number, &dir, &mut lister.catch, Listing { catch: n, items }),
                Err(error) => {
                    self.lock().error.get_or_insert(error);
                    return;
                }
            }
        }
        if !self.scope.is_misled() {
            self.lock().catches[n] = lister.catch;
            std::mem::forget(guard);
        }
    }

    /// The next directory; waits while others may still find some.
    fn claim(&self) -> Option<(usize, Box<[u8]>)> {
        let mut state = self.lock();
        loop {
            if self.scope.stopped() || state.is_done() {
                return None;
            }
            if let Some(next) = state.todo.pop() {
                state.n_busy += 1;
                return Some(next);
            }
            state.n_waiting += 1;
            state = self.found.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.n_waiting -= 1;
        }
    }

    fn put(&self, number: usize, dir: &[u8], catch: &mut Catch, listing: Listing) {
        let mut state = self.lock();
        // Backwards, so that the first is taken first.
        for at in listing.items.clone().rev() {
            if !catch.items[at].file_type.is_dir() {
                continue;
            }
            let name = catch.name(&catch.items[at]);
            let mut path = Vec::with_capacity(dir.len() + 1 + name.len());
            path.extend_from_slice(dir);
            if !dir.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            let number = state.listings.len();
            // So many directories no memory holds.
            catch.items[at].number = u32::try_from(number).unwrap_or(u32::MAX);
            state.listings.push(Listing::default());
            state.todo.push((number, path.into()));
        }
        state.listings[number] = listing;
        state.n_busy -= 1;
        let is_done = state.is_done();
        // This thread takes one of them itself.
        let n_to_wake = state.todo.len().saturating_sub(1).min(state.n_waiting);
        drop(state);
        if is_done {
            self.found.notify_all();
            self.ended.notify_all();
        }
        (0..n_to_wake).for_each(|_| self.found.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_done(&self) -> bool {
        self.todo.is_empty() && self.n_busy == 0
    }
}

/// Stops all threads of a walk, be it for an error, a panic or its end.
struct StopOnDrop<'a>(&'a Shared<'a>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        let guard = self.0.lock();
        self.0.scope.stop();
        drop(guard);
        self.0.found.notify_all();
        self.0.ended.notify_all();
    }
}
