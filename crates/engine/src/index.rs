//! Which request ids were answered lately, and where.
//!
//! Every record has one id, so the ids of consecutive records are a run: a list in the order of positions, and a table that
//! finds a place in it. When a run is full it is sealed and the next one begins; whoever drives the engine takes sealed
//! runs away ([`PastIds`] answers for them from then on), so memory holds the same number of ids however many there are. A table
//! has its full size from the start: nothing is ever moved in it.

use hashbrown::HashTable;
use journal::{Position, RequestId};
use std::collections::VecDeque;
use std::sync::Arc;

/// Ids in one run: what a table of 2^19 slots takes before it would grow. 7 MiB of ids and 2.5 MiB of table.
pub const RUN_IDS: usize = (1 << 19) / 8 * 7;

/// Where the ids of runs that were taken away are found.
pub trait PastIds {
    /// The record that answered `id`, if one of those runs holds it.
    fn find(&mut self, id: RequestId) -> Result<Option<Position>, Unavailable>;
}

/// Whether an id was answered cannot be said just now: what holds its run is being made again from the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// For an engine whose runs nobody takes away.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPast;

impl PastIds for NoPast {
    fn find(&mut self, _: RequestId) -> Result<Option<Position>, Unavailable> {
        Ok(None)
    }
}

/// The ids of consecutive records.
#[derive(Debug)]
pub struct IdRun {
    first: Position,
    ids: Vec<RequestId>,
    table: HashTable<u32>,
}

impl IdRun {
    fn new(first: Position, capacity: usize) -> Self {
        Self { first, ids: Vec::with_capacity(capacity), table: HashTable::new() }
    }

    /// The position of the record with the first id.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.first
    }

    /// The ids, in the order of their records.
    #[must_use]
    pub fn ids(&self) -> &[RequestId] {
        &self.ids
    }

    fn find(&self, id: RequestId) -> Option<Position> {
        let at = self.table.find(hash(id), |at| self.ids.get(*at as usize) == Some(&id))?;
        Some(Position::new(self.first.get().saturating_add(u64::from(*at))))
    }

    /// Puts the ids that are not in the table yet into it.
    fn complete(&mut self, capacity: usize) {
        if self.table.capacity() < capacity {
            self.table = HashTable::with_capacity(capacity);
        }
        for at in self.table.len()..self.ids.len() {
            self.tabulate(at);
        }
    }

    fn tabulate(&mut self, at: usize) {
        let (Some(id), Ok(place)) = (self.ids.get(at).copied(), u32::try_from(at)) else { return };
        let ids = &self.ids;
        let known = |at: &u32| ids.get(*at as usize).copied();
        self.table.insert_unique(hash(id), place, |at| known(at).map_or(0, hash));
    }
}

#[derive(Debug)]
pub(crate) struct RequestIndex {
    open: IdRun,
    /// The oldest first, with whether it was given away to be written.
    sealed: VecDeque<(Arc<IdRun>, bool)>,
    run_ids: usize,
    /// Whether ids are looked for. While a journal is replayed they are only collected.
    sought: bool,
}

impl RequestIndex {
    pub(crate) fn new(next: Position, run_ids: usize, sought: bool) -> Self {
        let run_ids = run_ids.clamp(1, RUN_IDS);
        let mut open = IdRun::new(next, run_ids);
        if sought {
            open.complete(run_ids);
        }
        Self { open, sealed: VecDeque::new(), run_ids, sought }
    }

    /// Where the record that answers `id` stands.
    pub(crate) fn find(&self, id: RequestId) -> Option<Position> {
        let sealed = || self.sealed.iter().rev().find_map(|(run, _)| run.find(id));
        self.open.find(id).or_else(sealed)
    }

    /// Notes that the next record answers `id`.
    pub(crate) fn push(&mut self, id: RequestId) {
        self.open.ids.push(id);
        if self.sought {
            self.open.tabulate(self.open.ids.len().saturating_sub(1));
        }
        if self.open.ids.len() >= self.run_ids {
            let next = self.open.first.get().saturating_add(self.open.ids.len() as u64);
            let fresh = Self::new(Position::new(next), self.run_ids, self.sought).open;
            let full = core::mem::replace(&mut self.open, fresh);
            self.sealed.push_back((Arc::new(full), false));
        }
    }

    /// The oldest sealed run that was not given away yet.
    pub(crate) fn give(&mut self) -> Option<Arc<IdRun>> {
        let (run, given) = self.sealed.iter_mut().find(|(_, given)| !given)?;
        *given = true;
        Some(Arc::clone(run))
    }

    /// Forgets the sealed run that begins at `first`.
    pub(crate) fn forget(&mut self, first: Position) {
        self.sealed.retain(|(run, _)| run.first != first);
    }

    /// From now on ids are looked for.
    pub(crate) fn seek(&mut self) {
        self.sought = true;
        let capacity = self.run_ids;
        self.open.complete(capacity);
        for (run, _) in &mut self.sealed {
            match Arc::get_mut(run) {
                Some(run) => run.complete(capacity),
                None => {
                    let mut copy = IdRun { ids: run.ids.clone(), ..IdRun::new(run.first, 0) };
                    copy.complete(capacity);
                    *run = Arc::new(copy);
                }
            }
        }
    }
}

/// 64 bits of the id. Its last ten bytes are random or hashed already; the multiplication spreads what a careless caller
/// left regular.
fn hash(id: RequestId) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = id.to_bytes();
    let high = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let low = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
    let mixed = low.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.rotate_left(29);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn id(n: u16) -> RequestId {
        let mut bytes = [0; 16];
        bytes[4..6].copy_from_slice(&(n / 7).to_be_bytes());
        bytes[6] = if n.is_multiple_of(3) { 0x40 } else { 0x70 };
        bytes[14..].copy_from_slice(&n.to_be_bytes());
        RequestId::from_bytes(bytes).unwrap()
    }

    /// What was taken away, as a map.
    #[derive(Default)]
    struct Map(HashMap<RequestId, Position>);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_id_is_found_where_its_record_stands_and_no_other_is(
            ids in proptest::collection::hash_set(any::<u16>(), 1..300),
            run in 1..60usize,
            replayed in 0..300usize,
            kept in proptest::collection::vec(any::<bool>(), 0..300),
        ) {
            let mut index = RequestIndex::new(Position::new(5), run, false);
            let (mut naive, mut past) = (HashMap::new(), Map::default());
            let mut kept = kept.into_iter().cycle();
            for (n, seed) in ids.iter().enumerate() {
                if n == replayed {
                    index.seek();
                }
                index.push(id(*seed));
                naive.insert(id(*seed), Position::new(5 + n as u64));
                // Runs are taken away, written, and only then forgotten; some are never.
                if let Some(given) = index.give() && kept.next().unwrap_or(true) {
                    past.0.extend((given.first().get()..).map(Position::new).zip(given.ids()).map(|(at, id)| (*id, at)));
                    index.forget(given.first());
                }
            }
            index.seek();
            for seed in ids.iter().copied().chain(0..500) {
                let found = past.0.get(&id(seed)).copied().or_else(|| index.find(id(seed)));
                prop_assert_eq!(found, naive.get(&id(seed)).copied());
            }
        }
    }

    #[test]
    fn a_table_never_grows() {
        let mut index = RequestIndex::new(Position::FIRST, RUN_IDS, true);
        let slots = index.open.table.capacity();
        assert_eq!(slots, RUN_IDS);
        for n in 0..u16::MAX {
            index.push(id(n));
        }
        assert_eq!(index.open.table.capacity(), slots);
    }
}
