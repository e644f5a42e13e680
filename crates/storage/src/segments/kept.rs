//! A segment that is in an archive.

use super::segment_path;
use crate::disk::read_whole;
use crate::{Access, Disk, DiskFile};
use journal::Archived;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ends the name of what stands for an archived segment.
pub(super) const ARCHIVED_SUFFIX: &str = "archived";

/// Where the segment `ordinal` of the journal in `folder` is in the archive `archive`.
pub(crate) fn archived_path(archive: &Path, folder: &Path, ordinal: usize) -> PathBuf {
    // <system>/<service>/journal, of which the last is the same everywhere.
    let names: Vec<_> = folder.iter().rev().skip(1).take(2).collect();
    segment_path(&archive.join(names.into_iter().rev().collect::<PathBuf>()), ordinal)
}

/// Reads what is kept of the segment at `segment`; `None` when there is nothing of the kind, or it is damaged.
pub(crate) fn read_archived(disk: &dyn Disk, segment: &Path) -> io::Result<Option<Archived>> {
    let path = segment.with_extension(ARCHIVED_SUFFIX);
    let bytes = match disk.open(&path, Access::Read).and_then(|file| read_whole(&*file)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Archived::parse(&bytes).ok())
}

/// A segment in an archive. It is opened anew for each reading, so that the archive may be taken away and come back.
#[derive(Debug)]
pub(super) struct ArchivedFile {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) path: PathBuf,
}

impl ArchivedFile {
    fn open(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.path, Access::Read)
    }
}

impl DiskFile for ArchivedFile {
    fn len(&self) -> io::Result<u64> {
        self.open()?.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.open()?.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
