//! Proofs about a tree: that it holds a record, that it grew from an earlier one, and that it holds a whole range of records.

use crate::{Checkpoint, Digest, node_hash};
use std::collections::BTreeMap;

/// Where the hashes of perfect subtrees come from.
pub trait Nodes {
    /// Why a hash cannot be given.
    type Error;

    /// The root over the 2^`level` leaves from number `index` × 2^`level` on.
    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// A proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// The tree has no such leaves.
    #[error("the tree has no such leaves")]
    OutOfRange,
    /// A hash is not at hand.
    #[error("a hash of the tree is not at hand")]
    Nodes(#[source] E),
}

/// The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling to the root's child (RFC 6962 section
/// 2.1.1).
pub fn inclusion_proof<N: Nodes>(
    index: u64,
    size: u64,
    nodes: &N,
) -> Result<Vec<Digest>, ProofError<N::Error>> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let mut path = Vec::new();
    let (mut low, mut high) = (0, size);
    while high.saturating_sub(low) > 1 {
        let middle = split(low, high);
        if index < middle {
            path.push(subtree(middle, high, nodes)?);
            high = middle;
        } else {
            path.push(subtree(low, middle, nodes)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that the tree of `checkpoint` has `leaf` at `index` (RFC 9162 section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(index: u64, leaf: Digest, path: &[Digest], checkpoint: &Checkpoint) -> bool {
    if index >= checkpoint.size {
        return false;
    }
    let (mut node, mut last) = (index, checkpoint.size.saturating_sub(1));
    let mut root = leaf;
    for &sibling in path {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            root = node_hash(sibling, root);
            // Levels at which the right edge has no sibling are passed over.
            let skip = if node % 2 == 0 { node.trailing_zeros() } else { 0 };
            (node, last) = (shift(node, skip), shift(last, skip));
        } else {
            root = node_hash(root, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && root == checkpoint.root
}

/// The proof that the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962 section 2.1.2). Empty when `old` is 0
/// or both are the same.
pub fn consistency_proof<N: Nodes>(
    old: u64,
    new: u64,
    nodes: &N,
) -> Result<Vec<Digest>, ProofError<N::Error>> {
    if old > new {
        return Err(ProofError::OutOfRange);
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut low, mut high) = (0, new);
    // Whether the part that remains is all of the old tree, whose root the verifier has.
    let mut whole = true;
    while old != high {
        let middle = split(low, high);
        if old <= middle {
            proof.push(subtree(middle, high, nodes)?);
            high = middle;
        } else {
            proof.push(subtree(low, middle, nodes)?);
            low = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(subtree(low, high, nodes)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` proves that the tree of `new` begins with the tree of `old` (RFC 9162 section 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: &Checkpoint, new: &Checkpoint, proof: &[Digest]) -> bool {
    if old.size == new.size {
        return proof.is_empty() && old.root == new.root;
    }
    if old.size == 0 {
        return proof.is_empty() && old.root == Digest::of(b"") && new.size > 0;
    }
    if old.size > new.size {
        return false;
    }
    let mut hashes = proof.iter().copied();
    let first = if old.size.is_power_of_two() { Some(old.root) } else { hashes.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old.size.saturating_sub(1), new.size.saturating_sub(1));
    let skip = node.trailing_ones();
    (node, last) = (shift(node, skip), shift(last, skip));
    let (mut old_root, mut new_root) = (first, first);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_root = node_hash(hash, old_root);
            new_root = node_hash(hash, new_root);
            let skip = if node % 2 == 0 { node.trailing_zeros() } else { 0 };
            (node, last) = (shift(node, skip), shift(last, skip));
        } else {
            new_root = node_hash(new_root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old_root == old.root && new_root == new.root
}

/// The hashes that, with the leaves `first..end`, give the root of the tree of `size` leaves: those of the largest subtrees
/// outside the range, from left to right. At most two per level.
pub fn range_proof<N: Nodes>(
    first: u64,
    end: u64,
    size: u64,
    nodes: &N,
) -> Result<Vec<Digest>, ProofError<N::Error>> {
    if first >= end || end > size {
        return Err(ProofError::OutOfRange);
    }
    let mut proof = Vec::new();
    let mut parts = vec![(0, size)];
    while let Some((low, high)) = parts.pop() {
        if high <= first || end <= low {
            proof.push(subtree(low, high, nodes)?);
        } else if low < first || end < high {
            let middle = split(low, high);
            parts.extend([(middle, high), (low, middle)]);
        }
    }
    Ok(proof)
}

/// A range of leaves that a checkpoint is proved to hold: whoever has it makes the proof of each leaf alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRange {
    checkpoint: Checkpoint,
    first: u64,
    end: u64,
    /// Hashes by the leaves that they are over: of all parts of the range, and of what the proof gives.
    hashes: BTreeMap<(u64, u64), Digest>,
}

impl ProvenRange {
    /// Checks that `leaves`, from number `first` on, are in the tree of `checkpoint`, by the `proof` of [`range_proof`].
    #[must_use]
    pub fn verify(checkpoint: &Checkpoint, first: u64, leaves: &[Digest], proof: &[Digest]) -> Option<Self> {
        let end = first.checked_add(u64::try_from(leaves.len()).ok()?)?;
        if leaves.is_empty() || end > checkpoint.size {
            return None;
        }
        let mut range = Self { checkpoint: *checkpoint, first, end, hashes: BTreeMap::new() };
        let mut proof = proof.iter().copied();
        let root = range.fill(0, checkpoint.size, leaves, &mut proof)?;
        (root == checkpoint.root && proof.next().is_none()).then_some(range)
    }

    /// The audit path of leaf `index`, as [`inclusion_proof`] gives it; `None` outside the range.
    #[must_use]
    pub fn inclusion_proof(&self, index: u64) -> Option<Vec<Digest>> {
        if !(self.first..self.end).contains(&index) {
            return None;
        }
        let mut path = Vec::new();
        let (mut low, mut high) = (0, self.checkpoint.size);
        while high.saturating_sub(low) > 1 {
            let middle = split(low, high);
            let (sibling, part) = if index < middle {
                ((middle, high), (low, middle))
            } else {
                ((low, middle), (middle, high))
            };
            path.push(*self.hashes.get(&sibling)?);
            (low, high) = part;
        }
        path.reverse();
        Some(path)
    }

    /// The root over `low..high`, noting the hashes of its parts. As deep as the tree: at most 64 calls.
    fn fill(
        &mut self,
        low: u64,
        high: u64,
        leaves: &[Digest],
        proof: &mut impl Iterator<Item = Digest>,
    ) -> Option<Digest> {
        let hash = if high <= self.first || self.end <= low {
            proof.next()?
        } else if high.saturating_sub(low) == 1 {
            *leaves.get(usize::try_from(low.checked_sub(self.first)?).ok()?)?
        } else {
            let middle = split(low, high);
            let left = self.fill(low, middle, leaves, proof)?;
            node_hash(left, self.fill(middle, high, leaves, proof)?)
        };
        self.hashes.insert((low, high), hash);
        Some(hash)
    }
}

/// Where RFC 6962 divides the leaves `low..high`, at least two: after the largest power of two below their number.
const fn split(low: u64, high: u64) -> u64 {
    let last = high.saturating_sub(low).saturating_sub(1);
    match last.checked_ilog2() {
        Some(level) => low.saturating_add(1 << level),
        None => high,
    }
}

/// The root over the leaves `low..high` of a tree's left edge or any of its subtrees.
fn subtree<N: Nodes>(mut low: u64, high: u64, nodes: &N) -> Result<Digest, ProofError<N::Error>> {
    let mut parts = Vec::new();
    while low < high {
        let count = high.saturating_sub(low);
        let middle = if count.is_power_of_two() { high } else { split(low, high) };
        let level = middle.saturating_sub(low).ilog2();
        let index = shift(low, level);
        let level = u8::try_from(level).map_err(|_| ProofError::OutOfRange)?;
        parts.push(nodes.node(level, index).map_err(ProofError::Nodes)?);
        low = middle;
    }
    let right_to_left = parts.into_iter().rev();
    right_to_left.reduce(|right, left| node_hash(left, right)).ok_or(ProofError::OutOfRange)
}

/// A right shift that runs out of bits at 64.
const fn shift(number: u64, by: u32) -> u64 {
    match number.checked_shr(by) {
        Some(number) => number,
        None => 0,
    }
}

#[cfg(test)]
mod tests;
