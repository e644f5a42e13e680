use super::*;
use crate::{CheckpointSigner, Origin, Service, Tree, consistency_proof, leaf_hash, node_hash};
use core::convert::Infallible;

/// A log of numbered records; from `fork` on they are others.
struct Log {
    leaves: Vec<Digest>,
    signer: CheckpointSigner,
}

impl crate::Nodes for Log {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Infallible> {
        let width = 1_usize << level;
        let first = usize::try_from(index).unwrap() * width;
        let mut hashes = self.leaves[first..first + width].to_vec();
        while hashes.len() > 1 {
            hashes = hashes.chunks(2).map(|pair| node_hash(pair[0], pair[1])).collect();
        }
        Ok(hashes[0])
    }
}

impl Log {
    fn new(size: u8, fork: u8) -> Self {
        let leaf = |n: u8| leaf_hash(&[n, if n >= fork { 1 } else { 0 }]);
        let origin = Origin::new([7; 16], &"berkshire-west".parse().unwrap(), Service::Ledger);
        Self { leaves: (0..size).map(leaf).collect(), signer: CheckpointSigner::new(origin, &[7; 32]) }
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let mut tree = Tree::new();
        for leaf in self.leaves.iter().take(usize::try_from(size).unwrap()) {
            tree.append(*leaf);
        }
        Checkpoint { size, root: tree.root() }
    }

    fn offer(&self, old: u64, new: u64) -> AddCheckpoint {
        AddCheckpoint {
            old_size: old,
            proof: consistency_proof(old, new, self).unwrap_or_default(),
            note: self.signer.sign(&self.checkpoint(new)),
        }
    }

    fn keys(&self) -> Vec<LogKey> {
        vec![LogKey::from(self.signer.verifier())]
    }
}

#[test]
fn a_witness_agrees_to_growth_and_nothing_else() {
    let log = Log::new(9, u8::MAX);
    let fork = Log::new(9, 3);
    let keys = log.keys();
    let seen = log.checkpoint(5);
    let judge = |offer: &AddCheckpoint, seen: Option<&Checkpoint>| {
        offer.judge(&keys, seen).map(|(checkpoint, _)| checkpoint.size)
    };
    // First sight, growth, and the same again.
    assert_eq!(judge(&log.offer(0, 5), None), Ok(5));
    assert_eq!(judge(&log.offer(5, 9), Some(&seen)), Ok(9));
    assert_eq!(judge(&log.offer(5, 5), Some(&seen)), Ok(5));
    assert_eq!(judge(&log.offer(0, 0), None), Ok(0));
    // A fork with a proof of its own, of the same size, and one that pretends to be the first sight.
    assert_eq!(judge(&fork.offer(5, 9), Some(&seen)), Err(WitnessRefusal::Inconsistent));
    assert_eq!(judge(&fork.offer(5, 5), Some(&seen)), Err(WitnessRefusal::Forked { size: 5 }));
    assert_eq!(judge(&fork.offer(0, 9), Some(&seen)), Err(WitnessRefusal::Stale { size: 5 }));
    // A log that was rolled back has nothing that begins with what was seen.
    assert_eq!(judge(&log.offer(4, 4), Some(&seen)), Err(WitnessRefusal::Stale { size: 5 }));
    let back = AddCheckpoint { old_size: 5, ..log.offer(0, 4) };
    assert_eq!(judge(&back, Some(&seen)), Err(WitnessRefusal::OldSize));
    // A proof that is missing, too long, or of other trees.
    let mut cut = log.offer(5, 9);
    cut.proof.pop();
    assert_eq!(judge(&cut, Some(&seen)), Err(WitnessRefusal::Inconsistent));
    let mut long = log.offer(5, 9);
    long.proof.push(Digest::default());
    assert_eq!(judge(&long, Some(&seen)), Err(WitnessRefusal::Inconsistent));
    let first = AddCheckpoint { proof: vec![Digest::default()], ..log.offer(0, 5) };
    assert_eq!(judge(&first, None), Err(WitnessRefusal::Inconsistent));
    assert_eq!(judge(&fork.offer(0, 5), None), Ok(5), "who saw nothing has nothing to compare with");
}

#[test]
fn whose_checkpoint_it_is_comes_first() {
    let log = Log::new(9, u8::MAX);
    let offer = log.offer(0, 5);
    let judge = |offer: &AddCheckpoint, keys: &[LogKey]| offer.judge(keys, None).map(|_| ());
    assert_eq!(judge(&offer, &[]), Err(WitnessRefusal::UnknownLog));
    let origin = log.signer.verifier().origin().clone();
    let other = LogKey::from(CheckpointSigner::new(origin, &[8; 32]).verifier());
    assert_eq!(judge(&offer, core::slice::from_ref(&other)), Err(WitnessRefusal::Unsigned));
    // A log may be known by the key before and the key after a change.
    assert_eq!(judge(&offer, &[other, log.keys().remove(0)]), Ok(()));
    let edited = AddCheckpoint { note: offer.note.replacen("\n5\n", "\n6\n", 1), ..offer.clone() };
    assert_eq!(judge(&edited, &log.keys()), Err(WitnessRefusal::Unsigned));
    let unread = AddCheckpoint { note: "nothing".into(), ..offer };
    assert_eq!(judge(&unread, &log.keys()), Err(WitnessRefusal::Malformed));
}

#[test]
fn offers_are_read_as_they_are_written() {
    let offer = Log::new(9, u8::MAX).offer(5, 9);
    let text = offer.to_string();
    assert!(text.starts_with("old 5\n"));
    assert_eq!(text.parse(), Ok(offer));
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    for bad in [
        "".to_owned(),
        text.replacen("old 5", "old 05", 1),
        text.replacen("old 5", "new 5", 1),
        text.replacen("old 5\n", "old 5\nx\n", 1),
        text.replacen("old 5\n", &format!("old 5\n{}", hash.repeat(64)), 1),
        "old 5\n".to_owned(),
    ] {
        assert_eq!(bad.parse::<AddCheckpoint>(), Err(WitnessRefusal::Malformed), "{bad}");
    }
}
