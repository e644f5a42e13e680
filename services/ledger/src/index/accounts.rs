//! The rows of every account: in blocks of the read store, the newest in memory until they are flushed.
//!
//! ```text
//! 16 ++ account (8 bytes, big-endian) ++ block number (4)        → a block's rows
//! 17 ++ account (8 bytes, big-endian) ++ block number / 64 (4)   → the spans of those blocks, one after another
//! ```

use super::{
    IndexError,
    rows::{Block, Cut, Row, Share, Span, plus, rows},
};
use journal::{AccountNumber, Position};
use ledger::Totals;
use std::collections::{BTreeMap, btree_map};
use storage::ReadStore;

const BLOCKS: u8 = 16;
const SPANS: u8 = 17;

/// How many spans stand under one key: about 2 KB.
const SPANS_PER_KEY: u32 = 64;

/// The rows of accounts.
#[derive(Debug, Default)]
pub(super) struct AccountRows {
    /// What is not flushed, by account.
    tails: BTreeMap<AccountNumber, Tail>,
    /// How many rows those are.
    waiting: usize,
}

/// The last blocks of an account.
#[derive(Debug)]
struct Tail {
    /// The number of the first of them.
    first: u32,
    blocks: Vec<Block>,
}

/// Reads the block of a span.
type ReadBlock<'a> = &'a mut dyn FnMut() -> Result<Vec<u8>, IndexError>;

/// Takes a span and a way to read its block; whether to go on.
type EachBlock<'a> = &'a mut dyn FnMut(&Span, ReadBlock<'_>) -> Result<bool, IndexError>;

/// The name of an entry within an account's rows.
pub(super) type RowName = (Position, u16);

fn prefix(index: u8, account: AccountNumber) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    key.push(index);
    key.extend_from_slice(&account.get().to_be_bytes());
    key
}

fn key(index: u8, account: AccountNumber, number: u32) -> Vec<u8> {
    let mut key = prefix(index, account);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn number_of(key: &[u8]) -> u32 {
    key.last_chunk::<4>().copied().map(u32::from_be_bytes).unwrap_or_default()
}

impl AccountRows {
    /// Rows that wait in memory.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Adds a row. `through` is what the store covers: rows beyond it come from a flush that did not end.
    pub(super) fn add(
        &mut self,
        store: &ReadStore,
        through: Option<Position>,
        account: AccountNumber,
        row: &Row,
    ) -> Result<(), IndexError> {
        let tail = match self.tails.entry(account) {
            btree_map::Entry::Occupied(tail) => tail.into_mut(),
            btree_map::Entry::Vacant(new) => new.insert(Tail::load(store, through, account)?),
        };
        match tail.blocks.last_mut() {
            Some(block) if !block.precedes(row) => return Ok(()),
            Some(block) if !block.is_full() => block.add(row),
            Some(_) | None => tail.blocks.push(Block::new(row)),
        }
        self.waiting += 1;
        Ok(())
    }

    /// Moves what waits into the store.
    pub(super) fn flush_into(&mut self, store: &ReadStore) -> Result<(), IndexError> {
        for (account, tail) in core::mem::take(&mut self.tails) {
            tail.store(store, account)?;
        }
        self.waiting = 0;
        Ok(())
    }

    /// What the rows of `account` that `cut` holds come to.
    pub(super) fn totals(
        &self,
        store: &ReadStore,
        account: AccountNumber,
        cut: &Cut,
    ) -> Result<Totals, IndexError> {
        let mut sum = Totals::default();
        self.blocks(store, account, Position::FIRST, &mut |span, read| {
            match span.share(cut) {
                Share::Past => return Ok(false),
                Share::None => {}
                Share::All => sum = plus(&sum, &span.sums),
                Share::Some => {
                    let bytes = read()?;
                    let meant = rows(&bytes).filter(|row| cut.holds(row));
                    sum = meant.fold(sum, |sum, row| plus(&sum, &row.moved));
                }
            }
            Ok(true)
        })?;
        Ok(sum)
    }

    /// Gives the rows of `account` that `cut` holds and that follow `after` to `each`, in order, until it answers `false`.
    pub(super) fn each(
        &self,
        store: &ReadStore,
        account: AccountNumber,
        cut: &Cut,
        after: Option<RowName>,
        each: &mut dyn FnMut(&Row) -> bool,
    ) -> Result<(), IndexError> {
        let from = after.map_or(Position::FIRST, |(position, _)| position);
        self.blocks(store, account, from, &mut |span, read| {
            match span.share(cut) {
                Share::Past => return Ok(false),
                Share::None => return Ok(true),
                Share::All | Share::Some => {}
            }
            if after.is_some_and(|(position, _)| span.positions.1 < position) {
                return Ok(true);
            }
            let bytes = read()?;
            let meant = rows(&bytes)
                .filter(|row| cut.holds(row) && after.is_none_or(|after| (row.position, row.index) > after));
            for row in meant {
                if !each(&row) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Gives the spans of `account` from about `from` on to `each`, with a way to read the block, until it answers `false`.
    fn blocks(
        &self,
        store: &ReadStore,
        account: AccountNumber,
        from: Position,
        each: EachBlock<'_>,
    ) -> Result<(), IndexError> {
        let tail = self.tails.get(&account);
        let stored = tail.map_or(u32::MAX, |tail| tail.first);
        let mut group = first_group(store, account, from)?;
        while let Some(spans) = store.get(&key(SPANS, account, group))? {
            let mut bytes = spans.value.as_slice();
            for place in 0..SPANS_PER_KEY {
                let number = group * SPANS_PER_KEY + place;
                if number >= stored || bytes.is_empty() {
                    break;
                }
                let span = Span::decode(&mut bytes).ok_or(IndexError::Unclean)?;
                let mut read = || {
                    let block = store.get(&key(BLOCKS, account, number))?;
                    block.map(|block| block.value).ok_or(IndexError::Unclean)
                };
                if !each(&span, &mut read)? {
                    return Ok(());
                }
            }
            group += 1;
        }
        for block in tail.iter().flat_map(|tail| &tail.blocks) {
            if !each(&block.span, &mut || Ok(block.bytes.clone()))? {
                break;
            }
        }
        Ok(())
    }
}

/// The first key of spans that may reach `from`, found by halves: a value's position is that of its last row.
fn first_group(store: &ReadStore, account: AccountNumber, from: Position) -> Result<u32, IndexError> {
    if from == Position::FIRST {
        return Ok(0);
    }
    let Some((last, _)) = store.last_with_prefix(&prefix(SPANS, account))? else { return Ok(0) };
    let (mut low, mut high) = (0, number_of(&last));
    while low < high {
        let middle = low + (high - low) / 2;
        if store.get(&key(SPANS, account, middle))?.is_some_and(|spans| spans.position < from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

impl Tail {
    /// The last block of `account` in the store.
    fn load(
        store: &ReadStore,
        through: Option<Position>,
        account: AccountNumber,
    ) -> Result<Self, IndexError> {
        let Some((key, block)) = store.last_with_prefix(&prefix(BLOCKS, account))? else {
            return Ok(Self { first: 0, blocks: Vec::new() });
        };
        if through.is_none_or(|through| block.position > through) {
            return Err(IndexError::Unclean);
        }
        let block = Block::read(&block.value).ok_or(IndexError::Unclean)?;
        Ok(Self { first: number_of(&key), blocks: vec![block] })
    }

    fn store(self, store: &ReadStore, account: AccountNumber) -> Result<(), IndexError> {
        let mut spans = SpansKey::default();
        for (number, block) in (self.first..).zip(&self.blocks) {
            store.insert(&key(BLOCKS, account, number), block.span.positions.1, &block.bytes)?;
            let (group, place) = (number / SPANS_PER_KEY, number % SPANS_PER_KEY);
            if spans.group != Some(group) {
                spans.store(store, account)?;
                spans = SpansKey::load(store, account, group, place)?;
            }
            block.span.encode(&mut spans.bytes);
            spans.last = block.span.positions.1;
        }
        spans.store(store, account)
    }
}

/// One key's spans, being rewritten from some place on.
#[derive(Default)]
struct SpansKey {
    group: Option<u32>,
    last: Position,
    bytes: Vec<u8>,
}

impl SpansKey {
    /// Those before `place`.
    fn load(store: &ReadStore, account: AccountNumber, group: u32, place: u32) -> Result<Self, IndexError> {
        let found = store.get(&key(SPANS, account, group))?;
        let mut bytes = Vec::new();
        if let Some(found) = found {
            let mut rest = found.value.as_slice();
            for _ in 0..place {
                Span::decode(&mut rest).ok_or(IndexError::Unclean)?;
            }
            let kept = found.value.len().saturating_sub(rest.len());
            bytes.extend_from_slice(found.value.get(..kept).unwrap_or_default());
        } else if place != 0 {
            return Err(IndexError::Unclean);
        }
        Ok(Self { group: Some(group), last: Position::FIRST, bytes })
    }

    fn store(&self, store: &ReadStore, account: AccountNumber) -> Result<(), IndexError> {
        if let Some(group) = self.group {
            store.insert(&key(SPANS, account, group), self.last, &self.bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::rows::{ALWAYS, Basis};
    use journal::Day;
    use money::TotalPence;
    use proptest::prelude::*;
    use storage::Postings;

    fn store(folder: &std::path::Path) -> ReadStore {
        ReadStore::open(folder, "test", Position::new(u64::MAX)).unwrap().store
    }

    fn row(position: u64, accounting: i32, effective: i32, pence: i128) -> Row {
        let moved = if pence % 3 == 0 {
            Totals { debits: TotalPence::new(pence), ..Totals::default() }
        } else {
            Totals { credits: TotalPence::new(pence), ..Totals::default() }
        };
        let (accounting, effective) = (Day::new(accounting), Day::new(effective));
        Row { position: Position::new(position), index: 0, accounting, effective, moved }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn totals_and_rows_are_those_of_a_naive_list(
            shapes in prop::collection::vec((1..3_u64, 0..90_i32, 0..90_i32, 1..100_000_i128), 500..1_500),
            repeats in 1..60_u64, flushes in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            questions in prop::collection::vec((any::<bool>(), 0..95_i32, 0..40_i32, any::<prop::sample::Index>()), 12),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = store(folder.path());
            let account = AccountNumber::new(7);
            let (mut rows, mut all, mut position) = (AccountRows::default(), Vec::new(), 0);
            let flushes: Vec<usize> = flushes.iter().map(|at| at.index(shapes.len())).collect();
            let mut through = None;
            for (at, (step, accounting, effective, pence)) in shapes.iter().enumerate() {
                // Repeated, so that spans fill more than one key.
                for _ in 0..repeats {
                    position += step;
                    let row = row(position, *accounting, *effective, *pence);
                    rows.add(&store, through, account, &row).unwrap();
                    // A replay adds nothing, another account's rows are apart.
                    rows.add(&store, through, account, &row).unwrap();
                    all.push(row);
                }
                rows.add(&store, through, AccountNumber::new(8), &row(position, 1, 1, 5)).unwrap();
                if flushes.contains(&at) {
                    rows.flush_into(&store).unwrap();
                    through = Some(Position::new(position));
                }
            }
            for (effective, day, days, at) in questions {
                let basis = if effective { Basis::Effective } else { Basis::Accounting };
                let at = at.get(&all).position;
                let days = if days == 0 { ALWAYS } else { Day::new(day)..=Day::new(day + days) };
                let cut = Cut { through: at, basis, days };
                let meant: Vec<Row> = all.iter().filter(|row| cut.holds(row)).copied().collect();
                let sum = meant.iter().fold(Totals::default(), |sum, row| plus(&sum, &row.moved));
                prop_assert_eq!(rows.totals(&store, account, &cut).unwrap(), sum);
                let after = meant.get(meant.len() / 2).map(|row| (row.position, row.index));
                let mut found = Vec::new();
                rows.each(&store, account, &cut, after, &mut |row| {
                    found.push(*row);
                    found.len() < 700
                }).unwrap();
                let expected: Vec<Row> = meant.iter().skip(meant.len() / 2 + 1).take(700).copied().collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// The read store's bytes for a posting of two legs, everything indexed: on one hot pair of accounts, and spread over many.
    #[test]
    fn a_posting_costs_the_bytes_that_are_stated() {
        for (accounts, bytes_max) in [(1, 60), (500, 110)] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(folder.path());
            let (mut rows, mut lists) = (AccountRows::default(), Postings::new());
            let postings = 400_000_u64;
            for n in 1..=postings {
                let (position, today) = (Position::new(n), 17_400 + i32::try_from(n / 20_000).unwrap());
                let row = row(
                    n,
                    today,
                    today - i32::try_from(n % 30).unwrap(),
                    i128::from(n * 7_919 % 900_000 + 1),
                );
                let through = position.previous();
                rows.add(&store, through, AccountNumber::new(n % accounts), &row).unwrap();
                rows.add(&store, through, AccountNumber::new(1_000 + n % accounts), &row).unwrap();
                for (index, key) in [(2, n / 256), (4, 4), (5, n / 400_000), (6, 1), (7, n % 7)] {
                    lists.add(index, &key.to_be_bytes(), position);
                }
                if n % 100_000 == 0 {
                    rows.flush_into(&store).unwrap();
                    lists.flush_into(&store).unwrap();
                    store.flush(position).unwrap();
                }
            }
            drop(store);
            let files =
                std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap());
            let bytes: u64 = files.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum();
            let each = bytes / postings;
            assert!(each <= bytes_max, "{each} bytes a posting over {accounts} accounts");
        }
    }
}
