//! A journal in segment files: one write and one sync per group.
//!
//! ```text
//! open ─▶ Recovery ──next_group, …──▶ finish ─▶ SegmentStore ──append──▶ durable
//!                                                   └─▶ Reader (any thread)
//! ```
//!
//! Segments are written with zeros and synced before their first use, so that a group's sync has no file length or block map
//! to make durable: two to six times faster. They are never reused; the first holds 4 MiB, each next one twice as much, up
//! to 64 MiB. The next one is made ready on a thread of its own while the current one fills.

mod error;
mod kept;
mod open;
mod prepare;
mod read;

pub use error::{OpenError, ReadError, StoreError};
pub use open::{Recovered, Recovery, TailCut};
pub use read::{Reader, Scrubbed};

use crate::disk::replace;
use crate::{Access, Disk, DiskFile, DiskLock};
use journal::{
    Checkpoint, CheckpointSigner, Digest, GROUP_BYTES_MAX, Group, GroupBuilder, GroupError, Position,
};
pub(crate) use kept::{archived_path, read_archived};
use prepare::Preparer;
use read::Shared;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const CHECKPOINT: &str = "checkpoint";

/// Sizes and limits of a journal's files.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The size of the first segment; a multiple of 512 that holds every group.
    pub first_segment_bytes: u64,
    /// The size of the largest segment.
    pub segment_bytes_max: u64,
    /// What preparing a segment leaves free on the file system. When it cannot, writes are refused and reads go on.
    pub reserve_bytes: u64,
    /// How much of recently read groups is kept decoded.
    pub cache_bytes: usize,
    /// Whether the next segment is prepared on a thread of its own.
    pub prepare_in_background: bool,
    /// How often whoever drives the journal reads all of it again, to find damage before it is asked for. `None`: never.
    pub scrub_every: Option<Duration>,
    /// A new snapshot of the state is due when the journal holds so many records more than the last one.
    pub snapshot_records: u64,
    /// How many request ids are in memory before they go to a file; no more than a run of the engine holds.
    pub ids_in_memory: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Two of the largest groups.
            first_segment_bytes: 2 * GROUP_BYTES_MAX as u64,
            segment_bytes_max: 64 << 20,
            reserve_bytes: 64 << 20,
            cache_bytes: 16 << 20,
            prepare_in_background: true,
            scrub_every: Some(Duration::from_hours(24)),
            // About a second of replay.
            snapshot_records: 1 << 20,
            ids_in_memory: usize::MAX,
        }
    }
}

impl Options {
    fn segment_bytes(&self, ordinal: usize) -> u64 {
        let doublings = u32::try_from(ordinal).unwrap_or(u32::MAX).min(32);
        self.first_segment_bytes
            .saturating_mul(1 << doublings)
            .min(self.segment_bytes_max.max(self.first_segment_bytes))
    }
}

/// A segment file that is ready to be written, zeros up to its length, durable under its name; or one that was archived.
#[derive(Debug, Clone)]
struct Segment {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    bytes: u64,
    /// The SHA-256 of the whole of it while it is in an archive, where it is only read.
    archived: Option<Digest>,
}

/// The journal's single writer. Holds the lock on its folder as long as it lives.
#[derive(Debug)]
pub struct SegmentStore {
    shared: Arc<Shared>,
    builder: GroupBuilder,
    spare: Vec<u8>,
    /// The segment being written, and the next free byte in it.
    current: Segment,
    ordinal: usize,
    offset: u64,
    preparer: Preparer,
    signer: CheckpointSigner,
    checkpoint: Checkpoint,
    poisoned: bool,
    _lock: Box<dyn DiskLock>,
}

impl SegmentStore {
    /// Locks `folder`, reads and checks its checkpoint, and starts to recover the journal in it; one that does not exist is
    /// created. `signer` checks and signs the checkpoint file.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        signer: CheckpointSigner,
        options: Options,
    ) -> Result<Recovery, OpenError> {
        Recovery::new(disk, folder, signer, options)
    }

    /// Appends `records`, which must carry the next positions, and returns when they are durable.
    ///
    /// The position returned is the first that is not durable: everything below it survives a crash and a power cut, and
    /// nothing at or above it may be answered or shown. Records beyond [`GROUP_BYTES_MAX`] go into several groups, each with its
    /// own sync.
    ///
    /// Any error is final: what was given is neither surely there nor surely absent, every later call answers
    /// [`StoreError::Stopped`], and the process must end and recover. Space is no such error as long as the caller
    /// decides nothing while [`Reader::accepting`] is false.
    pub fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Position, StoreError> {
        if self.poisoned {
            return Err(StoreError::Stopped);
        }
        // Set until everything went well: whatever leaves early leaves the store stopped.
        self.poisoned = true;
        for record in records {
            let pushed = match self.builder.push(record) {
                Err(GroupError::Full) => {
                    self.write_group()?;
                    self.builder.push(record)
                }
                pushed => pushed,
            };
            pushed.map_err(StoreError::Record)?;
        }
        self.write_group()?;
        self.poisoned = false;
        Ok(self.durable_before())
    }

    /// The first position that is not durable.
    #[must_use]
    pub fn durable_before(&self) -> Position {
        self.shared.end()
    }

    /// Makes the next segment ready when that is due, and says whether writes are accepted. [`SegmentStore::append`] does so
    /// too; call it now and then while they are not, so that space given back is noticed.
    pub fn prepare(&mut self) -> Result<(), StoreError> {
        let left = self.current.bytes.saturating_sub(self.offset);
        let prepared = self.preparer.poll(left, self.current.bytes);
        self.shared.set_accepting(self.preparer.accepts(left));
        prepared
    }

    /// Signs `checkpoint` and puts it in the checkpoint file, durable when it returns; from then on a journal shorter than it
    /// refuses to start. It must not be ahead of what is durable.
    pub fn write_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<String, StoreError> {
        if checkpoint.size > self.durable_before().get() {
            return Err(StoreError::CheckpointAhead {
                size: checkpoint.size,
                durable: self.durable_before().get(),
            });
        }
        let note = self.signer.sign(&checkpoint);
        if checkpoint != self.checkpoint {
            save_checkpoint(self.shared.disk(), self.shared.folder(), &note)?;
            self.checkpoint = checkpoint;
        }
        Ok(note)
    }

    /// Signs with `signer` from now on.
    pub(crate) fn succeed(&mut self, signer: CheckpointSigner) {
        self.signer = signer;
    }

    /// The checkpoint in the checkpoint file.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// Reads records from any thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    fn write_group(&mut self) -> Result<(), StoreError> {
        let durable = self.durable_before();
        let Some(group) = self.builder.finish(durable, core::mem::take(&mut self.spare)) else {
            return Ok(());
        };
        let bytes = group.bytes().len() as u64;
        if self.offset.saturating_add(bytes) > self.current.bytes {
            self.next_segment(&group)?;
        }
        let (path, offset) = (&self.current.path, self.offset);
        let failed = |source| StoreError::Write { path: path.clone(), offset, source };
        self.current.file.write_all_at(group.bytes(), offset).map_err(failed)?;
        self.current.file.sync_data().map_err(|source| StoreError::Sync { path: path.clone(), source })?;
        self.shared.add_group(group.header(), self.ordinal, offset);
        self.offset = offset.saturating_add(bytes);
        self.spare = group.into_buffer();
        // What goes wrong with the next segment is said when it is needed, or by `prepare`.
        let _ = self.prepare();
        Ok(())
    }

    fn next_segment(&mut self, group: &Group) -> Result<(), StoreError> {
        let segment = self.preparer.take()?;
        if segment.bytes < group.bytes().len() as u64 {
            return Err(StoreError::GroupTooLarge { path: segment.path, bytes: group.bytes().len() });
        }
        self.ordinal = self.ordinal.saturating_add(1);
        self.offset = 0;
        self.shared.add_segment(segment.clone());
        self.current = segment;
        Ok(())
    }
}

fn save_checkpoint(disk: &dyn Disk, folder: &Path, note: &str) -> Result<(), StoreError> {
    let path = folder.join(CHECKPOINT);
    replace(disk, &path, note.as_bytes(), Access::Create)
        .map_err(|source| StoreError::Checkpoint { path, source })
}

pub(crate) fn segment_path(folder: &Path, ordinal: usize) -> PathBuf {
    folder.join(format!("{ordinal:08}.segment"))
}
