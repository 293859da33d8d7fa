//! The lives of segments: creation, sealing, giving up, retention.

use std::time::Duration;

use super::error::{LogError, io};
use super::record::{SEGMENT_HEADER_LEN, SegmentId, segment_header};
use super::segment::{Body, Segment, file_name};
use super::shared::{Place, Shared, Writer};
use super::state::State;

impl Shared {
    /// Whether a record of `n_stored` bytes can be staged behind others without leaving their
    /// segment or deleting one.
    pub(super) fn goes_behind(&self, writer: &Writer, n_stored: u64) -> bool {
        let state = self.lock();
        let Some(last) = state.segments.back().filter(|s| !s.sealed) else { return false };
        let n_staged = writer.n_staged + n_stored;
        !writer.broken
            && last.n_bytes + n_staged <= self.options().segment_bytes
            && state.n_bytes + n_staged + SEGMENT_HEADER_LEN <= self.options().max_bytes
    }

    /// Deletes the oldest segments that every exporter has passed until `n_wanted` bytes fit and none
    /// of them is too old; [`LogError::Full`] if they do not fit then.
    pub(super) fn make_room(
        &self,
        writer: &mut Writer,
        n_wanted: u64,
        now: u64,
    ) -> Result<(), LogError> {
        let limit =
            |age: Duration| now.saturating_sub(age.as_nanos().try_into().unwrap_or(u64::MAX));
        let too_old = self.options().max_age.map_or(0, limit);
        let (mut asked, mut owed) = (false, None);
        loop {
            let mut state = self.lock();
            let full = state.n_bytes + writer.n_staged + n_wanted > self.options().max_bytes;
            // Nothing in a segment is younger than the start of the one behind it.
            let old = state.segments.get(1).is_some_and(|next| next.created_at < too_old);
            if !(full || old) {
                return Ok(());
            }
            if !state.oldest_is_history() {
                return if full && !state.segments.is_empty() {
                    Err(LogError::Full)
                } else {
                    Ok(())
                };
            }
            if !asked && state.oldest_is_unkept() {
                asked = true;
                let hook = state.before_delete.clone();
                drop(state);
                owed = hook.filter(|hook| !hook());
                continue;
            }
            let Some(oldest) = state.pop_oldest() else { return Ok(()) };
            if state.segments.is_empty() {
                // The open one goes itself; nothing is staged in it, and it needs no sync.
                writer.file = None;
            }
            drop(state);
            if let (Body::File(file), Place::Disk { fs, .. }) = (&oldest.body, &self.place)
                && let Err(error) = fs.remove_file(&file.path)
            {
                let path = file.path.display();
                tracing::error!(%path, %error, "cannot remove the oldest log segment");
                let mut state = self.lock();
                let sealed = oldest.sealed || writer.file.is_none();
                state.n_bytes += oldest.n_bytes;
                state.segments.push_front(Segment { sealed, ..oldest });
                return Ok(());
            }
            // Failed again, it is logged, and the next segment asks for it.
            owed = owed.filter(|hook| !hook());
        }
    }

    /// Drops the segments of a log in memory that everybody has passed, but for its history.
    pub(super) fn forget_unwanted(&self, state: &mut State) {
        while let Some(n_bytes) = state.n_unwanted_bytes() {
            if state.n_bytes - n_bytes < self.options().history_bytes {
                return;
            }
            state.pop_oldest();
        }
    }

    /// Makes sure that the last segment is open and has room for `n_stored` bytes.
    pub(super) fn rotate(
        &self,
        writer: &mut Writer,
        n_stored: u64,
        now: u64,
    ) -> Result<(), LogError> {
        let last = self.lock().segments.back().filter(|s| !s.sealed).map(|s| s.n_bytes);
        if let Some(n_bytes) = last {
            let n_bytes = n_bytes + writer.n_staged;
            let fits = n_bytes + n_stored <= self.options().segment_bytes;
            if !writer.broken && (fits || n_bytes == SEGMENT_HEADER_LEN) {
                return Ok(());
            }
            if let Err(error) = self.seal(writer) {
                tracing::error!(%error, "a full log segment could not be synced");
            }
        }
        let id = writer.next_id;
        // Whatever happens now, the number is used up: a half-made file is nobody's again.
        writer.next_id = SegmentId(id.0 + 1);
        let segment = match &self.place {
            Place::Memory => Segment::in_memory(id, now),
            Place::Disk { fs, dir } => {
                let path = dir.join(file_name(id));
                let mut file = fs.create_new(&path).map_err(|e| io("create", &path, e))?;
                if let Err(error) = file.write_all(&segment_header(id, now)) {
                    let _ = fs.remove_file(&path);
                    return Err(io("write", &path, error));
                }
                (writer.file, writer.unnamed, writer.broken) = (Some(file), true, false);
                Segment::on_disk(id, path, SEGMENT_HEADER_LEN, now)
            }
        };
        let mut state = self.lock();
        state.n_bytes += segment.n_bytes;
        let before = state.taken;
        state.segments.push_back(Segment { before, ..segment });
        if !self.is_on_disk() {
            self.forget_unwanted(&mut state);
        }
        Ok(())
    }

    /// Syncs the open segment, and its name if it is new.
    pub(super) fn sync(&self, writer: &mut Writer) -> Result<(), LogError> {
        let (Some(file), Place::Disk { fs, dir }) = (&writer.file, &self.place) else {
            return Ok(());
        };
        file.sync().map_err(|e| io("sync a segment in", dir, e))?;
        if writer.unnamed {
            fs.sync_dir(dir).map_err(|e| io("sync", dir, e))?;
            writer.unnamed = false;
        }
        Ok(())
    }

    /// Syncs and leaves the open segment, in which nothing is staged.
    pub(super) fn seal(&self, writer: &mut Writer) -> Result<(), LogError> {
        let synced = self.sync(writer);
        self.leave(writer);
        synced
    }

    /// Leaves the open segment without what is staged in it.
    pub(super) fn abandon(&self, writer: &mut Writer) {
        let end = self.lock().segments.back().map_or(SEGMENT_HEADER_LEN, |last| last.n_bytes);
        if let Some(file) = &writer.file {
            let _ = file.set_len(end);
        }
        writer.staged.clear();
        writer.n_staged = 0;
        self.leave(writer);
    }

    /// Seals the open segment, or forgets it if it holds no record.
    fn leave(&self, writer: &mut Writer) {
        (writer.file, writer.unnamed, writer.broken) = (None, false, false);
        let mut state = self.lock();
        let Some(last) = state.segments.back_mut() else { return };
        last.sealed = true;
        if last.n_bytes > SEGMENT_HEADER_LEN {
            state.sealed.iter().for_each(|alarm| alarm.notify_one());
            return;
        }
        let Some(empty) = state.segments.pop_back() else { return };
        state.n_bytes -= empty.n_bytes;
        drop(state);
        if let (Body::File(file), Place::Disk { fs, .. }) = (&empty.body, &self.place) {
            // Left behind, it is removed by the next start.
            let _ = fs.remove_file(&file.path);
        }
    }
}
