//! Moving old segments to an archive, and back.
//!
//! ```text
//! <archive>/<system>/<service>/00000000.segment               the segment as it was
//! <data folder>/<system>/<service>/journal/00000000.archived  what is kept of it: see [`journal::Archived`]
//! ```
//!
//! A segment may leave when it is full and the signed checkpoint covers it. It is copied, the copy is synced and read back, then what is
//! kept is written, and only then is the segment removed: whatever interrupts this leaves a journal that holds everything, and the
//! same command goes on. Whoever asks for an old record, and every start, reads it in the archive.

use crate::disk::{read_whole, replace};
use crate::segments::{archived_path, read_archived, segment_path};
use crate::{Access, Disk, OpenError, Options, Recovery, SegmentStore};
use journal::{Archived, Chain, CheckpointSigner, Digest, Scan, Step, Tree};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Segments cannot be archived or put back. What was moved before is complete.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The journal cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written or removed.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A copy is not what was archived: another journal's, or damaged. Nothing is written over it.
    #[error("{} is there and is not this journal's segment", path.display())]
    Differs {
        /// The copy.
        path: PathBuf,
    },
}

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many records they hold.
    pub records: u64,
}

impl Moved {
    const fn add(&mut self, archived: &Archived) {
        self.segments += 1;
        self.bytes += archived.bytes;
        self.records += archived.end().get().saturating_sub(archived.first().get());
    }
}

/// Moves every full segment of the journal in `folder` (`<system>/<service>`) to the folder `archive`, but for the last `keep` of
/// them. The journal must be closed; all of it is checked first.
pub fn archive(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    signer: CheckpointSigner,
    keep: usize,
    archive: &Path,
) -> Result<Moved, ArchiveError> {
    let journal = folder.join("journal");
    let mut moved = Moved::default();
    // Held to the end: the lock on the folder.
    let (_recovery, mut full) = full(disk, &journal, signer, archive)?;
    full.truncate(full.len().saturating_sub(keep));
    for (ordinal, mut archived) in full {
        let path = segment_path(&journal, ordinal);
        let content = read(&**disk, &path)?;
        let target = archived_path(archive, &journal, ordinal);
        if chain_after(&content, archived.before) != Some(archived.after) {
            return Err(ArchiveError::Differs { path });
        }
        (archived.bytes, archived.digest) = (content.len() as u64, Digest::of(&content));
        copy(&**disk, &content, &target)?;
        let note = path.with_extension("archived");
        let failed = |source| ArchiveError::Write { path: note.clone(), source };
        replace(&**disk, &note, &archived.to_bytes(), Access::Create).map_err(failed)?;
        remove(&**disk, &path)?;
        moved.add(&archived);
    }
    Ok(moved)
}

/// Puts every archived segment of the journal in `folder` back from the archive that it names, or from `archive`. The journal must be
/// closed.
pub fn unarchive(disk: &Arc<dyn Disk>, folder: &Path, archive: Option<&Path>) -> Result<Moved, ArchiveError> {
    let journal = folder.join("journal");
    let lock = disk.lock(&journal).map_err(|source| {
        let path = journal.clone();
        if source.kind() == io::ErrorKind::WouldBlock {
            OpenError::InUse { path }
        } else {
            OpenError::Lock { path, source }
        }
    })?;
    let names = disk.list(&journal).map_err(|source| ArchiveError::Read { path: journal.clone(), source })?;
    let mut moved = Moved::default();
    // The last one first: those that are left are the first ones, which a start may leave out.
    for name in names.iter().rev() {
        let Some(ordinal) = name.strip_suffix(".archived").and_then(|number| number.parse().ok()) else {
            continue;
        };
        let (path, note) = (segment_path(&journal, ordinal), journal.join(name));
        let archived = read_archived(&**disk, &path)
            .map_err(|source| ArchiveError::Read { path: note.clone(), source })?
            .ok_or_else(|| OpenError::ArchivedDamaged { path: note.clone() })?;
        let from = archived_path(archive.unwrap_or_else(|| Path::new(&archived.folder)), &journal, ordinal);
        let is_it = |content: &Vec<u8>| Digest::of(content) == archived.digest;
        // It never left, or is back already, when an earlier run was interrupted.
        let content = match read(&**disk, &path).ok().filter(is_it) {
            Some(content) => content,
            None => read(&**disk, &from)?,
        };
        if !is_it(&content) {
            return Err(ArchiveError::Differs { path: from });
        }
        copy(&**disk, &content, &path)?;
        remove(&**disk, &note)?;
        moved.add(&archived);
    }
    drop(lock);
    Ok(moved)
}

/// The full segments that the signed checkpoint covers, and the journal's recovery, which holds the lock.
fn full(
    disk: &Arc<dyn Disk>,
    journal: &Path,
    signer: CheckpointSigner,
    archive: &Path,
) -> Result<(Recovery, Vec<(usize, Archived)>), ArchiveError> {
    let mut recovery = SegmentStore::open(Arc::clone(disk), journal, signer, Options::default())?;
    recovery.skip_archived();
    let mut full: Vec<(usize, Archived)> = Vec::new();
    let (mut filling, mut begins) = (recovery.segment(), recovery.chain());
    loop {
        let (before, tree) = (recovery.chain(), recovery.tree().clone());
        if recovery.next_group()?.is_none() {
            break;
        }
        if recovery.segment() != filling {
            full.push((filling, kept(begins, before, tree, archive)));
            (filling, begins) = (recovery.segment(), before);
        }
    }
    let (records, checkpoint) = (recovery.tree().size(), recovery.checkpoint().size);
    if records < checkpoint {
        let path = journal.to_owned();
        return Err(OpenError::Shorter { path, offset: 0, records, checkpoint }.into());
    }
    // The record after the last one that leaves is signed for, so that no interrupted write is next to it.
    full.retain(|(_, archived)| archived.end().get() < checkpoint);
    Ok((recovery, full))
}

fn kept(before: Chain, after: Chain, tree: Tree, archive: &Path) -> Archived {
    let folder = archive.to_string_lossy().into_owned();
    Archived { bytes: 0, digest: Digest::default(), before, after, folder, tree }
}

/// What the first group after the segment `content` must say; `None` when its groups do not go on from `before`.
fn chain_after(content: &[u8], before: Chain) -> Option<Chain> {
    let mut scan = Scan::new(content, before);
    while let Step::Group(_) = scan.step().ok()? {}
    Some(scan.chain())
}

/// Makes a durable copy and reads it back from the device. One that is there already is what an interrupted run left, or is refused.
fn copy(disk: &dyn Disk, content: &[u8], path: &Path) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(path);
    disk.create_folder(folder).map_err(failed)?;
    match disk.open(path, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace(disk, path, content, Access::Create).map_err(failed)?;
        }
        // Its name, too, may be known to memory only.
        Ok(file) => {
            file.sync_data().and_then(|()| disk.sync_folder(folder)).map_err(failed)?;
        }
        Err(source) => return Err(failed(source)),
    }
    let read = |source| ArchiveError::Read { path: path.to_owned(), source };
    let file = disk.open(path, Access::Read).map_err(read)?;
    file.forget();
    if read_whole(&*file).map_err(read)? == content {
        Ok(())
    } else {
        Err(ArchiveError::Differs { path: path.to_owned() })
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), ArchiveError> {
    let removed = disk.remove(path).and_then(|()| disk.sync_folder(path.parent().unwrap_or(path)));
    removed.map_err(|source| ArchiveError::Write { path: path.to_owned(), source })
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, ArchiveError> {
    let content = disk.open(path, Access::Read).and_then(|file| read_whole(&*file));
    content.map_err(|source| ArchiveError::Read { path: path.to_owned(), source })
}
