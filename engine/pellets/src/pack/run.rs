//! One packing from its beginning to its end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use durable_fs::{Clock, Fs};

use super::describe::{Described, rfc3339, totals};
use super::options::{Destination, PackOptions, Packed};
use super::origin::origin;
use crate::archive::{Job, Places, Plan, Written, write_archive};
use crate::base::{Against, Known, Stamps};
use crate::cpu::Meter;
use crate::digest::Digest;
use crate::error::PackError;
use crate::observer::{Milestone, PackObserver, Phase, PhaseGuard, Progress};
use crate::profile::Parameters;
use crate::sidecar::{
    CREATED_BY, DELTA_SCHEMA_VERSION, Delta, Later, Rows, SCHEMA_VERSION, Sidecar, SidecarFrame,
};
use crate::sign::sign;
use crate::store::{
    FileTarget, Published, Staging, Store, StoredPellet, publish_beside, publish_in_store,
};
use crate::tree::{self, Manner, RACY_NANOS, Survey, Tree, tree_digest};

/// What is known before the tree is.
struct Start<'a> {
    clock: &'a dyn Clock,
    options: &'a PackOptions,
    /// With the longest frames that may be.
    parameters: Parameters,
    at: Duration,
    unix_nanos: u64,
}

enum Target<'a> {
    Store(&'a Store),
    File(FileTarget),
}

/// Packs the tree at `options.source` into `destination`.
///
/// # Errors
/// [`PackError`]; then neither final nor temporary names of this call remain.
pub fn pack(
    fs: &dyn Fs,
    clock: &dyn Clock,
    options: &PackOptions,
    destination: &Destination<'_>,
    observer: &dyn PackObserver,
) -> Result<Packed, PackError> {
    pack_with(fs, clock, options, options.profile.parameters(options.mtime), destination, observer)
}

/// [`pack`] with other parameters than those of the profile, as tests of small frames want.
pub(crate) fn pack_with(
    fs: &dyn Fs,
    clock: &dyn Clock,
    options: &PackOptions,
    parameters: Parameters,
    destination: &Destination<'_>,
    observer: &dyn PackObserver,
) -> Result<Packed, PackError> {
    let cpu = Meter::default();
    let running = cpu.run();
    let (at, unix_nanos) = (clock.monotonic(), clock.unix_nanos());
    let start = Start { clock, options, parameters, at, unix_nanos };
    let misled = AtomicBool::new(false);
    // What is packed against is compared with its attributes before anything is read.
    let survey = if options.base.is_some() { Survey::Every } else { Survey::Sample };
    let packed = match start.pack(fs, destination, survey, &misled, observer) {
        Err(_) if misled.load(Ordering::Relaxed) => {
            start.pack(fs, destination, Survey::Every, &misled, observer)
        }
        packed => packed,
    };
    drop(running);
    packed.map(|packed| Packed { cpu: cpu.total(), ..packed })
}

impl Target<'_> {
    fn exclude(&self) -> tree::Exclude {
        match self {
            Self::Store(store) => store.exclude(),
            Self::File(file) => file.exclude(),
        }
    }

    fn staging<'a>(&self, fs: &'a dyn Fs) -> Result<Staging<'a>, PackError> {
        let (staging, path) = match self {
            Self::Store(store) => (store.staging(fs), store.dir()),
            Self::File(file) => (file.staging(fs), file.dir()),
        };
        staging.map_err(|e| PackError::in_output(path, e))
    }

    fn publish(
        &self,
        fs: &dyn Fs,
        staged: &StoredPellet,
        staging: &Staging<'_>,
        digest: &Digest,
        observer: &dyn PackObserver,
    ) -> Result<Published, PackError> {
        if observer.cancelled() {
            return Err(PackError::cancelled());
        }
        match self {
            Self::Store(store) => publish_in_store(fs, store, staged, digest, observer),
            Self::File(file) => publish_beside(fs, file, staged, staging, observer),
        }
    }
}

impl Start<'_> {
    /// Packs once; `misled` is set where that fails for a file that has attributes and was not asked for them.
    fn pack(
        &self,
        fs: &dyn Fs,
        destination: &Destination<'_>,
        survey: Survey,
        misled: &AtomicBool,
        observer: &dyn PackObserver,
    ) -> Result<Packed, PackError> {
        let options = self.options;
        let target = match destination {
            Destination::Store(store) => Target::Store(store),
            Destination::File(path) => Target::File(FileTarget::at(path)?),
        };

        let known = options.base.as_deref().map(|base| Known::of(&base.sidecar));
        let tree = self.walk(&target, known.as_ref(), survey, observer)?;

        let phase = PhaseGuard::start(observer, Phase::Pack);
        let mut against = match (options.base.as_deref(), &known) {
            (Some(base), Some(known)) => {
                Against::of(base, known, options.delta, &tree, options.threads, observer)?
            }
            _ => Against::default(),
        };
        let places = Places::of(&tree.entries, |index| against.is_elsewhere(index));
        let parameters = self.parameters.fitted(places.stream_len());
        let plan = Plan::of(places, parameters.frame_size);
        let reuse = against.reuse(&plan, &parameters);
        let staging = target.staging(fs)?;
        let staged = StoredPellet {
            archive: staging.path(&format!("{}.pellet", options.name)),
            sidecar: staging.path(&format!("{}.meta.json", options.name)),
        };
        let failed = |e| PackError::in_output(&staged.archive, e);
        let mut archive = fs.create_new(&staged.archive).map_err(failed)?;
        let contents = std::mem::take(&mut against.contents);
        let known: Vec<bool> = contents.iter().map(Option::is_some).collect();
        let job = Job {
            tree: &tree,
            plan: &plan,
            parameters: &parameters,
            threads: options.threads,
            known: &known,
            reuse: reuse.as_ref(),
            unasked: (tree.survey == Survey::Sample).then_some(misled),
            delta: against.delta.as_ref().map(|delta| (delta.base, &*delta.digests)),
        };
        let written = write_archive(&job, contents, &mut *archive, &staged.archive, observer)?;
        drop(phase);

        let _phase = PhaseGuard::start(observer, Phase::Seal);
        archive.sync().map_err(failed)?;
        drop(archive);
        observer.milestone(Milestone::ArchiveSynced);
        let n_reused = reuse.map_or(0, |reuse| reuse.frames.iter().flatten().count() as u64);
        let merkle = tree::merkle(&tree.entries, &written.contents)
            .ok_or_else(|| PackError::internal("a directory was packed without its digest"))?;
        let rows = Described {
            entries: &tree.entries,
            plan: &plan,
            delta: against.delta.as_ref(),
            contents: &written.contents,
            merkle: &merkle,
        };
        let sidecar = self.sidecar(&tree, parameters, &rows, &written)?;
        self.write_sidecar(fs, &sidecar, &rows, &staged.sidecar)?;
        let published = target.publish(fs, &staged, &staging, &written.digest, observer)?;
        Ok(Packed { n_frames_reused: n_reused, ..self.packed(sidecar, published) })
    }

    fn walk(
        &self,
        target: &Target<'_>,
        known: Option<&Known<'_>>,
        survey: Survey,
        observer: &dyn PackObserver,
    ) -> Result<Tree, PackError> {
        let _phase = PhaseGuard::start(observer, Phase::Walk);
        let PackOptions { source, threads, .. } = self.options;
        let settled = i128::from(self.unix_nanos) - RACY_NANOS;
        let manner = Manner { threads: *threads, survey, settled };
        let tree = tree::walk(source, &target.exclude(), manner, known, observer)?;
        let entries_total = tree.entries.len() as u64;
        let bytes_total = tree.bytes;
        observer.progress(&Progress { bytes_total, entries_total, ..Progress::default() });
        observer.milestone(Milestone::Walked);
        Ok(tree)
    }

    fn duration(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.at)
    }

    fn sidecar(
        &self,
        tree: &Tree,
        parameters: Parameters,
        rows: &Described<'_>,
        written: &Written,
    ) -> Result<Sidecar<Later>, PackError> {
        let digest = tree_digest(&tree.entries, &written.contents)
            .ok_or_else(|| PackError::internal("a file was packed without its digest"))?;
        let source = std::path::absolute(&self.options.source);
        let source = source.as_deref().unwrap_or(&self.options.source);
        let mut frames = Vec::with_capacity(rows.plan.frames.len());
        let mut offset = 0;
        for frame in &written.seek_table.frames {
            frames.push(SidecarFrame {
                offset,
                compressed: frame.compressed,
                content: frame.content,
            });
            offset += u64::from(frame.compressed);
        }
        let mut sidecar = Sidecar {
            schema_version: match rows.delta {
                None => SCHEMA_VERSION,
                Some(_) => DELTA_SCHEMA_VERSION,
            },
            name: self.options.name.clone(),
            digest: written.digest,
            tree: digest,
            merkle: Some(rows.merkle.root),
            profile: self.options.profile,
            parameters,
            created_by: CREATED_BY.to_owned(),
            totals: totals(tree, rows.plan, written.len),
            frames,
            origin: origin(source, tree),
            stamps: Some(Stamps::of(&tree.entries)),
            skipped: tree.skipped.clone(),
            entries: if tree.entries.is_empty() { Later::None } else { Later::Some },
            delta: rows.delta.map(|d| Delta { base: d.base, layers: d.layers.clone() }),
            created_at: rfc3339(self.unix_nanos),
            duration_ms: u64::try_from(self.duration().as_millis()).unwrap_or(u64::MAX),
            signature: None,
        };
        sidecar.signature = self
            .options
            .sign
            .as_ref()
            .map(|key| sign(&sidecar, (0..tree.entries.len()).map(|at| rows.row(at)), key));
        Ok(sidecar)
    }

    fn write_sidecar(
        &self,
        fs: &dyn Fs,
        sidecar: &Sidecar<Later>,
        rows: &Described<'_>,
        path: &Path,
    ) -> Result<(), PackError> {
        let failed = |e| PackError::in_output(path, e);
        let mut file = fs.create_new(path).map_err(failed)?;
        sidecar.write(rows, self.options.threads, &mut *file).map_err(failed)?;
        file.sync().map_err(failed)
    }

    fn packed(&self, sidecar: Sidecar<Later>, published: Published) -> Packed {
        Packed {
            digest: sidecar.digest,
            tree: sidecar.tree,
            entries: sidecar.totals.entries,
            bytes_in: sidecar.totals.bytes_in,
            bytes_out: sidecar.totals.bytes_out,
            frames: sidecar.frames.len() as u64,
            n_frames_reused: 0,
            layers: sidecar.delta.iter().flat_map(|d| &d.layers).map(|l| l.digest).collect(),
            archive: published.pellet.archive,
            sidecar: published.pellet.sidecar,
            reused: published.reused,
            n_ignored: sidecar.totals.ignored,
            n_skipped: sidecar.totals.skipped,
            skipped: sidecar.skipped,
            created_unix_nanos: self.unix_nanos,
            duration: self.duration(),
            cpu: Duration::ZERO,
        }
    }
}
