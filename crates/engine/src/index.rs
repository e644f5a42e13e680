//! Which request ids were answered, and where: 8 bytes of the id → position, partitioned by the id's time.
//!
//! A slot is found by 64 bits of the id, so two ids may meet in one. The record itself settles it: when its id differs, the
//! next probe is tried. Ids of one time are asked for together, so partitions of half a minute keep what is asked for now in the
//! processor's cache however many there are, and no table grows so large that doubling it is felt. Sixteen bytes a record,
//! plus the table's slack.

use hashbrown::HashMap;
use journal::{Position, RequestId};
use std::collections::BTreeMap;

/// Milliseconds of ids in one partition: 2^15, about half a minute.
const PARTITION_SHIFT: u32 = 15;

#[derive(Debug, Default)]
pub(crate) struct RequestIndex {
    by_time: BTreeMap<u64, Partition>,
    /// Version 4 ids carry no time.
    random: Partition,
}

type Partition = HashMap<u64, Position>;

impl RequestIndex {
    /// Where the `probe`-th candidate for `id` stands.
    pub(crate) fn candidate(&self, id: RequestId, probe: u32) -> Option<Position> {
        self.partition(id)?.get(&slot(id, probe)).copied()
    }

    /// Notes that the record at `position` answers `id`, in the first free slot.
    pub(crate) fn insert(&mut self, id: RequestId, position: Position) {
        let partition = if id.is_random() {
            &mut self.random
        } else {
            self.by_time.entry(id.millisecond() >> PARTITION_SHIFT).or_default()
        };
        for probe in 0.. {
            if let hashbrown::hash_map::Entry::Vacant(free) = partition.entry(slot(id, probe)) {
                free.insert(position);
                return;
            }
        }
    }

    fn partition(&self, id: RequestId) -> Option<&Partition> {
        if id.is_random() {
            Some(&self.random)
        } else {
            self.by_time.get(&(id.millisecond() >> PARTITION_SHIFT))
        }
    }
}

/// 64 bits of the id. Its last ten bytes are random or hashed already; the multiplication spreads what a careless caller
/// left regular, and each probe looks elsewhere.
fn slot(id: RequestId, probe: u32) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = id.to_bytes();
    let high = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let low = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
    let mixed = (low ^ u64::from(probe)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.rotate_left(29);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(bytes: [u8; 16], version: u8) -> RequestId {
        let mut bytes = bytes;
        bytes[6] = (bytes[6] & 0x0f) | (version << 4);
        RequestId::from_bytes(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn every_id_is_found_among_its_candidates(ids in proptest::collection::hash_set(any::<[u8; 16]>(), 1..200)) {
            let ids: Vec<RequestId> =
                ids.into_iter().enumerate().map(|(n, bytes)| id(bytes, if n % 3 == 0 { 4 } else { 7 })).collect();
            let mut index = RequestIndex::default();
            for (n, id) in ids.iter().enumerate() {
                index.insert(*id, Position::new(n as u64));
            }
            for (n, id) in ids.iter().enumerate() {
                let found = (0..).map_while(|probe| index.candidate(*id, probe)).any(|p| p == Position::new(n as u64));
                prop_assert!(found);
            }
        }
    }

    #[test]
    fn ids_that_meet_in_a_slot_take_the_next_probe() {
        let id = id([9; 16], 7);
        let mut index = RequestIndex::default();
        index.insert(id, Position::new(1));
        index.insert(id, Position::new(2));
        assert_eq!(index.candidate(id, 0), Some(Position::new(1)));
        assert_eq!(index.candidate(id, 1), Some(Position::new(2)));
        assert_eq!(index.candidate(id, 2), None);
    }
}
