//! Recovery: every group read and checked at a start, one segment in memory at a time.

use super::kept::{ARCHIVED_SUFFIX, ArchivedFile, read_archived};
use super::prepare::Preparer;
use super::read::{Place, Shared, stored};
use super::{CHECKPOINT, OpenError, Options, Segment, SegmentStore, save_checkpoint, segment_path};
use crate::disk::{NEW_SUFFIX, read_whole};
use crate::{Access, Disk, DiskLock};
use journal::{
    Archived, Chain, Checkpoint, CheckpointError, CheckpointSigner, DamageKind, Digest, GroupBuilder,
    GroupView, Position, Records, Scan, Step, Tree, is_zero, leaf_hash,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found at a start.
#[derive(Debug)]
pub struct Recovered {
    /// The epoch of this start: one more than the last that wrote something.
    pub epoch: u64,
    /// The tree over all records.
    pub tree: Tree,
    /// The last signed checkpoint; all its records are there.
    pub checkpoint: Checkpoint,
    /// The interrupted write that was cut off, if there was one. It had never been acknowledged.
    pub cut: Option<TailCut>,
}

/// An interrupted write that was zeroed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailCut {
    /// The segment.
    pub path: PathBuf,
    /// Where it started.
    pub offset: u64,
    /// How many bytes it spanned.
    pub bytes: u64,
}

/// A journal being read at a start. Take every group's records with [`Recovery::next_group`], then call
/// [`Recovery::finish`].
#[derive(Debug)]
pub struct Recovery {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: Options,
    signer: CheckpointSigner,
    lock: Box<dyn DiskLock>,
    checkpoint: Checkpoint,
    segments: Vec<Segment>,
    /// What is kept of the first segments while they are archived.
    archived: Vec<Archived>,
    /// The segment being read: its ordinal, its bytes (empty before it is loaded), and where its next group starts.
    ordinal: usize,
    bytes: Vec<u8>,
    offset: usize,
    /// Where the next group will be written: after the last one read.
    resume: (usize, u64),
    chain: Chain,
    groups: Vec<Place>,
    tree: Tree,
    records: Vec<u8>,
    cut: Option<TailCut>,
}

impl Recovery {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        signer: CheckpointSigner,
        options: Options,
    ) -> Result<Self, OpenError> {
        let path = || folder.to_owned();
        disk.create_folder(folder).map_err(|source| OpenError::Create { path: path(), source })?;
        let lock = disk.lock(folder).map_err(|source| {
            if source.kind() == io::ErrorKind::WouldBlock {
                OpenError::InUse { path: path() }
            } else {
                OpenError::Lock { path: path(), source }
            }
        })?;
        let (segments, archived) = list_segments(&disk, folder)?;
        // A writer that was killed may have left names that only memory knows; from here on they are relied on.
        disk.sync_folder(folder).map_err(|source| OpenError::Mend { path: path(), source })?;
        let checkpoint = read_checkpoint(&*disk, folder, &signer)?;
        let mut recovery = Self {
            checkpoint: checkpoint.unwrap_or_else(|| Checkpoint { size: 0, root: Tree::new().root() }),
            disk,
            folder: path(),
            options,
            signer,
            lock,
            segments,
            archived,
            ordinal: 0,
            bytes: Vec::new(),
            offset: 0,
            resume: (0, 0),
            chain: Chain::START,
            groups: Vec::new(),
            tree: Tree::new(),
            records: Vec::new(),
            cut: None,
        };
        recovery.check_root()?;
        if checkpoint.is_none() {
            recovery.start()?;
        } else if recovery.segments.is_empty() {
            return Err(OpenError::SegmentMissing { path: segment_path(folder, 0) });
        }
        Ok(recovery)
    }

    /// The records of the next group, or `None` after the last.
    pub fn next_group(&mut self) -> Result<Option<Records<'_>>, OpenError> {
        while self.ordinal < self.segments.len() {
            self.load()?;
            match self.step()? {
                Some(Found::Group(group)) => return self.take(group).map(Some),
                Some(Found::Torn(end)) => self.tear(end)?,
                None => {
                    self.ordinal += 1;
                    self.bytes.clear();
                    self.offset = 0;
                }
            }
        }
        Ok(None)
    }

    /// Leaves out the archived segments at the beginning, for whoever needs none of their records; before the first group. What is kept
    /// of them is not taken on trust: only the true tree leads to the checkpoint.
    pub(crate) fn skip_archived(&mut self) {
        for archived in core::mem::take(&mut self.archived) {
            if archived.before != self.chain || archived.tree.size() > self.checkpoint.size {
                return;
            }
            (self.chain, self.tree) = (archived.after, archived.tree);
            self.ordinal += 1;
            self.resume = (self.ordinal, 0);
        }
    }

    /// What the next group must say.
    pub(crate) const fn chain(&self) -> Chain {
        self.chain
    }

    /// The segment of the group read last.
    pub(crate) const fn segment(&self) -> usize {
        self.resume.0
    }

    /// How many records were read so far, and how many bytes of segments are read out of how many: for progress.
    #[must_use]
    pub fn progress(&self) -> (Position, u64, u64) {
        let all = self.segments.iter().map(|segment| segment.bytes).sum();
        let read: u64 = self.segments.iter().take(self.ordinal).map(|segment| segment.bytes).sum();
        (self.chain.position, read + self.offset as u64, all)
    }

    /// The last signed checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// The tree over the records of the groups read so far.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Reads what is left, checks the journal against its checkpoint, clears and syncs what an interrupted write left, syncs
    /// the last group again (its writer may have died between write and sync), and opens the journal for writing.
    pub fn finish(mut self) -> Result<(SegmentStore, Recovered), OpenError> {
        while self.next_group()?.is_some() {}
        if self.chain.position.get() < self.checkpoint.size {
            let (path, offset) = self.end();
            return Err(OpenError::Shorter {
                path,
                offset,
                records: self.chain.position.get(),
                checkpoint: self.checkpoint.size,
            });
        }
        self.zero_cut()?;
        self.sync_last_group()?;
        let epoch = self.chain.epoch.saturating_add(1);
        let (ordinal, offset) = self.resume;
        let Some(current) = self.segments.get(ordinal).cloned() else {
            return Err(OpenError::SegmentMissing { path: segment_path(&self.folder, ordinal) });
        };
        let next = self.segments.get(ordinal + 1).cloned();
        self.segments.truncate(ordinal + 1);
        let disk = Arc::clone(&self.disk);
        let preparer = Preparer::new(disk, self.folder.clone(), self.options, ordinal + 1, next);
        let end = self.chain.position;
        let shared =
            Shared::new(self.disk, self.folder, self.segments, self.groups, end, self.options.cache_bytes);
        let mut store = SegmentStore {
            shared: Arc::new(shared),
            builder: GroupBuilder::new(Chain { epoch, ..self.chain }),
            spare: Vec::new(),
            current,
            ordinal,
            offset,
            preparer,
            signer: self.signer,
            checkpoint: self.checkpoint,
            poisoned: false,
            _lock: self.lock,
        };
        // A full disk must not keep the journal from being read.
        let _ = store.prepare();
        Ok((store, Recovered { epoch, tree: self.tree, checkpoint: self.checkpoint, cut: self.cut }))
    }

    /// A journal that holds nothing yet, or whose first start was interrupted before its first checkpoint.
    fn start(&mut self) -> Result<(), OpenError> {
        for segment in &self.segments {
            let bytes = read(segment)?;
            if !is_zero(&bytes) {
                return Err(OpenError::CheckpointMissing { path: self.folder.join(CHECKPOINT) });
            }
        }
        if self.segments.is_empty() {
            let disk = Arc::clone(&self.disk);
            let mut preparer = Preparer::new(disk, self.folder.clone(), self.options, 0, None);
            self.segments.push(preparer.take().map_err(OpenError::Start)?);
        }
        let note = self.signer.sign(&self.checkpoint);
        save_checkpoint(&*self.disk, &self.folder, &note).map_err(OpenError::Start)
    }

    fn load(&mut self) -> Result<(), OpenError> {
        if self.bytes.is_empty() {
            let segment = &self.segments[self.ordinal];
            self.bytes = read(segment)?;
            if segment.archived.is_some_and(|digest| digest != Digest::of(&self.bytes)) {
                return Err(self.differs());
            }
        }
        Ok(())
    }

    /// Why an archived segment is not what was archived: where it is damaged, or that it is sound and another one.
    fn differs(&self) -> OpenError {
        let mut scan = Scan::resume(&self.bytes, 0, self.chain);
        loop {
            let position = scan.chain().position;
            match scan.step() {
                Ok(Step::Group(_)) => {}
                Ok(Step::End { .. } | Step::Torn { .. }) => {
                    return OpenError::ArchivedDiffers { path: self.segments[self.ordinal].path.clone() };
                }
                Err(damage) => {
                    let path = self.segments[self.ordinal].path.clone();
                    let (offset, kind) = (damage.offset as u64, damage.kind);
                    return OpenError::Damaged { path, offset, position, kind };
                }
            }
        }
    }

    fn step(&mut self) -> Result<Option<Found>, OpenError> {
        let mut scan = Scan::resume(&self.bytes, self.offset, self.chain);
        let found = match scan.step().map_err(|damage| self.damaged(damage.offset, damage.kind))? {
            Step::Group(group) => Some(Found::Group((group.offset, group.bytes.len()))),
            Step::Torn { end, .. } => Some(Found::Torn(end)),
            Step::End { .. } => None,
        };
        if let Some(Found::Group((offset, bytes))) = found {
            self.groups.push(Place::new(self.chain.position, self.ordinal, offset as u64));
            self.offset = offset + bytes;
            self.resume = (self.ordinal, self.offset as u64);
        }
        self.chain = scan.chain();
        Ok(found)
    }

    fn take(&mut self, (offset, bytes): (usize, usize)) -> Result<Records<'_>, OpenError> {
        let damaged = |kind| OpenError::Damaged {
            path: self.segments[self.ordinal].path.clone(),
            offset: offset as u64,
            position: Position::new(self.tree.size()),
            kind,
        };
        let mut buffer = core::mem::take(&mut self.records);
        let group =
            GroupView::parse(&self.bytes[offset..offset + bytes]).map_err(|damage| damaged(damage.kind))?;
        for record in group.records(&mut buffer).map_err(|damage| damaged(damage.kind))? {
            self.tree.append(leaf_hash(record));
            self.check_root()?;
        }
        self.records = buffer;
        Ok(Records::new(&self.records))
    }

    /// Where the checkpoint ends, the root must be the checkpoint's.
    fn check_root(&self) -> Result<(), OpenError> {
        if self.tree.size() == self.checkpoint.size && self.tree.root() != self.checkpoint.root {
            return Err(OpenError::OtherRecords { path: self.folder.clone(), size: self.checkpoint.size });
        }
        Ok(())
    }

    /// Ends the reading at an interrupted write, after which nothing may stand.
    fn tear(&mut self, end: usize) -> Result<(), OpenError> {
        for later in &self.segments[self.ordinal + 1..] {
            if !is_zero(&read(later)?) {
                return Err(self.damaged(self.offset, DamageKind::Hole(self.chain.group)));
            }
        }
        self.cut = Some(TailCut {
            path: self.segments[self.ordinal].path.clone(),
            offset: self.offset as u64,
            bytes: (end - self.offset) as u64,
        });
        self.ordinal = self.segments.len();
        self.bytes = Vec::new();
        Ok(())
    }

    fn zero_cut(&self) -> Result<(), OpenError> {
        let Some(cut) = &self.cut else { return Ok(()) };
        let Some(segment) = self.segments.iter().find(|segment| segment.path == cut.path) else {
            return Ok(());
        };
        let zeros = vec![0; usize::try_from(cut.bytes).unwrap_or_default()];
        let mended = segment.file.write_all_at(&zeros, cut.offset).and_then(|()| segment.file.sync_data());
        mended.map_err(|source| OpenError::Mend { path: cut.path.clone(), source })
    }

    /// Writes the last group again and syncs it. A failed or missing sync may have left it in memory only, where reading finds
    /// it and a later sync would not write it.
    fn sync_last_group(&self) -> Result<(), OpenError> {
        let Some(place) = self.groups.last().copied() else { return Ok(()) };
        let segment = &self.segments[place.segment as usize];
        let path = || segment.path.clone();
        let bytes =
            stored(place, &*segment.file).map_err(|source| OpenError::Read { path: path(), source })?;
        let written =
            segment.file.write_all_at(&bytes, place.offset()).and_then(|()| segment.file.sync_data());
        written.map_err(|source| OpenError::Mend { path: path(), source })
    }

    fn damaged(&self, offset: usize, kind: DamageKind) -> OpenError {
        OpenError::Damaged {
            path: self.segments[self.ordinal].path.clone(),
            offset: offset as u64,
            position: self.chain.position,
            kind,
        }
    }

    /// Where the last sound group ends: where an interrupted write was found, if one was.
    fn end(&self) -> (PathBuf, u64) {
        match (&self.cut, self.segments.get(self.resume.0)) {
            (Some(cut), _) => (cut.path.clone(), cut.offset),
            (None, Some(segment)) => (segment.path.clone(), self.resume.1),
            (None, None) => (self.folder.clone(), 0),
        }
    }
}

/// A group's bounds, or the end of an interrupted write.
#[derive(Debug, Clone, Copy)]
enum Found {
    Group((usize, usize)),
    Torn(usize),
}

fn read(segment: &Segment) -> Result<Vec<u8>, OpenError> {
    let path = segment.path.clone();
    read_whole(&*segment.file).map_err(|source| match segment.archived {
        Some(_) => OpenError::Archived { path, source },
        None => OpenError::Read { path, source },
    })
}

/// The segments, in order, without a gap, and what is kept of the first ones while they are archived. What an interrupted start
/// left half made is removed.
fn list_segments(disk: &Arc<dyn Disk>, folder: &Path) -> Result<(Vec<Segment>, Vec<Archived>), OpenError> {
    let names = disk.list(folder).map_err(|source| OpenError::Read { path: folder.to_owned(), source })?;
    for name in names.iter().filter(|name| name.ends_with(NEW_SUFFIX)) {
        let path = folder.join(name);
        disk.remove(&path).map_err(|source| OpenError::Mend { path, source })?;
    }
    let number = |name: &str| {
        let (number, kind) = name.split_once('.')?;
        (kind == "segment" || kind == ARCHIVED_SUFFIX).then(|| number.parse::<usize>().ok())?
    };
    let segment_count = names.iter().filter_map(|name| number(name)).max().map_or(0, |last| last + 1);
    let (mut segments, mut archived) = (Vec::new(), Vec::new());
    for ordinal in 0..segment_count {
        let path = segment_path(folder, ordinal);
        let there = |path: &Path| names.iter().any(|name| path.ends_with(name));
        // Both are there while an archiving was interrupted: then the segment is still the journal's.
        if there(&path) {
            let opened = disk.open(&path, Access::Write).and_then(|file| Ok((file.len()?, file)));
            let (bytes, file) = opened.map_err(|source| OpenError::Read { path: path.clone(), source })?;
            segments.push(Segment { path, file, bytes, archived: None });
            continue;
        }
        let note = path.with_extension(ARCHIVED_SUFFIX);
        if !there(&note) {
            return Err(OpenError::SegmentMissing { path });
        }
        let found = read_archived(&**disk, &note)
            .map_err(|source| OpenError::Read { path: note.clone(), source })?
            .ok_or(OpenError::ArchivedDamaged { path: note })?;
        let path = super::archived_path(Path::new(&found.folder), folder, ordinal);
        let file = Arc::new(ArchivedFile { disk: Arc::clone(disk), path: path.clone() });
        segments.push(Segment { path, file, bytes: found.bytes, archived: Some(found.digest) });
        if archived.len() == ordinal {
            archived.push(found);
        }
    }
    Ok((segments, archived))
}

fn read_checkpoint(
    disk: &dyn Disk,
    folder: &Path,
    signer: &CheckpointSigner,
) -> Result<Option<Checkpoint>, OpenError> {
    let path = folder.join(CHECKPOINT);
    let bytes = match disk.open(&path, Access::Read).and_then(|file| read_whole(&*file)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Read { path, source }),
    };
    let checkpoint = core::str::from_utf8(&bytes)
        .map_err(|_| CheckpointError::Malformed)
        .and_then(|note| signer.verifier().verify(note));
    checkpoint.map(Some).map_err(|source| OpenError::CheckpointDamaged { path, source })
}
