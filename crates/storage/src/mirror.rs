//! A second copy of a journal on another device: written and synced with the first, and read when the first is damaged.
//!
//! ```text
//! <data folder>/<system>/<service>/{journal, blobs}     the first copy
//! <data folder>/<system>/<service>/mirrored             there while both copies are written together
//! <mirror>/<system>/<service>/{journal, blobs}          the second
//! ```
//!
//! Nothing is acknowledged before both copies have it; whichever fails stops the journal. [`mend`] compares them before a start and
//! mends each from the other; [`Reader`](crate::Reader) does so for what it reads meanwhile.

mod compare;
mod mend;

pub use mend::{Copies, Mend, MirrorError, Way, check, mend, unmirrored};

use crate::{Access, Disk, DiskFile, DiskLock};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A disk whose every file has a copy in another folder. Reads are answered from the first.
#[derive(Debug)]
pub struct MirrorDisk {
    disk: Arc<dyn Disk>,
    first: PathBuf,
    second: PathBuf,
    syncer: Syncer,
}

impl MirrorDisk {
    /// Keeps what is under `first` also under `second`, by a thread of its own, so that both devices sync at the same time.
    pub fn new(disk: Arc<dyn Disk>, first: &Path, second: &Path) -> io::Result<Self> {
        let syncer = Syncer::start()?;
        Ok(Self { disk, first: first.to_owned(), second: second.to_owned(), syncer })
    }

    /// Does it to both copies; to an archive, which has no second one here, once.
    fn both(&self, path: &Path, work: impl Fn(&dyn Disk, &Path) -> io::Result<()>) -> io::Result<()> {
        if path.starts_with(&self.first) {
            work(&*self.disk, &self.second(path)?)?;
        }
        work(&*self.disk, path)
    }

    fn second(&self, path: &Path) -> io::Result<PathBuf> {
        let below = path.strip_prefix(&self.first).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not mirrored", path.display()))
        })?;
        Ok(self.second.join(below))
    }
}

impl Disk for MirrorDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.both(path, Disk::create_folder)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let first = self.disk.open(path, access)?;
        if !path.starts_with(&self.first) {
            // An archive has no second copy here.
            return Ok(first);
        }
        let second = self.second(path)?;
        let second = match access {
            // What was damaged or lost of the second copy must not keep the first from being read.
            Access::Read => match self.disk.open(&second, access) {
                Ok(second) => second,
                Err(_) => return Ok(first),
            },
            Access::Write | Access::Create | Access::CreatePrivate => self.disk.open(&second, access)?,
        };
        Ok(Arc::new(MirrorFile { first, second, syncer: self.syncer.clone() }))
    }

    fn lock(&self, folder: &Path) -> io::Result<Box<dyn DiskLock>> {
        let second = self.second(folder)?;
        Ok(Box::new(MirrorLock { _first: self.disk.lock(folder)?, _second: self.disk.lock(&second)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.starts_with(&self.first) {
            self.disk.rename(&self.second(from)?, &self.second(to)?)?;
        }
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.disk.remove(&self.second(path)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.disk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.both(path, Disk::sync_folder)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        Ok(self.disk.free_space(path)?.min(self.disk.free_space(&self.second(path)?)?))
    }
}

#[derive(Debug)]
struct MirrorFile {
    first: Arc<dyn DiskFile>,
    second: Arc<dyn DiskFile>,
    syncer: Syncer,
}

impl DiskFile for MirrorFile {
    fn len(&self) -> io::Result<u64> {
        self.first.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.first.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let written = self.first.write_at(bytes, offset)?;
        self.second.write_all_at(&bytes[..written], offset)?;
        Ok(written)
    }

    fn sync_data(&self) -> io::Result<()> {
        let second = self.syncer.sync(Arc::clone(&self.second))?;
        let first = self.first.sync_data();
        // Both, whatever the first said: nothing of this file is in flight when an error is reported.
        let second = second.recv().map_err(io::Error::other)?;
        first.and(second)
    }

    fn copies(&self) -> Vec<Arc<dyn DiskFile>> {
        vec![Arc::clone(&self.first), Arc::clone(&self.second)]
    }
}

#[derive(Debug)]
struct MirrorLock {
    _first: Box<dyn DiskLock>,
    _second: Box<dyn DiskLock>,
}

impl DiskLock for MirrorLock {}

type Syncing = (Arc<dyn DiskFile>, Sender<io::Result<()>>);

/// A thread that syncs files of the second copy; it ends with the last file and disk that use it.
#[derive(Debug, Clone)]
struct Syncer(Arc<Mutex<Sender<Syncing>>>);

impl Syncer {
    fn start() -> io::Result<Self> {
        let (files, to_sync) = channel::<Syncing>();
        std::thread::Builder::new().name("mirror".to_owned()).spawn(move || {
            for (file, done) in to_sync {
                // Whoever asked waits for the answer, or has failed for another reason.
                let _ = done.send(file.sync_data());
            }
        })?;
        Ok(Self(Arc::new(Mutex::new(files))))
    }

    fn sync(&self, file: Arc<dyn DiskFile>) -> io::Result<std::sync::mpsc::Receiver<io::Result<()>>> {
        let (done, answer) = channel();
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.send((file, done)).map_err(|_| io::Error::other("the mirror's thread is gone"))?;
        Ok(answer)
    }
}
