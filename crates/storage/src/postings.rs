//! Lists of positions by key: the entries of an account, the lines of a reference.
//!
//! ```text
//! key    index (1 byte) ++ length of the key (1 byte) ++ key ++ block number (4 bytes, big-endian)
//! value  the block's positions, ascending: the first, then differences, each as LEB128; at most 512
//! ```
//!
//! A block is one key of the read store, so that a posting costs a few bytes there and never a key of its own. What was added
//! since the last flush waits in memory and is seen by readers.

use crate::{ReadStore, ReadStoreError};
use journal::Position;
use std::collections::BTreeMap;

/// How many positions a block holds.
pub const BLOCK_POSITIONS_MAX: usize = 512;

/// The longest key, in bytes.
pub const POSTING_KEY_BYTES_MAX: usize = 255;

/// The indexes of one read store, with what waits to be flushed.
#[derive(Debug, Default)]
pub struct Postings {
    /// By the key's prefix in the store.
    pending: BTreeMap<Vec<u8>, Vec<u64>>,
    count: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The positions, ascending.
    pub positions: Vec<Position>,
    /// Where the next page starts, when there is more.
    pub next: Option<Position>,
}

impl Postings {
    /// No postings.
    #[must_use]
    pub const fn new() -> Self {
        Self { pending: BTreeMap::new(), count: 0 }
    }

    /// Adds `position` to the list of `key` in `index`. Positions of one list come in ascending order; repeating the last one
    /// adds nothing. Keys longer than [`POSTING_KEY_BYTES_MAX`] are cut there.
    pub fn add(&mut self, index: u8, key: &[u8], position: Position) {
        let list = self.pending.entry(prefix(index, key)).or_default();
        if list.last().is_none_or(|&last| last < position.get()) {
            list.push(position.get());
            self.count += 1;
        }
    }

    /// How many positions wait in memory.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.count
    }

    /// Moves what waits into `store`. It is durable after [`ReadStore::flush`]. Positions that the store already has, from before
    /// a replay, are left out.
    pub fn flush_into(&mut self, store: &ReadStore) -> Result<(), ReadStoreError> {
        for (prefix, positions) in &self.pending {
            append(store, prefix, positions)?;
        }
        self.pending.clear();
        self.count = 0;
        Ok(())
    }

    /// Up to `limit` positions of the list of `key` in `index`, from `from` on.
    pub fn page(
        &self,
        store: &ReadStore,
        index: u8,
        key: &[u8],
        from: Position,
        limit: usize,
    ) -> Result<Page, ReadStoreError> {
        let prefix = prefix(index, key);
        let start = first_block(store, &prefix, from)?;
        let mut found: Vec<u64> = Vec::new();
        store.scan_prefix(&prefix, &start, |_, block| {
            found.extend(decode(&block.value).into_iter().filter(|&position| position >= from.get()));
            found.len() <= limit
        })?;
        if found.len() <= limit {
            let last = found.last().copied();
            let waiting = self.pending.get(&prefix).into_iter().flatten().copied();
            found.extend(
                waiting.filter(|&position| position >= from.get() && last.is_none_or(|last| position > last)),
            );
        }
        let next = found.get(limit).copied().map(Position::new);
        found.truncate(limit);
        Ok(Page { positions: found.into_iter().map(Position::new).collect(), next })
    }
}

/// Appends `positions`, ascending, to the blocks of `prefix`.
fn append(store: &ReadStore, prefix: &[u8], positions: &[u64]) -> Result<(), ReadStoreError> {
    let (mut number, mut block) = match store.last_with_prefix(prefix)? {
        Some((key, block)) => (block_number(&key), decode(&block.value)),
        None => (0, Vec::new()),
    };
    let stored = block.last().copied();
    let mut new = positions
        .iter()
        .copied()
        .filter(|&position| stored.is_none_or(|stored| position > stored))
        .peekable();
    while new.peek().is_some() {
        if block.len() >= BLOCK_POSITIONS_MAX {
            number += 1;
            block.clear();
        }
        let room = BLOCK_POSITIONS_MAX - block.len();
        block.extend(new.by_ref().take(room));
        let last = Position::new(block.last().copied().unwrap_or_default());
        store.insert(&block_key(prefix, number), last, &encode(&block))?;
    }
    Ok(())
}

/// The key of the block in which `from` would stand. Blocks are searched by halves: their values' positions are their last.
fn first_block(store: &ReadStore, prefix: &[u8], from: Position) -> Result<Vec<u8>, ReadStoreError> {
    let Some((last, _)) = store.last_with_prefix(prefix)? else { return Ok(Vec::new()) };
    let (mut low, mut high) = (0, block_number(&last));
    while low < high {
        let middle = low + (high - low) / 2;
        let ends_before = store.get(&block_key(prefix, middle))?.is_some_and(|block| block.position < from);
        if ends_before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(block_key(prefix, low))
}

fn prefix(index: u8, key: &[u8]) -> Vec<u8> {
    let key = &key[..key.len().min(POSTING_KEY_BYTES_MAX)];
    let mut prefix = vec![index, u8::try_from(key.len()).unwrap_or(u8::MAX)];
    prefix.extend_from_slice(key);
    prefix
}

fn block_key(prefix: &[u8], number: u32) -> Vec<u8> {
    [prefix, number.to_be_bytes().as_slice()].concat()
}

fn block_number(key: &[u8]) -> u32 {
    key.last_chunk::<4>().copied().map(u32::from_be_bytes).unwrap_or_default()
}

fn encode(positions: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(positions.len() * 2 + 8);
    let mut last = 0;
    for &position in positions {
        let mut difference = position.wrapping_sub(last);
        last = position;
        while difference >= 0x80 {
            bytes.push(difference.to_le_bytes()[0] | 0x80);
            difference >>= 7;
        }
        bytes.push(difference.to_le_bytes()[0]);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Vec<u64> {
    let mut positions = Vec::new();
    let (mut last, mut difference, mut shift) = (0_u64, 0_u64, 0);
    for byte in bytes {
        difference |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.wrapping_add(difference);
            positions.push(last);
            (difference, shift) = (0, 0);
        }
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open(folder: &std::path::Path) -> ReadStore {
        ReadStore::open(folder, "test", Position::new(u64::MAX)).unwrap().store
    }

    #[test]
    fn lists_grow_over_blocks_and_survive_a_replay() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let mut postings = Postings::new();
        let all: Vec<u64> = (0..2_000).map(|n| n * 3).collect();
        for (n, &position) in all.iter().enumerate() {
            postings.add(1, b"a", Position::new(position));
            postings.add(1, b"ab", Position::new(position + 1));
            if n % 700 == 0 {
                postings.flush_into(&store).unwrap();
            }
        }
        assert!(postings.waiting() > 0, "some wait, some are stored");
        // A replay adds what the store has already.
        for &position in &all {
            postings.add(2, b"a", Position::new(position));
        }
        let mut again = Postings::new();
        all.iter().for_each(|&position| again.add(1, b"a", Position::new(position)));
        let page = |postings: &Postings, from, limit| {
            postings.page(&store, 1, b"a", Position::new(from), limit).unwrap()
        };
        for postings in [&postings, &again] {
            let whole = page(postings, 0, 5_000);
            assert_eq!(whole.next, None);
            assert_eq!(whole.positions.iter().map(|p| p.get()).collect::<Vec<_>>(), all);
        }
        again.flush_into(&store).unwrap();
        for from in [0, 1, 1_535, 1_536, 3_000, 5_997, 5_998] {
            let expected: Vec<u64> = all.iter().copied().filter(|&position| position >= from).collect();
            let page = page(&again, from, 10);
            assert_eq!(
                page.positions.iter().map(|p| p.get()).collect::<Vec<_>>(),
                expected[..expected.len().min(10)]
            );
            assert_eq!(page.next.map(Position::get), expected.get(10).copied());
        }
        let mut keys = 0;
        store
            .scan_prefix(&prefix(1, b"a"), b"", |_, _| {
                keys += 1;
                true
            })
            .unwrap();
        assert_eq!(keys, 4, "2,000 positions in blocks of 512");
    }

    proptest! {
        #[test]
        fn blocks_round_trip(mut positions in proptest::collection::vec(any::<u64>(), 0..600)) {
            positions.sort_unstable();
            positions.dedup();
            prop_assert_eq!(decode(&encode(&positions)), positions);
        }
    }
}
