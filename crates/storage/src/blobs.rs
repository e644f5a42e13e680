//! Contents too large for a record, kept by their SHA-256.

use crate::disk::{NEW_SUFFIX, read_whole, replace};
use crate::{Access, Disk};
use journal::{Blobs, Digest};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It could not be made durable.
    #[error("writing blob {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be read.
    #[error("reading blob {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is kept under its name is something else.
    #[error("blob {} is damaged: its content has another SHA-256", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A folder of blobs: `<folder>/ab/<sha256>`.
#[derive(Debug)]
pub struct BlobStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// One writer at a time: two of the same content would share a temporary name.
    writing: Mutex<()>,
}

impl BlobStore {
    /// Opens the folder, creating it when it is missing.
    pub fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> Result<Self, BlobError> {
        disk.create_folder(&folder).map_err(|source| BlobError::Write { path: folder.clone(), source })?;
        Ok(Self { disk, folder, writing: Mutex::new(()) })
    }

    /// Keeps `content` and returns its digest. Durable when it returns; keeping the same content again costs a read.
    pub fn put(&self, content: &[u8]) -> Result<Digest, BlobError> {
        let digest = Digest::of(content);
        let (folder, path) = self.place(digest);
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = |source| BlobError::Write { path: path.clone(), source };
        if matches!(self.read(digest), Ok(Some(_))) {
            // An earlier process may have stopped between the rename and this sync.
            self.disk.sync_folder(&folder).map_err(written)?;
            return Ok(digest);
        }
        self.disk.create_folder(&folder).map_err(written)?;
        replace(&*self.disk, &path, content, Access::Create).map_err(written)?;
        Ok(digest)
    }

    /// The content whose SHA-256 is `digest`, checked; `None` when it is not kept here.
    pub fn get(&self, digest: Digest) -> Result<Option<Arc<[u8]>>, BlobError> {
        Ok(self.read(digest)?.map(Arc::from))
    }

    /// Every digest that is kept, sorted; for verification and backups.
    pub fn digests(&self) -> Result<Vec<Digest>, BlobError> {
        let list = |path: &Path| {
            self.disk.list(path).map_err(|source| BlobError::Read { path: path.to_owned(), source })
        };
        let mut digests = Vec::new();
        for folder in list(&self.folder)? {
            let names = list(&self.folder.join(&folder))?;
            digests.extend(
                names.iter().filter(|name| !name.ends_with(NEW_SUFFIX)).filter_map(|name| parse_hex(name)),
            );
        }
        Ok(digests)
    }

    fn read(&self, digest: Digest) -> Result<Option<Vec<u8>>, BlobError> {
        let (_, path) = self.place(digest);
        let file = match self.disk.open(&path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BlobError::Read { path, source }),
        };
        let sound = |content: &Vec<u8>| Digest::of(content) == digest;
        match read_whole(&*file) {
            Ok(content) if sound(&content) => Ok(Some(content)),
            _ if let Some(content) =
                file.copies().iter().find_map(|copy| read_whole(&**copy).ok().filter(sound)) =>
            {
                Ok(Some(content))
            }
            Ok(_) => Err(BlobError::Damaged { path }),
            Err(source) => Err(BlobError::Read { path, source }),
        }
    }

    fn place(&self, digest: Digest) -> (PathBuf, PathBuf) {
        let name = digest.to_string();
        let folder = self.folder.join(&name[..2]);
        let path = folder.join(name);
        (folder, path)
    }
}

impl Blobs for BlobStore {
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>> {
        self.get(digest).ok().flatten()
    }
}

fn parse_hex(name: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (byte, at) in digest.0.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&name[at..at + 2], 16).ok()?;
    }
    (digest.to_string() == name).then_some(digest)
}
