//! Journals and blobs on real files.
mod common;

use common::{Script, body_of};
use journal::{Digest, Position, Tree};
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{BlobError, BlobStore, FolderDisk, OpenError, Options, SegmentStore, StoreError};

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

/// A small file system of the machine's own that runs full and is made larger.
#[test]
fn a_full_file_system_refuses_writes_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |options: &str| {
        let path = folder.path().to_str().unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs", path]).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !mount("size=40m") {
        let _ = writeln!(std::io::stderr().lock(), "skipped: no tmpfs can be mounted here (root can)");
        return;
    }
    let _unmounted = Unmount(folder.path().to_owned());
    let path = folder.path().join("journal");
    let options = Options { segment_bytes_max: 8 << 20, reserve_bytes: 2 << 20, ..Options::default() };
    let open = || SegmentStore::open(Arc::new(FolderDisk), &path, common::signer(), options).unwrap();
    let (mut store, _) = open().finish().unwrap();
    let reader = store.reader();
    let mut script = Script::default();
    let mut written = 0;
    while reader.accepting() {
        let group = script.group(500, 2_000);
        store.append(group.iter().map(Vec::as_slice)).unwrap();
        written += 500;
        assert!(written * 2_000 < 40 << 20, "the file system is larger than it was made");
    }
    // What was decided before writes were refused still fits, and what is there is read.
    let group = script.group(500, 2_000);
    store.append(group.iter().map(Vec::as_slice)).unwrap();
    written += 500;
    assert!(matches!(store.prepare(), Err(StoreError::NoSpace { .. })));
    for position in [0, written - 1] {
        assert_eq!(body_of(&reader.read(Position::new(position)).unwrap().unwrap()), position);
    }
    assert!(mount("remount,size=80m"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.prepare().is_err() || !reader.accepting() {
        assert!(Instant::now() < deadline, "space was given back, and writes are still refused");
    }
    drop(store);
    assert_eq!(open().finish().unwrap().0.durable_before(), Position::new(written));
}

/// Unmounts when dropped, before the folder is removed.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
