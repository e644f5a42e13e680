//! Request ids that memory holds no longer: one file per run of consecutive records, sorted, looked up block by block.
//!
//! ```text
//! file  = block, block, …           at most 512 entries each, the last may be shorter
//! entry = key (16 bytes, big-endian), offset of the record from the run's first (4 bytes, little-endian)
//! ```
//!
//! A key is the id with its bits in another order, so that ids with a time sort by it and those without stand apart. Memory
//! holds per run a filter (1.5 bytes an id, which takes an id that is not there for one that may be in half a percent of
//! the cases), and per block its first key and its CRC-32C. Most ids are newer than any in a run, and so are looked for in none.
//!
//! The files are scratch: a start makes them anew from the journal, which it reads anyway, so they are never synced and none of
//! an earlier start is believed. A block that cannot be read or fails its CRC makes its run unavailable until it is made
//! again from the journal; what a block says is believed no further than to look at the record that it names.

use crate::{Access, Disk, DiskFile};
use journal::{Position, RequestId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ENTRY_BYTES: usize = 20;
const KEY_BYTES: usize = 16;
const BLOCK_ENTRIES: usize = 512;
const FILTER_BITS_PER_ID: usize = 12;

/// Blocks kept in memory, 10 KiB each. Ids that are sent again were mostly sent together.
const CACHED_BLOCKS_MAX: usize = 64;

/// Whether an id is among those of a run cannot be said: a block of it is damaged.
#[derive(Debug, Clone, Copy)]
struct RunDamaged;

/// The ids of consecutive records, in a file.
#[derive(Debug)]
pub struct IdFile {
    first: u64,
    records: usize,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    filter: Filter,
    /// The first key of each block, and the block's CRC-32C.
    blocks: Vec<(u128, u32)>,
    /// The smallest and largest key of the ids with a time, and of those without.
    spans: [Option<(u128, u128)>; 2],
}

impl IdFile {
    /// Writes the ids of the records from `first` on into `folder`, which exists. Not durable, and need not be.
    pub fn write(disk: &dyn Disk, folder: &Path, first: Position, ids: &[RequestId]) -> io::Result<Self> {
        let mut entries: Vec<(u128, u32)> = ids.iter().copied().map(key).zip(0..).collect();
        entries.sort_unstable();
        let mut filter = Filter::for_ids(entries.len());
        let mut spans: [Option<(u128, u128)>; 2] = [None; 2];
        for (key, _) in &entries {
            filter.add(*key);
            let span = spans[class(*key)].get_or_insert((*key, *key));
            span.1 = *key;
        }
        let path = folder.join(format!("{}.ids", first.get()));
        let file = disk.open(&path, Access::Create)?;
        let (mut blocks, mut offset, mut bytes) = (Vec::new(), 0, Vec::new());
        for block in entries.chunks(BLOCK_ENTRIES) {
            bytes.clear();
            for (key, at) in block {
                bytes.extend_from_slice(&key.to_be_bytes());
                bytes.extend_from_slice(&at.to_le_bytes());
            }
            file.write_all_at(&bytes, offset)?;
            offset += bytes.len() as u64;
            blocks.push((block[0].0, crc32c::crc32c(&bytes)));
        }
        Ok(Self { first: first.get(), records: entries.len(), path, file, filter, blocks, spans })
    }

    /// The position of the record with its first id.
    #[must_use]
    pub const fn first(&self) -> Position {
        Position::new(self.first)
    }

    /// How many records it stands for.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the block in which `key` stands if it is there at all.
    fn block_of(&self, key: u128) -> Option<usize> {
        let (low, high) = self.spans[class(key)]?;
        if key < low || high < key || !self.filter.may_hold(key) {
            return None;
        }
        self.blocks.partition_point(|(first, _)| *first <= key).checked_sub(1)
    }

    fn read(&self, block: usize) -> Result<Vec<u8>, RunDamaged> {
        let from = block * BLOCK_ENTRIES;
        let entries = self.records.saturating_sub(from).min(BLOCK_ENTRIES);
        let mut bytes = vec![0; entries * ENTRY_BYTES];
        self.file.read_exact_at(&mut bytes, (from * ENTRY_BYTES) as u64).map_err(|_| RunDamaged)?;
        let sound = self.blocks.get(block).is_some_and(|(_, sum)| *sum == crc32c::crc32c(&bytes));
        if sound { Ok(bytes) } else { Err(RunDamaged) }
    }

    fn place_in(&self, block: &[u8], key: u128) -> Option<Position> {
        let (entries, _) = block.as_chunks::<ENTRY_BYTES>();
        let key = key.to_be_bytes();
        let at = entries.binary_search_by(|entry| entry[..KEY_BYTES].cmp(&key)).ok()?;
        let [.., a, b, c, d] = entries[at];
        Some(Position::new(self.first + u64::from(u32::from_le_bytes([a, b, c, d]))))
    }
}

/// All runs of a journal that are in files.
#[derive(Debug, Default)]
pub struct IdFiles {
    /// In the order of their records.
    runs: Vec<Kept>,
    /// The blocks read last, the latest at the end: the run's first record, the block's number, its bytes.
    cache: Vec<(u64, usize, Vec<u8>)>,
}

#[derive(Debug)]
struct Kept {
    run: IdFile,
    /// The largest key of each class in this run and all before it.
    largest: [Option<u128>; 2],
    damaged: bool,
}

impl IdFiles {
    /// Makes `folder` ready for new files, when there is one already: what an earlier start left is removed.
    pub fn clear(disk: &dyn Disk, folder: &Path) {
        // What cannot be removed is overwritten or lies there unread.
        for name in disk.list(folder).unwrap_or_default() {
            let _ = disk.remove(&folder.join(name));
        }
    }

    /// Adds a run, or takes it in the place of one that began with the same record.
    pub fn add(&mut self, run: IdFile) {
        self.cache.retain(|(first, ..)| *first != run.first);
        let kept = Kept { run, largest: [None; 2], damaged: false };
        match self.runs.binary_search_by_key(&kept.run.first, |kept| kept.run.first) {
            Ok(at) => self.runs[at] = kept,
            Err(at) => self.runs.insert(at, kept),
        }
        let mut largest = [None; 2];
        for kept in &mut self.runs {
            for (largest, span) in largest.iter_mut().zip(kept.run.spans) {
                *largest = (*largest).max(span.map(|(_, high)| high));
            }
            kept.largest = largest;
        }
    }

    /// The record that answered `id`, when it is one of these runs'. The error names the first record of a run that is damaged
    /// and may hold it, and whether that is news.
    pub fn find(&mut self, id: RequestId) -> Result<Option<Position>, (Position, bool)> {
        let key = key(id);
        for at in (0..self.runs.len()).rev() {
            let kept = &self.runs[at];
            if kept.largest[class(key)] < Some(key) {
                // Nor does any run before it.
                return Ok(None);
            }
            let Some(block) = kept.run.block_of(key) else { continue };
            if kept.damaged {
                return Err((kept.run.first(), false));
            }
            match self.look(at, block, key) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(RunDamaged) => return Err(self.doubt(at)),
            }
        }
        Ok(None)
    }

    /// Notes that the run of the record at `position` named it wrongly. As the error of [`IdFiles::find`].
    pub fn named_wrongly(&mut self, position: Position) -> (Position, bool) {
        let after = self.runs.partition_point(|kept| kept.run.first <= position.get());
        match after.checked_sub(1) {
            Some(at) => self.doubt(at),
            None => (position, false),
        }
    }

    /// Of which records the run that begins at `first` is made.
    #[must_use]
    pub fn records_of(&self, first: Position) -> Option<core::ops::Range<u64>> {
        let at = self.runs.binary_search_by_key(&first.get(), |kept| kept.run.first).ok()?;
        Some(first.get()..first.get() + self.runs[at].run.records as u64)
    }

    /// Takes back the doubt in the run that begins at `first`: the next look finds out again.
    pub fn believe(&mut self, first: Position) {
        if let Ok(at) = self.runs.binary_search_by_key(&first.get(), |kept| kept.run.first) {
            self.runs[at].damaged = false;
        }
    }

    fn doubt(&mut self, at: usize) -> (Position, bool) {
        let kept = &mut self.runs[at];
        let news = !kept.damaged;
        kept.damaged = true;
        (kept.run.first(), news)
    }

    fn look(&mut self, at: usize, block: usize, key: u128) -> Result<Option<Position>, RunDamaged> {
        let run = &self.runs[at].run;
        let cached =
            self.cache.iter().rposition(|(first, number, _)| (*first, *number) == (run.first, block));
        let entry = match cached {
            Some(cached) => self.cache.remove(cached),
            None => (run.first, block, run.read(block)?),
        };
        let found = run.place_in(&entry.2, key);
        if self.cache.len() >= CACHED_BLOCKS_MAX {
            self.cache.remove(0);
        }
        self.cache.push(entry);
        Ok(found)
    }
}

/// The id's bits, so ordered that ids without a time stand behind all others: whether there is a time, the 48 bits of it, three
/// bits that tell the versions apart, and the rest. No two ids have the same.
fn key(id: RequestId) -> u128 {
    let bits = u128::from_be_bytes(id.to_bytes());
    let (time, version, rest) = (bits >> 80, bits >> 76 & 0xf, bits & ((1 << 76) - 1));
    let (random, version) = match version {
        4 => (1, 0),
        7 => (0, 1),
        // 8: there are no others.
        _ => (0, 2),
    };
    random << 127 | time << 79 | version << 76 | rest
}

const fn class(key: u128) -> usize {
    (key >> 127) as usize
}

/// A split-block Bloom filter as Parquet has it: eight bits of one block of 256 for each key, so one look into memory.
#[derive(Debug)]
struct Filter {
    blocks: Vec<[u32; 8]>,
}

impl Filter {
    fn for_ids(count: usize) -> Self {
        Self { blocks: vec![[0; 8]; (count * FILTER_BITS_PER_ID).div_ceil(256).max(1)] }
    }

    fn add(&mut self, key: u128) {
        let (at, bits) = self.place(key);
        for (word, bit) in self.blocks[at].iter_mut().zip(bits) {
            *word |= bit;
        }
    }

    fn may_hold(&self, key: u128) -> bool {
        let (at, bits) = self.place(key);
        self.blocks[at].iter().zip(bits).all(|(word, bit)| word & bit != 0)
    }

    /// Its block and the bit in each of that block's words.
    #[allow(clippy::cast_possible_truncation, reason = "parts of a hash")]
    fn place(&self, key: u128) -> (usize, [u32; 8]) {
        const SALT: [u32; 8] = [
            0x47b6_137b,
            0x4497_4d91,
            0x8824_ad5b,
            0xa2b7_289d,
            0x7054_95c7,
            0x2df1_424b,
            0x9efc_4947,
            0x5c6b_fb31,
        ];
        // Both halves, well mixed: a careless caller's ids may differ in few bits.
        let mixed = (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32) ^ (key >> 64) as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = mixed ^ (mixed >> 32);
        let at = ((mixed >> 32) * self.blocks.len() as u64) >> 32;
        (at as usize, SALT.map(|salt| 1 << ((mixed as u32).wrapping_mul(salt) >> 27)))
    }
}

#[cfg(test)]
mod tests;
