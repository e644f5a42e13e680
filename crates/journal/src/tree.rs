//! The Merkle tree over a journal's records: RFC 6962 section 2.1, one leaf per record, leaf index = position.

use crate::{Digest, Nodes, tiles::TILE_HEIGHT};
use sha2::{Digest as _, Sha256};

/// The leaf of a record: SHA-256(0x00 ++ record).
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(record).finalize().into())
}

/// An inner node: SHA-256(0x01 ++ left ++ right).
#[must_use]
pub fn node_hash(left: Digest, right: Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

const TILE_LEVELS: u32 = TILE_HEIGHT as u32;

/// The right edge of a tree: enough to append leaves and to know the root. At most 64 hashes, one node hash per record on
/// average.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the perfect subtrees that `size` divides into, largest first: one per set bit.
    edge: Vec<Digest>,
}

impl Tree {
    /// The tree of no records.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, edge: Vec::new() }
    }

    /// The tree of the first `size` leaves, from the hashes of its subtrees.
    pub fn resume<N: Nodes>(size: u64, nodes: &N) -> Result<Self, N::Error> {
        let mut edge = Vec::new();
        for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
            // The subtrees before it are all larger: together they are the bits of the size above this one.
            edge.push(nodes.node(level, (size >> level).saturating_sub(1))?);
        }
        Ok(Self { size, edge })
    }

    /// The tree of `size` leaves with that right edge; `None` when no such tree has so many subtrees there.
    #[must_use]
    pub fn from_edge(size: u64, edge: Vec<Digest>) -> Option<Self> {
        (edge.len() == size.count_ones() as usize).then_some(Self { size, edge })
    }

    /// The roots of the perfect subtrees at its right edge, largest first.
    #[must_use]
    pub fn edge(&self) -> &[Digest] {
        &self.edge
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends the leaf of the next record.
    pub fn append(&mut self, leaf: Digest) {
        self.append_with(leaf, |_, _| {});
    }

    /// Appends the leaf of the next record and gives every hash that becomes part of a tile to `hash`, with its tile level:
    /// the leaf itself (level 0), and the roots of perfect subtrees of 256, 65,536, … leaves that it completes.
    pub fn append_with(&mut self, leaf: Digest, mut hash: impl FnMut(u8, Digest)) {
        let mut node = leaf;
        hash(0, leaf);
        // Each trailing one bit of the size is a perfect subtree that the new leaf completes into one twice as large.
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                node = node_hash(left, node);
            }
            if height.is_multiple_of(TILE_LEVELS) {
                // At most 64 / 8.
                hash(u8::try_from(height / TILE_LEVELS).unwrap_or(u8::MAX), node);
            }
        }
        self.edge.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root. Of an empty tree it is the SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let smallest_first = self.edge.iter().rev().copied();
        smallest_first.reduce(|right, left| node_hash(left, right)).unwrap_or_else(|| Digest::of(b""))
    }
}

#[cfg(test)]
mod tests;
