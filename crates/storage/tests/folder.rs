//! Journals and blobs on real files.
mod common;

use common::{Script, body_of};
use journal::{Digest, Position, Tree};
use std::sync::Arc;
use storage::{BlobError, BlobStore, FolderDisk, OpenError, Options, SegmentStore};

#[test]
fn a_journal_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("berkshire-west/ledger/journal");
    let mut script = Script::default();
    let mut written = Vec::new();
    for epoch in 1..4 {
        let disk = Arc::new(FolderDisk);
        let recovery = SegmentStore::open(disk, &path, common::signer(), Options::default()).unwrap();
        let (records, (mut store, recovered)) = common::recover(recovery).unwrap();
        assert_eq!(records, written);
        // An epoch counts the starts that wrote something.
        assert_eq!(recovered.epoch, epoch);
        assert_eq!(recovered.checkpoint.size, written.len() as u64);
        assert_eq!(recovered.cut, None);
        let reader = store.reader();
        for size in [1, 1_000, 3] {
            let group = script.group(size, 100);
            let durable = store.append(group.iter().map(Vec::as_slice)).unwrap();
            written.extend(group);
            assert_eq!(durable, Position::new(written.len() as u64));
            assert_eq!(reader.end(), durable);
        }
        store.write_checkpoint(common::checkpoint(&written)).unwrap();
        for (position, record) in written.iter().enumerate() {
            assert_eq!(
                reader.read(Position::new(position as u64)).unwrap().as_deref(),
                Some(record.as_slice())
            );
        }
        assert_eq!(reader.read(Position::new(written.len() as u64)).unwrap(), None);
        let mut seen = Vec::new();
        reader
            .read_from(Position::new(500), |position, record| {
                assert_eq!(body_of(record), position.get());
                seen.push(record.to_vec());
                seen.len() < 1_000
            })
            .unwrap();
        assert_eq!(seen, written[500..written.len().min(1_500)]);
    }
    let (store, recovered) = common::open_folder(&path).unwrap().finish().unwrap();
    let mut tree = Tree::new();
    written.iter().for_each(|record| tree.append(journal::leaf_hash(record)));
    assert_eq!(recovered.tree, tree);
    let refused = common::open_folder(&path).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { path: named } if named == path));
    drop(store);
    common::open_folder(&path).unwrap();
}

#[test]
fn blobs_are_kept_by_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let open = || BlobStore::open(Arc::new(FolderDisk), folder.path().join("blobs")).unwrap();
    let digest = open().put(b"a price book").unwrap();
    assert_eq!(digest, Digest::of(b"a price book"));
    let blobs = open();
    assert_eq!(blobs.put(b"a price book").unwrap(), digest);
    assert_eq!(blobs.get(digest).unwrap().as_deref(), Some(b"a price book".as_slice()));
    assert_eq!(blobs.get(Digest::of(b"another")).unwrap(), None);
    assert_eq!(blobs.digests().unwrap(), [digest]);
    let name = digest.to_string();
    let path = folder.path().join("blobs").join(&name[..2]).join(&name);
    std::fs::write(&path, b"a prize book").unwrap();
    assert!(matches!(blobs.get(digest), Err(BlobError::Damaged { path: named }) if named == path));
    // Putting it again mends it.
    blobs.put(b"a price book").unwrap();
    assert!(blobs.get(digest).unwrap().is_some());
}
