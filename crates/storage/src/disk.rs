//! The file layer: the few operations that durability rests on, behind a trait so that tests can make each of them fail.

use core::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To read an existing file.
    Read,
    /// To read and write an existing file.
    Write,
    /// To write a new file, or one emptied of what it held.
    Create,
    /// As [`Access::Create`], readable by the owner alone (mode 0600).
    CreatePrivate,
}

/// The files of a machine. Paths are passed through; nothing is durable until it is synced, names included.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Creates a folder and those above it, durably. One that exists is left as it is.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// Takes the one lock on a folder, held until the value is dropped. Errors with [`io::ErrorKind::WouldBlock`] when
    /// another process holds it.
    fn lock(&self, folder: &Path) -> io::Result<Box<dyn DiskLock>>;
    /// Gives a file another name in the same file system, replacing what has it. Durable after [`Disk::sync_folder`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Bytes that may still be written to the file system of `path`.
    fn free_space(&self, path: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Reads some bytes at `offset`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some bytes at `offset`; may write fewer than asked.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes what was written durable, and the file's length with it.
    fn sync_data(&self) -> io::Result<()>;

    /// The copies of the file, each to be read and mended by itself; none when there is only the file itself.
    fn copies(&self) -> Vec<Arc<dyn DiskFile>> {
        Vec::new()
    }

    /// Lets what is cached of the file go, so that it is read from the device again. Nothing happens where that cannot be asked.
    fn forget(&self) {}

    /// Whether the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`.
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buffer = &mut buffer[read..];
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A lock on a folder, released when dropped.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct FolderDisk;

impl Disk for FolderDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if path.is_dir() {
            // Whoever made it may have died before making its name durable. A parent that may not be read is not ours.
            return match self.sync_folder(parent.unwrap_or_else(|| Path::new("."))) {
                Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        if let Some(parent) = parent {
            self.create_folder(parent)?;
        }
        match std::fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.sync_folder(parent.unwrap_or_else(|| Path::new(".")))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match access {
            Access::Read => {}
            Access::Write => {
                options.write(true);
            }
            Access::Create => {
                options.write(true).create(true).truncate(true);
            }
            Access::CreatePrivate => {
                options.write(true).create(true).truncate(true).mode(0o600);
            }
        }
        Ok(Arc::new(options.open(path)?))
    }

    fn lock(&self, folder: &Path) -> io::Result<Box<dyn DiskLock>> {
        let file = File::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = std::fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        fs2::available_space(path)
    }
}

impl DiskLock for File {}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn forget(&self) {
        // Advice: what cannot be let go stays.
        let _ = rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::DontNeed);
    }
}

/// Puts a whole new content under `path`: after a crash either the old or the new one is there, never a mixture.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(NEW_SUFFIX);
    let temporary = Path::new(&temporary);
    let file = disk.open(temporary, access)?;
    file.write_all_at(content, 0)?;
    file.sync_data()?;
    disk.rename(temporary, path)?;
    disk.sync_folder(path.parent().unwrap_or_else(|| Path::new(".")))
}

/// Ends the name of a file that is not yet what its name will say.
pub(crate) const NEW_SUFFIX: &str = ".new";

/// The whole content of a file.
pub(crate) fn read_whole(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
