//! Making the next segment ready before it is needed.

use super::{Options, Segment, StoreError, segment_path};
use crate::disk::NEW_SUFFIX;
use crate::{Access, Disk};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Zeros are synced in pieces of this size, so that no group's sync waits behind a whole segment's.
const PIECE_BYTES: u64 = 2 << 20;

/// How many zeros are written at once. Linux keeps what one write brought as one folio in its page cache, and goes through all
/// of a folio's blocks at each small write and sync in it: of two mebibytes that costs more than the sync itself.
const WRITE_BYTES: usize = 16 << 10;

/// Prepares one segment ahead of the writer.
#[derive(Debug)]
pub(super) struct Preparer {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: Options,
    /// The ordinal of the segment that comes next.
    ordinal: usize,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Absent,
    Preparing(JoinHandle<Result<Segment, StoreError>>),
    Ready(Segment),
}

impl Preparer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        options: Options,
        ordinal: usize,
        ready: Option<Segment>,
    ) -> Self {
        let next = ready.map_or(Next::Absent, Next::Ready);
        Self { disk, folder, options, ordinal, next }
    }

    /// Starts preparing when half of the current segment is used, or when the rest may not hold what is in flight; takes the
    /// result when there is one.
    pub(super) fn poll(&mut self, left: u64, current: u64) -> Result<(), StoreError> {
        if let Next::Preparing(thread) = &self.next
            && thread.is_finished()
        {
            let segment = self.wait()?;
            self.next = Next::Ready(segment);
        }
        let due = left < (current / 2).max(self.needed());
        if !due || !matches!(self.next, Next::Absent) {
            return Ok(());
        }
        let prepare = self.job()?;
        if self.options.prepare_in_background {
            let started = std::thread::Builder::new().name("segment".to_owned()).spawn(prepare);
            let path = segment_path(&self.folder, self.ordinal);
            self.next = Next::Preparing(started.map_err(|source| StoreError::Prepare { path, source })?);
        } else {
            self.next = Next::Ready(prepare()?);
        }
        Ok(())
    }

    /// Whether what is being decided now can be written: `left` bytes of the current segment remain, or the next one is there
    /// or on its way, with its space known to be free.
    pub(super) const fn accepts(&self, left: u64) -> bool {
        left >= self.needed() || !matches!(self.next, Next::Absent)
    }

    /// The next segment, waiting for it or preparing it here when need be.
    pub(super) fn take(&mut self) -> Result<Segment, StoreError> {
        let segment = match &self.next {
            Next::Ready(segment) => segment.clone(),
            Next::Preparing(_) => self.wait()?,
            Next::Absent => self.job()?()?,
        };
        self.next = Next::Absent;
        self.ordinal = self.ordinal.saturating_add(1);
        Ok(segment)
    }

    /// One group in flight and one being filled.
    const fn needed(&self) -> u64 {
        self.options.first_segment_bytes
    }

    fn wait(&mut self) -> Result<Segment, StoreError> {
        match core::mem::replace(&mut self.next, Next::Absent) {
            Next::Preparing(thread) => thread.join().unwrap_or_else(|_| {
                let path = segment_path(&self.folder, self.ordinal);
                Err(StoreError::Prepare { path, source: io::Error::other("the preparing thread panicked") })
            }),
            Next::Ready(segment) => Ok(segment),
            Next::Absent => self.job()?(),
        }
    }

    /// The work of preparing, once the space for it is known to be there.
    fn job(&self) -> Result<impl FnOnce() -> Result<Segment, StoreError> + Send + use<>, StoreError> {
        let bytes = self.options.segment_bytes(self.ordinal);
        let path = segment_path(&self.folder, self.ordinal);
        let needed = bytes.saturating_add(self.options.reserve_bytes);
        let failed = |source| StoreError::Prepare { path: path.clone(), source };
        let free = self.disk.free_space(&self.folder).map_err(failed)?;
        if free < needed {
            return Err(StoreError::NoSpace { path, free, needed });
        }
        let (disk, folder) = (Arc::clone(&self.disk), self.folder.clone());
        Ok(move || match zero_filled(&*disk, &folder, &path, bytes) {
            Ok(file) => Ok(Segment { path, file, bytes, archived: None }),
            Err(source) if source.kind() == io::ErrorKind::StorageFull => {
                Err(StoreError::NoSpace { path, free, needed })
            }
            Err(source) => Err(StoreError::Prepare { path, source }),
        })
    }
}

fn zero_filled(
    disk: &dyn Disk,
    folder: &std::path::Path,
    path: &std::path::Path,
    bytes: u64,
) -> io::Result<Arc<dyn crate::DiskFile>> {
    let temporary = path.with_added_extension(NEW_SUFFIX.trim_start_matches('.'));
    let file = disk.open(&temporary, Access::Create)?;
    let zeros = [0; WRITE_BYTES];
    let mut at = 0;
    while at < bytes {
        let left = usize::try_from(bytes.saturating_sub(at)).unwrap_or(WRITE_BYTES);
        let piece = &zeros[..left.min(WRITE_BYTES)];
        file.write_all_at(piece, at)?;
        at = at.saturating_add(piece.len() as u64);
        if at.is_multiple_of(PIECE_BYTES) || at == bytes {
            file.sync_data()?;
        }
    }
    disk.rename(&temporary, path)?;
    disk.sync_folder(folder)?;
    Ok(file)
}
