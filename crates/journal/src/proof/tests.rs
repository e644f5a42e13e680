use super::*;
use crate::{TileHashes, Tree, leaf_hash};
use proptest::prelude::*;
use tlog_tiles::{Hash, HashReader, RecordProof, TreeProof};

/// A tree with its tiles in memory, and its root at every size.
struct Grown {
    levels: Vec<Vec<Digest>>,
    roots: Vec<Digest>,
}

struct Theirs<'a>(&'a [Hash]);

impl HashReader for Theirs<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|&index| self.0[usize::try_from(index).unwrap()]).collect())
    }
}

impl TileHashes for Grown {
    type Error = core::convert::Infallible;

    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Digest>, Self::Error> {
        let first = usize::try_from(first).unwrap();
        Ok(self.levels[usize::from(level)][first..first + usize::try_from(count).unwrap()].to_vec())
    }
}

fn record(n: u64) -> Vec<u8> {
    format!("record {n}").into_bytes()
}

fn grow(size: u64) -> Grown {
    let mut tree = Tree::new();
    let mut grown = Grown { levels: vec![Vec::new(); 9], roots: vec![tree.root()] };
    for n in 0..size {
        tree.append_with(leaf_hash(&record(n)), |level, hash| grown.levels[usize::from(level)].push(hash));
        grown.roots.push(tree.root());
    }
    grown
}

/// The tree as `tlog_tiles` stores it.
fn grow_theirs(size: u64) -> Vec<Hash> {
    let mut stored = Vec::new();
    for n in 0..size {
        let new = tlog_tiles::stored_hashes(n, &record(n), &Theirs(&stored)).unwrap();
        stored.extend(new);
    }
    stored
}

impl Grown {
    fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint { size, root: self.roots[usize::try_from(size).unwrap()] }
    }
}

fn their(hashes: &[Digest]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

/// Every proof of every tree of up to 70 leaves, and of some larger ones, is the one that `tlog_tiles` makes, and holds.
#[test]
fn proofs_are_those_of_another_library() {
    let grown = grow(700);
    let stored = grow_theirs(700);
    let stored = Theirs(&stored);
    for size in (1..70).chain([255, 256, 257, 511, 513, 700]) {
        let checkpoint = grown.checkpoint(size);
        assert_eq!(tlog_tiles::tree_hash(size, &stored).unwrap().0, checkpoint.root.0);
        let step = usize::try_from(size / 60 + 1).unwrap();
        for index in (0..size).step_by(step) {
            let path = inclusion_proof(index, size, &grown).unwrap();
            let theirs: RecordProof = tlog_tiles::prove_record(size, index, &stored).unwrap();
            assert_eq!(their(&path), theirs, "leaf {index} of {size}");
            assert!(verify_inclusion(index, leaf_hash(&record(index)), &path, &checkpoint));
            let old = index + 1;
            let proof = consistency_proof(old, size, &grown).unwrap();
            let theirs: TreeProof = tlog_tiles::prove_tree(size, old, &stored).unwrap();
            assert_eq!(their(&proof), theirs, "{old} to {size}");
            assert!(verify_consistency(&grown.checkpoint(old), &checkpoint, &proof));
        }
    }
}

#[test]
fn a_tree_goes_on_from_its_tiles() {
    let grown = grow(600);
    for size in [0, 1, 2, 3, 255, 256, 257, 512, 599] {
        let mut tree = Tree::resume(size, &grown).unwrap();
        assert_eq!(tree.root(), grown.checkpoint(size).root);
        tree.append(leaf_hash(&record(size)));
        assert_eq!(tree.root(), grown.checkpoint(size + 1).root, "after {size}");
    }
}

#[test]
fn what_a_tree_does_not_have_is_not_proved() {
    let grown = grow(10);
    assert_eq!(inclusion_proof(10, 10, &grown), Err(ProofError::OutOfRange));
    assert_eq!(consistency_proof(10, 9, &grown), Err(ProofError::OutOfRange));
    assert_eq!(range_proof(3, 3, 10, &grown), Err(ProofError::OutOfRange));
    assert_eq!(range_proof(3, 11, 10, &grown), Err(ProofError::OutOfRange));
    let (empty, ten) = (grown.checkpoint(0), grown.checkpoint(10));
    assert!(verify_consistency(&empty, &ten, &[]) && verify_consistency(&ten, &ten, &[]));
    assert!(!verify_consistency(&Checkpoint { size: 0, root: ten.root }, &ten, &[]));
    assert!(!verify_consistency(&ten, &empty, &[]));
    assert!(!verify_consistency(&grown.checkpoint(3), &ten, &[]));
    assert!(ProvenRange::verify(&ten, 9, &[Digest::default(); 2], &[]).is_none());
    assert!(ProvenRange::verify(&ten, 3, &[], &[]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_range_proves_each_of_its_leaves(size in 1_u64..280, a: prop::sample::Index, b: prop::sample::Index) {
        let grown = grow(size);
        let bounds = [a, b].map(|index| index.index(usize::try_from(size).unwrap()) as u64);
        let (first, end) = (bounds[0].min(bounds[1]), bounds[0].max(bounds[1]) + 1);
        let checkpoint = grown.checkpoint(size);
        let mut leaves: Vec<Digest> = (first..end).map(|n| leaf_hash(&record(n))).collect();
        let mut proof = range_proof(first, end, size, &grown).unwrap();
        let range = ProvenRange::verify(&checkpoint, first, &leaves, &proof).unwrap();
        for index in first..end {
            prop_assert_eq!(range.inclusion_proof(index), inclusion_proof(index, size, &grown).ok());
        }
        prop_assert_eq!(range.inclusion_proof(end), None);
        // Any other leaf, place, hash or length is refused.
        prop_assert_eq!(ProvenRange::verify(&checkpoint, first + 1, &leaves, &proof), None);
        leaves[0].0[0] ^= 1;
        prop_assert_eq!(ProvenRange::verify(&checkpoint, first, &leaves, &proof), None);
        leaves[0].0[0] ^= 1;
        proof.push(Digest::default());
        prop_assert_eq!(ProvenRange::verify(&checkpoint, first, &leaves, &proof), None);
        proof.pop();
        if let Some(hash) = proof.last_mut() {
            hash.0[31] ^= 1;
            prop_assert_eq!(ProvenRange::verify(&checkpoint, first, &leaves, &proof), None);
            proof.pop();
            prop_assert_eq!(ProvenRange::verify(&checkpoint, first, &leaves, &proof), None);
        }
    }

    #[test]
    fn a_changed_proof_does_not_hold(size in 2_u64..300, index: prop::sample::Index, at: prop::sample::Index, bit in 0_usize..256) {
        let grown = grow(size);
        let index = index.index(usize::try_from(size).unwrap()) as u64;
        let checkpoint = grown.checkpoint(size);
        let leaf = leaf_hash(&record(index));
        let mut path = inclusion_proof(index, size, &grown).unwrap();
        prop_assert!(!verify_inclusion(index + 1, leaf, &path, &checkpoint));
        prop_assert!(!verify_inclusion(index, leaf, &path[1..], &checkpoint));
        let changed = at.index(path.len());
        path[changed].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify_inclusion(index, leaf, &path, &checkpoint));
        let mut proof = consistency_proof(index, size, &grown).unwrap();
        if !proof.is_empty() {
            let old = grown.checkpoint(index);
            prop_assert!(verify_consistency(&old, &checkpoint, &proof));
            let changed = at.index(proof.len());
            proof[changed].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_consistency(&old, &checkpoint, &proof));
        }
    }
}
