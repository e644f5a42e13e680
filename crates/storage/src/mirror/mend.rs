//! Comparing and mending two copies of a journal and its blobs.

use super::compare::{Apart, Beyond, Fix, begins, compare};
use crate::disk::{NEW_SUFFIX, read_whole, replace};
use crate::segments::read_archived;
use crate::{Access, Disk};
use journal::{Archived, Chain, Checkpoint, CheckpointVerifier, DamageKind, Digest, Position, is_zero};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// There while every acknowledged group is in both copies; see [`mend`].
const MARKER: &str = "mirrored";

/// Something that was put right, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The first record there; `None` for a checkpoint or a blob.
    pub position: Option<Position>,
    /// How.
    pub way: Way,
}

/// How something is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Copied from the other copy, which is sound there.
    Copied,
    /// Zeroed: nothing that was acknowledged ever stood there.
    Cleared,
}

/// Two copies cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// A folder is in use by another process.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("mending {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Each copy went on without the other: which one is the journal is for people to say.
    #[error(
        "{} and {} hold different records at byte {offset}, where record {position} comes next", first.display(), second.display()
    )]
    Fork {
        /// The segment in the first copy.
        first: PathBuf,
        /// The segment in the second.
        second: PathBuf,
        /// Where they part.
        offset: u64,
        /// The next record there.
        position: Position,
    },
    /// Neither copy is sound.
    #[error(
        "{} and {} are damaged at byte {offset}, where record {position} comes next: {}",
        first.display(), second.display(), kind.map_or_else(|| "acknowledged records are missing".to_owned(), |kind| kind.to_string())
    )]
    Damaged {
        /// The segment in the first copy.
        first: PathBuf,
        /// The segment in the second; the same when there is one copy.
        second: PathBuf,
        /// Where.
        offset: u64,
        /// The next record there.
        position: Position,
        /// What is wrong, when bytes are there.
        kind: Option<DamageKind>,
    },
    /// Two checkpoints of the same size have different roots.
    #[error("{} and {} sign different records", first.display(), second.display())]
    Checkpoints {
        /// The first.
        first: PathBuf,
        /// The second.
        second: PathBuf,
    },
    /// There is no sound checkpoint to check against.
    #[error("{} is missing or damaged in every copy", path.display())]
    NoCheckpoint {
        /// The file in the first copy.
        path: PathBuf,
    },
    /// No copy of a blob is sound.
    #[error("blob {} is damaged in every copy", path.display())]
    Blob {
        /// The file in the first copy.
        path: PathBuf,
    },
}

/// Two copies of what a service keeps of a system, or one of them twice.
#[derive(Debug)]
pub struct Copies<'a> {
    /// The file layer.
    pub disk: &'a dyn Disk,
    /// `<data folder>/<system>/<service>`.
    pub first: &'a Path,
    /// `<mirror>/<system>/<service>`; the same as `first` to check one copy.
    pub second: &'a Path,
    /// Checks their checkpoints.
    pub verifier: &'a CheckpointVerifier,
}

/// Brings both copies together before a start: what is damaged or missing in one is copied from the other. Makes the second copy
/// when there is none. Both must be closed. From then on every group goes to both, until [`unmirrored`].
pub fn mend(copies: &Copies<'_>) -> Result<Vec<Mend>, MirrorError> {
    let mut locks = Vec::new();
    for folder in copies.folders() {
        for part in ["journal", "blobs"] {
            let path = folder.join(part);
            copies.disk.create_folder(&path).map_err(|source| write_failed(&path, source))?;
        }
        let path = folder.join("journal");
        locks.push(copies.disk.lock(&path).map_err(|source| {
            if source.kind() == io::ErrorKind::WouldBlock {
                MirrorError::InUse { path }
            } else {
                MirrorError::Read { path, source }
            }
        })?);
    }
    let mut mends = copies.segments(true)?;
    mends.extend(copies.blobs(true)?);
    let marker = copies.first.join(MARKER);
    replace(copies.disk, &marker, b"1\n", Access::Create).map_err(|source| write_failed(&marker, source))?;
    Ok(mends)
}

/// Says that what is written from now on goes to the first copy only. Call it before a start without a mirror.
pub fn unmirrored(disk: &dyn Disk, first: &Path) -> Result<(), MirrorError> {
    let marker = first.join(MARKER);
    match disk.remove(&marker).and_then(|()| disk.sync_folder(first)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(write_failed(&marker, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What [`mend`] would do, of what the checkpoints cover; the journal may be in use. Errors at what nothing could mend.
pub fn check(copies: &Copies<'_>) -> Result<Vec<Mend>, MirrorError> {
    let mut mends = copies.segments(false)?;
    mends.extend(copies.blobs(false)?);
    Ok(mends)
}

impl Copies<'_> {
    fn folders(&self) -> [&Path; 2] {
        [self.first, self.second]
    }

    fn journals(&self) -> [PathBuf; 2] {
        self.folders().map(|folder| folder.join("journal"))
    }

    fn segments(&self, write: bool) -> Result<Vec<Mend>, MirrorError> {
        let folders = self.journals();
        let notes = [self.checkpoint(&folders[0])?, self.checkpoint(&folders[1])?];
        let sizes = notes.each_ref().map(|note| note.as_ref().map(|(checkpoint, _)| checkpoint.size));
        if let [Some((first, _)), Some((second, _))] = &notes
            && first.size == second.size
            && first.root != second.root
        {
            let [first, second] = folders.map(|folder| folder.join("checkpoint"));
            return Err(MirrorError::Checkpoints { first, second });
        }
        let covered = match sizes.into_iter().flatten().max() {
            Some(size) => size,
            // A start says what is to be said of a journal without a checkpoint.
            None if write => 0,
            None => return Err(MirrorError::NoCheckpoint { path: folders[0].join("checkpoint") }),
        };
        // A mark that cannot be read is no mark.
        let marked = self.disk.open(&self.first.join(MARKER), Access::Read).is_ok();
        let lockstep = marked && sizes[0].is_some() && sizes[0] == sizes[1];
        let names = [self.names(&folders[0], write)?, self.names(&folders[1], write)?];
        let last = names.iter().filter_map(BTreeSet::last).max();
        let ordinals =
            last.and_then(|name| name.split('.').next()?.parse::<usize>().ok()).map_or(0, |last| last + 1);
        let (mut chain, mut mends) = (Chain::START, Vec::new());
        let archived = self.archived(&folders, write, &mut mends)?;
        for ordinal in 0..ordinals {
            let name = format!("{ordinal:08}.segment");
            let paths = folders.each_ref().map(|folder| folder.join(&name));
            let found = [self.read(&paths[0])?, self.read(&paths[1])?];
            if found.iter().all(Option::is_none) {
                if let Some(archived) = archived.get(&ordinal).filter(|archived| archived.before == chain) {
                    chain = archived.after;
                    continue;
                }
                let path = paths[0].clone();
                return Err(MirrorError::Read { path, source: io::ErrorKind::NotFound.into() });
            }
            let length = found.iter().flatten().map(Vec::len).max().unwrap_or(0);
            let lengths = found.each_ref().map(|bytes| bytes.as_ref().map(Vec::len));
            let mut copies = found.map(|bytes| {
                let mut bytes = bytes.unwrap_or_default();
                bytes.resize(length, 0);
                bytes
            });
            let until = (!write).then_some(Position::new(covered));
            let later = (ordinal + 1..ordinals).map(|ordinal| format!("{ordinal:08}.segment"));
            let compared = compare(&mut copies, chain, until, |chain| {
                let mut later = later.flat_map(|name| folders.each_ref().map(|folder| folder.join(&name)));
                let next: Vec<Vec<u8>> =
                    later.by_ref().take(2).filter_map(|path| self.read(&path).ok().flatten()).collect();
                Beyond {
                    goes_on: next.iter().any(|bytes| begins(bytes, chain)),
                    later: next.iter().any(|bytes| !is_zero(bytes))
                        || later.any(|path| {
                            self.read(&path).is_ok_and(|bytes| bytes.is_some_and(|b| !is_zero(&b)))
                        }),
                    reached: chain.position.get() >= covered,
                    lockstep,
                }
            });
            let (next, fixes) = compared.map_err(|apart| apart_at(apart, &paths))?;
            chain = next;
            if write {
                self.write(&paths, &copies, lengths, &fixes)?;
            }
            mends.extend(fixes.into_iter().map(|fix| Mend {
                path: paths[fix.copy].clone(),
                offset: fix.range.start as u64,
                bytes: fix.range.len() as u64,
                position: Some(fix.position),
                way: if fix.cleared { Way::Cleared } else { Way::Copied },
            }));
        }
        mends.extend(self.checkpoints(&folders, notes, write)?);
        Ok(mends)
    }

    /// What is kept of archived segments: what only one copy keeps, the other gets.
    fn archived(
        &self,
        folders: &[PathBuf; 2],
        write: bool,
        mends: &mut Vec<Mend>,
    ) -> Result<BTreeMap<usize, Archived>, MirrorError> {
        let mut names = BTreeSet::new();
        for folder in folders {
            names.extend(self.list(folder)?.into_iter().filter(|name| name.ends_with(".archived")));
        }
        let mut archived = BTreeMap::new();
        for name in names {
            let paths = folders.each_ref().map(|folder| folder.join(&name));
            let read = |path: &PathBuf| {
                let read = read_archived(self.disk, path);
                read.map_err(|source| MirrorError::Read { path: path.clone(), source })
            };
            let found = [read(&paths[0])?, read(&paths[1])?];
            let (Some(kept), Some(ordinal)) = (
                found.iter().flatten().next().cloned(),
                name.split('.').next().and_then(|number| number.parse().ok()),
            ) else {
                // Whoever needs it says so.
                continue;
            };
            let bytes = kept.to_bytes();
            for (path, _) in paths.iter().zip(&found).filter(|(_, found)| found.is_none()) {
                if write {
                    replace(self.disk, path, &bytes, Access::Create)
                        .map_err(|source| write_failed(path, source))?;
                }
                mends.push(Mend {
                    path: path.clone(),
                    offset: 0,
                    bytes: bytes.len() as u64,
                    position: Some(kept.first()),
                    way: Way::Copied,
                });
            }
            archived.insert(ordinal, kept);
        }
        Ok(archived)
    }

    /// The segments in a folder; what an interrupted start left half made is removed first.
    fn names(&self, folder: &Path, write: bool) -> Result<BTreeSet<String>, MirrorError> {
        let read = |source| MirrorError::Read { path: folder.to_owned(), source };
        let names = self.disk.list(folder).map_err(read)?;
        for name in names.iter().filter(|name| write && name.ends_with(NEW_SUFFIX)) {
            let path = folder.join(name);
            self.disk.remove(&path).map_err(|source| write_failed(&path, source))?;
        }
        Ok(names.into_iter().filter(|name| name.ends_with(".segment")).collect())
    }

    /// What a file holds; what the device cannot read of it is filled with what no group contains.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, MirrorError> {
        const PIECE: usize = 4096;
        let failed = |source| MirrorError::Read { path: path.to_owned(), source };
        let file = match self.disk.open(path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        if let Ok(bytes) = read_whole(&*file) {
            return Ok(Some(bytes));
        }
        let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        for (n, piece) in bytes.chunks_mut(PIECE).enumerate() {
            if file.read_exact_at(piece, (n * PIECE) as u64).is_err() {
                piece.fill(0xee);
            }
        }
        Ok(Some(bytes))
    }

    fn write(
        &self,
        paths: &[PathBuf; 2],
        copies: &[Vec<u8>; 2],
        lengths: [Option<usize>; 2],
        fixes: &[Fix],
    ) -> Result<(), MirrorError> {
        for (copy, (path, bytes)) in paths.iter().zip(copies).enumerate() {
            let failed = |source| write_failed(path, source);
            let mine = || fixes.iter().filter(|fix| fix.copy == copy);
            match lengths[copy] {
                None => replace(self.disk, path, bytes, Access::Create).map_err(failed)?,
                Some(length) if length < bytes.len() || mine().next().is_some() => {
                    let file = self.disk.open(path, Access::Write).map_err(failed)?;
                    file.write_all_at(&bytes[length..], length as u64).map_err(failed)?;
                    for fix in mine() {
                        file.write_all_at(&bytes[fix.range.clone()], fix.range.start as u64)
                            .map_err(failed)?;
                    }
                    file.sync_data().map_err(failed)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The checkpoint in a folder and its note, when there is a sound one.
    fn checkpoint(&self, folder: &Path) -> Result<Option<(Checkpoint, Vec<u8>)>, MirrorError> {
        let bytes = self.read(&folder.join("checkpoint"))?;
        Ok(bytes.and_then(|bytes| {
            let checkpoint = self.verifier.verify(core::str::from_utf8(&bytes).ok()?).ok()?;
            Some((checkpoint, bytes))
        }))
    }

    /// The later of two checkpoints goes to where it is not.
    fn checkpoints(
        &self,
        folders: &[PathBuf; 2],
        notes: [Option<(Checkpoint, Vec<u8>)>; 2],
        write: bool,
    ) -> Result<Vec<Mend>, MirrorError> {
        let latest = notes.iter().flatten().max_by_key(|(checkpoint, _)| checkpoint.size);
        let Some((checkpoint, note)) = latest else { return Ok(Vec::new()) };
        let mut mends = Vec::new();
        for (folder, found) in folders.iter().zip(&notes) {
            // Being written, one is a moment older than the other.
            if found.as_ref().is_some_and(|(found, _)| !write || found.size == checkpoint.size) {
                continue;
            }
            let path = folder.join("checkpoint");
            if write {
                replace(self.disk, &path, note, Access::Create)
                    .map_err(|source| write_failed(&path, source))?;
            }
            let bytes = note.len() as u64;
            mends.push(Mend { path, offset: 0, bytes, position: None, way: Way::Copied });
        }
        Ok(mends)
    }

    fn blobs(&self, write: bool) -> Result<Vec<Mend>, MirrorError> {
        let folders = self.folders().map(|folder| folder.join("blobs"));
        let mut names = BTreeSet::new();
        for folder in &folders {
            for part in self.list(folder)? {
                let inside = self.list(&folder.join(&part))?;
                names.extend(
                    inside.into_iter().filter(|name| name.len() == 64).map(|name| (part.clone(), name)),
                );
            }
        }
        let mut mends = Vec::new();
        for (part, name) in names {
            let paths = folders.each_ref().map(|folder| folder.join(&part).join(&name));
            let sound = |bytes: &Vec<u8>| Digest::of(bytes).to_string() == name;
            let mut found = [self.read(&paths[0])?.filter(sound), self.read(&paths[1])?.filter(sound)];
            if !write && found[0].is_none() {
                // In a journal in use, a blob appears in the second copy a moment before the first.
                found[0] = self.read(&paths[0])?.filter(sound);
            }
            let Some(content) = found.iter().flatten().next() else {
                return Err(MirrorError::Blob { path: paths[0].clone() });
            };
            for (path, _) in paths.iter().zip(&found).filter(|(_, found)| found.is_none()) {
                if write {
                    let failed = |source| write_failed(path, source);
                    self.disk.create_folder(path.parent().unwrap_or(path)).map_err(failed)?;
                    replace(self.disk, path, content, Access::Create).map_err(failed)?;
                }
                let bytes = content.len() as u64;
                mends.push(Mend { path: path.clone(), offset: 0, bytes, position: None, way: Way::Copied });
            }
        }
        Ok(mends)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, MirrorError> {
        match self.disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|source| MirrorError::Read { path: folder.to_owned(), source }),
        }
    }
}

fn apart_at(apart: Apart, paths: &[PathBuf; 2]) -> MirrorError {
    let [first, second] = paths.clone();
    match apart {
        Apart::Fork { offset, position } => {
            MirrorError::Fork { first, second, offset: offset as u64, position }
        }
        Apart::Damaged { offset, position, kinds } => MirrorError::Damaged {
            first,
            second,
            offset: offset as u64,
            position,
            kind: kinds[0].or(kinds[1]),
        },
    }
}

fn write_failed(path: &Path, source: io::Error) -> MirrorError {
    MirrorError::Write { path: path.to_owned(), source }
}
