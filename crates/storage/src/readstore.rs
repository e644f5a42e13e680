//! The read store: what lists and statements read, derived from the journal and rebuilt from it whenever in doubt.
//!
//! sled 0.34, behind the commit path and never in it. Two things it does not do are done here. Its flush on Linux syncs no
//! file, so that a power cut loses everything since the last sync by chance: [`ReadStore::flush`] syncs the file itself. And a
//! damaged file makes it return errors late, or panic: both end in [`ReadStoreError`], after which the caller drops the
//! store, opens it again with `fresh`, and replays.
//!
//! A value carries the journal position that it stands for, so a replay over newer values changes nothing. Insert one small value
//! at a time: large batches of random keys cost sled kilobytes of memory per key.

use journal::Position;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The read store cannot be used; the journal has everything that it held.
#[derive(Debug, thiserror::Error)]
pub enum ReadStoreError {
    /// sled failed.
    #[error("the read store in {}", path.display())]
    Sled {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: sled::Error,
    },
    /// sled panicked, as it does on some damaged files.
    #[error("the read store in {} panicked", path.display())]
    Panicked {
        /// Its folder.
        path: PathBuf,
    },
    /// A file or folder could not be synced or moved.
    #[error("the read store's file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A value is not as this program writes it.
    #[error("the read store in {} holds a value that is too short", path.display())]
    Value {
        /// Its folder.
        path: PathBuf,
    },
}

/// An open read store, and up to where it holds everything.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: ReadStore,
    /// Everything up to and including this position is in it; `None` when it is new. Replay what follows.
    pub through: Option<Position>,
    /// Where the folder found in its place was put, when that one could not be used.
    pub set_aside: Option<PathBuf>,
    /// What opening that one met; `None` when it was only of another format, or of more records than the journal holds.
    pub met: Option<ReadStoreError>,
}

/// A derived store of (key, position, value).
#[derive(Debug)]
pub struct ReadStore {
    folder: PathBuf,
    database: sled::Db,
    state: sled::Tree,
}

const POSITION_BYTES: usize = 8;
/// How often, and how long, to wait for a dropped store's lock: two seconds in all, far longer than it lasts.
const RELEASE_TRIES: u32 = 80;
const RELEASE_PAUSE: Duration = Duration::from_millis(25);
const FORMAT: &str = "format";
const THROUGH: &str = "through";

/// A value, and the position of the record that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record.
    pub position: Position,
    /// The value.
    pub value: Vec<u8>,
}

impl ReadStore {
    /// Opens the store in `folder`. `format` says what the caller keeps in it and of which journal; a store of another format,
    /// of a position at or beyond `journal_end` (the journal was restored from a copy), or one that does not open, is moved
    /// beside it and a new one begun.
    pub fn open(folder: &Path, format: &str, journal_end: Position) -> Result<Opened, ReadStoreError> {
        let met = match Self::try_open(folder, format) {
            Ok(Some((store, through))) if through.is_none_or(|through| through < journal_end) => {
                return Ok(Opened { store, through, set_aside: None, met: None });
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        Ok(Opened { met, ..Self::fresh(folder, format)? })
    }

    /// Sets aside what is in `folder` and begins a new store: after an error of the old one, which must have been dropped.
    pub fn fresh(folder: &Path, format: &str) -> Result<Opened, ReadStoreError> {
        let set_aside = set_aside(folder)?;
        let (store, _) = Self::try_open(folder, format)?
            .ok_or_else(|| ReadStoreError::Panicked { path: folder.to_owned() })?;
        Ok(Opened { store, through: None, set_aside, met: None })
    }

    /// The store and its position; `None` when it is of another format.
    fn try_open(folder: &Path, format: &str) -> Result<Option<(Self, Option<Position>)>, ReadStoreError> {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadStoreError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(file(folder))?;
        let (database, state) = guarded(folder, || {
            let config = sled::Config::new().path(folder).cache_capacity(64 << 20).flush_every_ms(None);
            let database = released(|| config.open())?;
            let state = database.open_tree("state")?;
            Ok((database, state))
        })?;
        for path in [Some(folder), parent].into_iter().flatten() {
            File::open(path).and_then(|folder| folder.sync_all()).map_err(file(path))?;
        }
        let store = Self { folder: folder.to_owned(), database, state };
        let (found, through) = store.guarded(|| Ok((store.state.get(FORMAT)?, store.state.get(THROUGH)?)))?;
        match found {
            Some(found) if found == format.as_bytes() => {}
            Some(_) => return Ok(None),
            None if store.database.is_empty() => {
                store.guarded(|| store.state.insert(FORMAT, format.as_bytes()))?;
            }
            None => return Ok(None),
        }
        let through = match through {
            Some(bytes) => Some(store.split(&bytes)?.0),
            None => None,
        };
        Ok(Some((store, through)))
    }

    /// Keeps `value` under `key`, as of the record at `position`. A value of a later record stays as it is.
    pub fn insert(&self, key: &[u8], position: Position, value: &[u8]) -> Result<(), ReadStoreError> {
        if let Some(found) = self.guarded(|| self.database.get(key))?
            && self.split(&found)?.0 > position
        {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(POSITION_BYTES + value.len());
        bytes.extend_from_slice(&position.get().to_le_bytes());
        bytes.extend_from_slice(value);
        self.guarded(|| self.database.insert(key, bytes.as_slice())).map(drop)
    }

    /// What is kept under `key`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Stored>, ReadStoreError> {
        let found = self.guarded(|| self.database.get(key))?;
        found.map(|bytes| self.stored(&bytes)).transpose()
    }

    /// Gives what is kept under keys that start with `prefix`, from `from` on (which starts with it too, or is empty), to `each`
    /// in the order of keys, until it answers `false`.
    pub fn scan_prefix(
        &self,
        prefix: &[u8],
        from: &[u8],
        mut each: impl FnMut(&[u8], Stored) -> bool,
    ) -> Result<(), ReadStoreError> {
        let mut entries = self.database.range(prefix.max(from)..);
        while let Some((key, bytes)) = self.guarded(|| entries.next().transpose())? {
            if !key.starts_with(prefix) || !each(&key, self.stored(&bytes)?) {
                break;
            }
        }
        Ok(())
    }

    /// The last key that starts with `prefix`, and what is kept under it.
    pub fn last_with_prefix(&self, prefix: &[u8]) -> Result<Option<(Vec<u8>, Stored)>, ReadStoreError> {
        let found = self.guarded(|| self.database.scan_prefix(prefix).next_back().transpose())?;
        found.map(|(key, bytes)| Ok((key.to_vec(), self.stored(&bytes)?))).transpose()
    }

    /// Makes everything inserted durable and then says that it covers the journal through `through`.
    pub fn flush(&self, through: Position) -> Result<(), ReadStoreError> {
        self.sync()?;
        self.guarded(|| self.state.insert(THROUGH, &through.get().to_le_bytes()))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), ReadStoreError> {
        self.guarded(|| self.database.flush())?;
        let path = self.folder.join("db");
        File::open(&path)
            .and_then(|file| file.sync_data())
            .map_err(|source| ReadStoreError::File { path, source })
    }

    fn stored(&self, bytes: &[u8]) -> Result<Stored, ReadStoreError> {
        let (position, value) = self.split(bytes)?;
        Ok(Stored { position, value: value.to_vec() })
    }

    fn split<'a>(&self, bytes: &'a [u8]) -> Result<(Position, &'a [u8]), ReadStoreError> {
        let (position, value) = bytes
            .split_first_chunk::<POSITION_BYTES>()
            .ok_or_else(|| ReadStoreError::Value { path: self.folder.clone() })?;
        Ok((Position::new(u64::from_le_bytes(*position)), value))
    }

    fn guarded<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T, ReadStoreError> {
        guarded(&self.folder, work)
    }
}

/// Opens a store whose earlier handle, dropped in this process, may still be locked: sled's threads let go a moment later.
/// No other process has it, because the journal's lock is taken first.
fn released<T>(open: impl Fn() -> sled::Result<T>) -> sled::Result<T> {
    for _ in 0..RELEASE_TRIES {
        match open() {
            // sled gives this error no kind of its own.
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::sleep(RELEASE_PAUSE);
            }
            opened => return opened,
        }
    }
    open()
}

/// Runs sled, turning its panics into errors. Nothing of ours is shared with it, and the caller drops the store after an error,
/// so no broken invariant is seen.
fn guarded<T>(folder: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T, ReadStoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(ReadStoreError::Sled { path: folder.to_owned(), source }),
        Err(_) => Err(ReadStoreError::Panicked { path: folder.to_owned() }),
    }
}

/// Moves a folder beside itself under the first free number.
fn set_aside(folder: &Path) -> Result<Option<PathBuf>, ReadStoreError> {
    if !folder.exists() {
        return Ok(None);
    }
    let target = (1_u64..)
        .map(|number| folder.with_added_extension(format!("set-aside-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.with_added_extension("set-aside"));
    std::fs::rename(folder, &target)
        .map_err(|source| ReadStoreError::File { path: folder.to_owned(), source })?;
    Ok(Some(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_after_which_a_new_store_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read");
        let Opened { store, .. } = ReadStore::open(&path, "test", Position::new(9)).unwrap();
        let failed: Result<(), _> = store.guarded(|| panic!("as sled does"));
        assert!(matches!(failed, Err(ReadStoreError::Panicked { .. })), "{failed:?}");
        drop(store);
        assert!(ReadStore::fresh(&path, "test").unwrap().set_aside.is_some());
    }
}
