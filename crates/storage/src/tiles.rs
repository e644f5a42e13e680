//! The tree's hashes beside the journal, for proofs and for whoever fetches tiles.
//!
//! ```text
//! <root>/<system>/<service>/tiles/<level>     all hashes of one tile level in a row, 32 bytes each: tile n is the n-th 8 KiB
//! ```
//!
//! Derived from the records and never trusted beyond the last signed checkpoint: at a start the root is computed from the files
//! and compared, and what follows is written again from the records. A proof that does not verify is not given out.

use crate::{Access, Disk, DiskFile, ReadError, Reader};
use core::sync::atomic::{AtomicU64, Ordering};
use journal::{
    Checkpoint, Digest, Position, ProofError, ProvenRange, TILE_WIDTH, TileHashes, TileId, Tree,
    inclusion_proof, leaf_hash, range_proof, verify_inclusion,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// A hash could not be kept or read, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The folder could not be created.
    #[error("creating {}", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record could not be read to derive its hash.
    #[error("deriving a tile from the journal")]
    Record(#[source] ReadError),
    /// The hashes asked for are not there.
    #[error("level {level} of {} has no such hashes", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
        /// The tile level.
        level: u8,
    },
    /// The hashes do not lead to the checkpoint's root: remove the folder, and the next start derives it again.
    #[error("the tiles in {} do not lead to the root of the checkpoint", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
    },
}

const HASH_BYTES: u64 = 32;

/// Hashes are written when this many wait.
const WAITING_MAX: usize = 1 << 15;

#[derive(Debug)]
struct Files {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    levels: RwLock<Vec<Arc<dyn DiskFile>>>,
    /// How many leaves readers may count on.
    size: AtomicU64,
}

/// Writes the tiles of one journal.
#[derive(Debug)]
pub struct TileStore {
    files: Arc<Files>,
    /// Per level: how many hashes are written, and those that wait.
    levels: Vec<(u64, Vec<u8>)>,
}

/// Reads the tiles of one journal and makes proofs, from any thread.
#[derive(Debug, Clone)]
pub struct TileReader {
    files: Arc<Files>,
}

impl TileStore {
    /// Opens the tiles in `folder` and brings them up to the journal that `records` reads: from `checkpoint` on when they lead to
    /// its root, else from the start.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        checkpoint: &Checkpoint,
        records: &Reader,
    ) -> Result<Self, TileError> {
        disk.create_folder(folder).map_err(|source| TileError::Create { path: folder.to_owned(), source })?;
        let files =
            Files { disk, folder: folder.to_owned(), levels: RwLock::default(), size: AtomicU64::new(0) };
        let mut store = Self { files: Arc::new(files), levels: Vec::new() };
        let mut tree = store.resume(checkpoint).unwrap_or_default();
        store.levels = (0..8).map(|level| (TileId::hashes_in(level, tree.size()), Vec::new())).collect();
        let mut failed = None;
        let read = records.read_from(Position::new(tree.size()), |_, record| {
            tree.append_with(leaf_hash(record), |level, hash| store.push(level, hash));
            if store.levels[0].1.len() >= WAITING_MAX {
                failed = store.write().err();
            }
            failed.is_none()
        });
        read.map_err(TileError::Record)?;
        match failed {
            Some(error) => Err(error),
            None => store.write().map(|()| store),
        }
    }

    /// Takes a hash as [`Tree::append_with`] gives it. It is kept in memory until [`TileStore::write`].
    pub fn push(&mut self, level: u8, hash: Digest) {
        if let Some((_, waiting)) = self.levels.get_mut(usize::from(level)) {
            waiting.extend_from_slice(&hash.0);
        }
    }

    /// Writes what waits; readers see it from then on.
    pub fn write(&mut self) -> Result<(), TileError> {
        for (level, (written, waiting)) in self.levels.iter_mut().enumerate() {
            if waiting.is_empty() {
                continue;
            }
            let kept = self
                .files
                .level_to_write(level)
                .and_then(|file| file.write_all_at(waiting, *written * HASH_BYTES));
            let path = level_path(&self.files.folder, level);
            kept.map_err(|source| TileError::Write { path, source })?;
            *written += waiting.len() as u64 / HASH_BYTES;
            waiting.clear();
        }
        let size = self.levels.first().map_or(0, |(written, _)| *written);
        self.files.size.store(size, Ordering::Release);
        Ok(())
    }

    /// Makes what is written durable. Call it before the checkpoint is written that the next start is to go on from.
    pub fn sync(&mut self) -> Result<(), TileError> {
        self.write()?;
        let levels = self.files.levels.read().unwrap_or_else(PoisonError::into_inner);
        for (level, file) in levels.iter().enumerate() {
            let path = level_path(&self.files.folder, level);
            file.sync_data().map_err(|source| TileError::Write { path, source })?;
        }
        Ok(())
    }

    /// Reads tiles from any thread.
    #[must_use]
    pub fn reader(&self) -> TileReader {
        TileReader { files: Arc::clone(&self.files) }
    }

    /// The tree at `checkpoint`, when the files lead to its root.
    fn resume(&self, checkpoint: &Checkpoint) -> Option<Tree> {
        self.files.open_existing();
        // Published for the reading that follows; what is not there fails it.
        self.files.size.store(checkpoint.size, Ordering::Release);
        let tree = Tree::resume(checkpoint.size, &self.reader()).ok();
        self.files.size.store(0, Ordering::Release);
        tree.filter(|tree| tree.root() == checkpoint.root)
    }
}

impl Files {
    fn level(&self, level: usize) -> Option<Arc<dyn DiskFile>> {
        self.levels.read().unwrap_or_else(PoisonError::into_inner).get(level).cloned()
    }

    fn open_existing(&self) {
        let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
        while let Ok(file) = self.disk.open(&level_path(&self.folder, levels.len()), Access::Write) {
            levels.push(file);
        }
    }

    /// The file of a level, made when it is missing. Levels are first written in order, so at most one is.
    fn level_to_write(&self, level: usize) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.level(level) {
            return Ok(file);
        }
        let file = self.disk.open(&level_path(&self.folder, level), Access::Create)?;
        self.disk.sync_folder(&self.folder)?;
        self.levels.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&file));
        Ok(file)
    }
}

impl TileReader {
    /// How many leaves the tiles hold.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.size.load(Ordering::Acquire)
    }

    /// The bytes of a tile, as c2sp.org/tlog-tiles serves them; `None` when the tree has not filled it so far.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, TileError> {
        if !tile.is_in(self.size()) {
            return Ok(None);
        }
        self.bytes(tile.level(), tile.first(), tile.width()).map(Some)
    }

    /// The proof that the tree of `checkpoint` holds `leaf` at `position`, checked before it is given.
    pub fn inclusion(
        &self,
        position: Position,
        leaf: Digest,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Digest>, TileError> {
        let path =
            inclusion_proof(position.get(), checkpoint.size, self).map_err(|error| self.failed(error))?;
        if verify_inclusion(position.get(), leaf, &path, checkpoint) { Ok(path) } else { Err(self.damaged()) }
    }

    /// The proof that the tree of `checkpoint` holds `leaves` from position `first` on, checked before it is given.
    pub fn range(
        &self,
        first: Position,
        leaves: &[Digest],
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Digest>, TileError> {
        let end = first.get().saturating_add(leaves.len() as u64);
        let proof =
            range_proof(first.get(), end, checkpoint.size, self).map_err(|error| self.failed(error))?;
        match ProvenRange::verify(checkpoint, first.get(), leaves, &proof) {
            Some(_) => Ok(proof),
            None => Err(self.damaged()),
        }
    }

    /// The proof that the tree of `new` leaves begins with the tree of `old` leaves.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, TileError> {
        journal::consistency_proof(old, new, self).map_err(|error| self.failed(error))
    }

    fn bytes(&self, level: u8, first: u64, count: u64) -> Result<Vec<u8>, TileError> {
        let absent = || TileError::Absent { path: self.files.folder.clone(), level };
        let end = first.checked_add(count).ok_or_else(absent)?;
        if end > TileId::hashes_in(level, self.size()) {
            return Err(absent());
        }
        let file = self.files.level(usize::from(level)).ok_or_else(absent)?;
        let mut bytes = vec![0; usize::try_from(count * HASH_BYTES).map_err(|_| absent())?];
        let path = || level_path(&self.files.folder, usize::from(level));
        file.read_exact_at(&mut bytes, first * HASH_BYTES)
            .map_err(|source| TileError::Read { path: path(), source })?;
        Ok(bytes)
    }

    fn failed(&self, error: ProofError<TileError>) -> TileError {
        match error {
            ProofError::Nodes(error) => error,
            ProofError::OutOfRange => TileError::Absent { path: self.files.folder.clone(), level: 0 },
        }
    }

    fn damaged(&self) -> TileError {
        TileError::Damaged { path: self.files.folder.clone() }
    }
}

impl TileHashes for TileReader {
    type Error = TileError;

    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Digest>, TileError> {
        // At most one tile at a time: a node lies inside one.
        let bytes = self.bytes(level, first, count.min(TILE_WIDTH))?;
        Ok(bytes.as_chunks().0.iter().map(|&hash| Digest(hash)).collect())
    }
}

fn level_path(folder: &Path, level: usize) -> PathBuf {
    folder.join(level.to_string())
}
