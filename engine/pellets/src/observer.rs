//! What a caller sees and steers while a Pellet is packed.

/// A part of packing that a caller may time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The tree is listed.
    Walk,
    /// Files are read, compressed and written.
    Pack,
    /// Both files are made durable and get their names.
    Seal,
}

/// A point at which the files on disk are in a state of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// The tree is listed; no file was opened yet.
    Walked,
    /// A frame stands in the temporary archive.
    FrameWritten {
        /// Zero-based position of the frame.
        index: usize,
        /// How many frames there will be.
        n_planned: usize,
    },
    /// The temporary archive is durable.
    ArchiveSynced,
    /// The archive bears its final name.
    ArchiveRenamed,
    /// The sidecar bears its final name.
    SidecarRenamed,
}

/// How far packing has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Content bytes read.
    pub bytes_done: u64,
    /// Content bytes of the tree; 0 while it is walked.
    pub bytes_total: u64,
    /// Entries read.
    pub entries_done: u64,
    /// Entries of the tree; those found so far while it is walked.
    pub entries_total: u64,
    /// Archive bytes written.
    pub bytes_out: u64,
}

/// Watches one packing; every call comes from the thread that called [`pack`](crate::pack).
pub trait PackObserver: Send + Sync {
    /// A phase begins.
    fn phase_started(&self, _phase: Phase) {}

    /// A phase ends, by success or by error.
    fn phase_ended(&self, _phase: Phase) {}

    /// Progress was made; called about every 100 ms and after each frame.
    fn progress(&self, _progress: &Progress) {}

    /// A milestone was reached; packing goes on when this returns.
    fn milestone(&self, _milestone: Milestone) {}

    /// Whether packing shall stop; asked often, so it must be cheap.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An observer that sees nothing and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl PackObserver for Unobserved {}

/// Announces a phase and, when dropped, its end.
pub(crate) struct PhaseGuard<'a> {
    observer: &'a dyn PackObserver,
    phase: Phase,
}

impl<'a> PhaseGuard<'a> {
    pub(crate) fn start(observer: &'a dyn PackObserver, phase: Phase) -> Self {
        observer.phase_started(phase);
        Self { observer, phase }
    }
}

impl Drop for PhaseGuard<'_> {
    fn drop(&mut self) {
        self.observer.phase_ended(self.phase);
    }
}
