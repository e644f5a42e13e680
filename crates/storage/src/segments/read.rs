//! Reading records while the writer appends.

use super::{ReadError, Segment};
use crate::{Disk, DiskFile};
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use journal::{DamageKind, GroupHeader, GroupView, Position, SECTOR_BYTES};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Where a group stands: 16 bytes per group in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) first: u64,
    pub(super) segment: u32,
    pub(super) sector: u32,
}

impl Place {
    pub(super) fn new(first: Position, segment: usize, offset: u64) -> Self {
        // Four billion segments of 64 MiB, and sectors of one segment: neither comes near u32.
        let sector = u32::try_from(offset / SECTOR_BYTES as u64).unwrap_or(u32::MAX);
        Self { first: first.get(), segment: u32::try_from(segment).unwrap_or(u32::MAX), sector }
    }

    pub(super) const fn offset(self) -> u64 {
        self.sector as u64 * SECTOR_BYTES as u64
    }
}

#[derive(Debug)]
struct Index {
    segments: Vec<Segment>,
    groups: Vec<Place>,
    end: Position,
}

/// What the writer and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    index: RwLock<Index>,
    cache: Mutex<Cache>,
    accepting: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        segments: Vec<Segment>,
        groups: Vec<Place>,
        end: Position,
        cache_bytes: usize,
    ) -> Self {
        Self {
            disk,
            folder,
            index: RwLock::new(Index { segments, groups, end }),
            cache: Mutex::new(Cache { budget: cache_bytes, groups: Vec::new() }),
            accepting: AtomicBool::new(true),
        }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn end(&self) -> Position {
        self.index.read().unwrap_or_else(PoisonError::into_inner).end
    }

    pub(super) fn add_group(&self, header: &GroupHeader, segment: usize, offset: u64) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.groups.push(Place::new(header.first, segment, offset));
        index.end = header.end();
    }

    pub(super) fn add_segment(&self, segment: Segment) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).segments.push(segment);
    }

    pub(super) fn set_accepting(&self, accepting: bool) {
        self.accepting.store(accepting, Ordering::Release);
    }

    /// The place of the `n`-th durable group.
    fn nth(&self, n: usize) -> Option<(Place, Segment)> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let place = *index.groups.get(n)?;
        Some((place, index.segments.get(usize::try_from(place.segment).ok()?)?.clone()))
    }

    /// The place of the group that holds `position`, when it is durable.
    fn place(&self, position: Position) -> Option<(Place, Segment)> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if position >= index.end {
            return None;
        }
        let after = index.groups.partition_point(|place| place.first <= position.get());
        let place = *index.groups.get(after.checked_sub(1)?)?;
        let segment = index.segments.get(usize::try_from(place.segment).ok()?)?.clone();
        Some((place, segment))
    }
}

/// What a scrub found of one group.
#[derive(Debug)]
pub enum Scrubbed {
    /// Every copy is sound.
    Sound {
        /// How many bytes were read.
        bytes: u64,
    },
    /// A copy was damaged, and is as the other again.
    Mended {
        /// The group's first record.
        position: Position,
        /// The segment; its second copy has the same name.
        path: PathBuf,
        /// Where the group starts.
        offset: u64,
    },
    /// No copy is sound, or a damaged one could not be mended.
    Damaged(ReadError),
}

/// Reads durable records by position. Cheap to clone; any thread may use it while the writer appends.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The first position that is not durable, and so not readable.
    #[must_use]
    pub fn end(&self) -> Position {
        self.shared.end()
    }

    /// Whether what is decided now can surely be written: at least two of the largest groups fit into prepared segments.
    /// While it is false, refuse commands that write; reads go on.
    #[must_use]
    pub fn accepting(&self) -> bool {
        self.shared.accepting.load(Ordering::Acquire)
    }

    /// The record at `position`, or `None` when none is durable there.
    pub fn read(&self, position: Position) -> Result<Option<Arc<[u8]>>, ReadError> {
        Ok(self.group(position)?.and_then(|group| group.record(position).map(Arc::from)))
    }

    /// Gives every durable record from `from` on to `each`, in order, until it answers `false`.
    pub fn read_from(
        &self,
        from: Position,
        mut each: impl FnMut(Position, &[u8]) -> bool,
    ) -> Result<(), ReadError> {
        let mut next = from;
        while let Some(group) = self.group(next)? {
            while let Some(record) = group.record(next) {
                if !each(next, record) {
                    return Ok(());
                }
                next = next.next();
            }
        }
        Ok(())
    }

    /// An entry bundle as c2sp.org/tlog-tiles serves it: `count` records from `first` on, each after its length in two bytes,
    /// big-endian. `None` when not all of them are durable. It holds whole records: for auditors only.
    pub fn entry_bundle(&self, first: Position, count: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let (mut bundle, mut left) = (Vec::new(), count);
        self.read_from(first, |_, record| {
            if left > 0 {
                // A record is at most 60,000 bytes.
                bundle.extend_from_slice(&u16::try_from(record.len()).unwrap_or(u16::MAX).to_be_bytes());
                bundle.extend_from_slice(record);
                left = left.saturating_sub(1);
            }
            left > 0
        })?;
        Ok((left == 0).then_some(bundle))
    }

    /// Reads every durable group again, of every copy and from the device, and mends what is damaged in one copy and sound in
    /// another. Gives what it found to `each`, group by group, until that answers `false`. The journal goes on meanwhile.
    pub fn scrub(&self, mut each: impl FnMut(Scrubbed) -> bool) {
        let mut forgotten = None;
        for n in 0.. {
            let Some((place, segment)) = self.shared.nth(n) else { return };
            if segment.archived.is_some() {
                // An archive may be away; whoever verifies the journal reads it.
                continue;
            }
            let mut copies = segment.file.copies();
            if copies.is_empty() {
                copies.push(Arc::clone(&segment.file));
            }
            if forgotten.replace(place.segment) != Some(place.segment) {
                copies.iter().for_each(|copy| copy.forget());
            }
            let checked = copies.iter().try_fold(0, |bytes, copy| {
                sound(place, &segment, &**copy).map(|found| bytes + found.len() as u64)
            });
            let (position, path, offset) = (Position::new(place.first), segment.path.clone(), place.offset());
            let found = match checked {
                Ok(bytes) => Scrubbed::Sound { bytes },
                Err(error) => match mend(place, &segment) {
                    Some((_, mended)) if mended > 0 => Scrubbed::Mended { position, path, offset },
                    Some(_) | None => Scrubbed::Damaged(error),
                },
            };
            if !each(found) {
                return;
            }
        }
    }

    fn group(&self, position: Position) -> Result<Option<Arc<Decoded>>, ReadError> {
        let Some((place, segment)) = self.shared.place(position) else { return Ok(None) };
        if let Some(group) = self.cache().get(place.first) {
            return Ok(Some(group));
        }
        let group = Arc::new(decode(position, place, &segment)?);
        self.cache().put(place.first, Arc::clone(&group));
        Ok(Some(group))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.shared.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stored bytes of the group at `place` in one copy of its segment.
pub(super) fn stored(place: Place, file: &dyn DiskFile) -> Result<Vec<u8>, std::io::Error> {
    let mut bytes = vec![0; SECTOR_BYTES];
    file.read_exact_at(&mut bytes, place.offset())?;
    // A damaged header is named by the check of these bytes that follows.
    let size = GroupView::stored_bytes(&bytes).unwrap_or(SECTOR_BYTES);
    bytes.resize(size, 0);
    let (_, rest) = bytes.split_at_mut(SECTOR_BYTES);
    file.read_exact_at(rest, place.offset() + SECTOR_BYTES as u64)?;
    Ok(bytes)
}

/// The stored bytes of the group at `place` in one copy, checked.
fn sound(place: Place, segment: &Segment, file: &dyn DiskFile) -> Result<Vec<u8>, ReadError> {
    let (position, offset) = (Position::new(place.first), place.offset());
    let path = || segment.path.clone();
    let bytes =
        stored(place, file).map_err(|source| ReadError::Read { position, path: path(), offset, source })?;
    let damaged = |kind| ReadError::Damaged { position, path: path(), offset, kind };
    let group = GroupView::parse(&bytes).map_err(|damage| damaged(damage.kind))?;
    if group.header.first != position {
        // A sound group of another place: a misdirected write.
        return Err(damaged(DamageKind::Chain(group.header.number)));
    }
    Ok(bytes)
}

/// Reads the group at `place` from every copy of its segment, and writes what is sound over what is not. `None` when no copy is
/// sound; else its bytes, and how many copies were mended.
fn mend(place: Place, segment: &Segment) -> Option<(Vec<u8>, u32)> {
    let copies = segment.file.copies();
    let read: Vec<_> = copies.iter().map(|copy| sound(place, segment, &**copy).ok()).collect();
    let bytes = read.iter().flatten().next()?.clone();
    let mut mended = 0;
    for (copy, _) in copies.iter().zip(&read).filter(|(_, read)| read.is_none()) {
        // A device that takes no more writes is found by the next group; what was read here is sound all the same.
        let written = copy.write_all_at(&bytes, place.offset()).and_then(|()| copy.sync_data());
        mended += u32::from(written.is_ok());
    }
    Some((bytes, mended))
}

fn decode(position: Position, place: Place, segment: &Segment) -> Result<Decoded, ReadError> {
    let bytes = match sound(place, segment, &*segment.file) {
        Ok(bytes) => bytes,
        Err(ReadError::Read { path, source, .. }) if segment.archived.is_some() => {
            return Err(ReadError::Archived { position, path, source });
        }
        Err(error) => mend(place, segment).ok_or_else(|| error.of(position))?.0,
    };
    let damaged = |damage: journal::Damage| ReadError::Damaged {
        position,
        path: segment.path.clone(),
        offset: place.offset(),
        kind: damage.kind,
    };
    let group = GroupView::parse(&bytes).map_err(damaged)?;
    let mut records = Vec::new();
    let ends = group
        .records(&mut records)
        .map_err(damaged)?
        .scan(0_u32, |end, record| {
            *end = end.saturating_add(u32::try_from(record.len()).unwrap_or(u32::MAX));
            Some(*end)
        })
        .collect();
    Ok(Decoded { first: group.header.first, records, ends })
}

/// A group's records, ready to be looked up.
#[derive(Debug)]
struct Decoded {
    first: Position,
    records: Vec<u8>,
    ends: Vec<u32>,
}

impl Decoded {
    fn record(&self, position: Position) -> Option<&[u8]> {
        let index = usize::try_from(position.get().checked_sub(self.first.get())?).ok()?;
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.records.get(start as usize..*self.ends.get(index)? as usize)
    }

    fn size(&self) -> usize {
        self.records.len() + self.ends.len() * size_of::<u32>() + size_of::<Self>()
    }
}

/// The groups read last, the latest at the end. Few enough to search in a row.
#[derive(Debug)]
struct Cache {
    budget: usize,
    groups: Vec<(u64, Arc<Decoded>)>,
}

const CACHED_GROUPS_MAX: usize = 64;

impl Cache {
    fn get(&mut self, first: u64) -> Option<Arc<Decoded>> {
        let at = self.groups.iter().position(|(key, _)| *key == first)?;
        let entry = self.groups.remove(at);
        let group = Arc::clone(&entry.1);
        self.groups.push(entry);
        Some(group)
    }

    fn put(&mut self, first: u64, group: Arc<Decoded>) {
        self.groups.retain(|(key, _)| *key != first);
        self.groups.push((first, group));
        while self.groups.len() > CACHED_GROUPS_MAX || (self.groups.len() > 1 && self.size() > self.budget) {
            self.groups.remove(0);
        }
    }

    fn size(&self) -> usize {
        self.groups.iter().map(|(_, group)| group.size()).sum()
    }
}
