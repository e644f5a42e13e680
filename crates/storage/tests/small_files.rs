//! Blobs and the installation through every crash and error of the file layer.

use journal::Digest;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{BlobStore, Installation};
use testkit::{Crash, Fault, MemoryDisk};

const CONTENTS: [&[u8]; 3] = [b"a price book", b"a camt.053", b"a price book"];

/// Keeps the contents until one fails; returns the digests that were given.
fn put_all(disk: &MemoryDisk) -> Vec<Digest> {
    let Ok(blobs) = BlobStore::open(Arc::new(disk.clone()), PathBuf::from("/data/blobs")) else {
        return Vec::new();
    };
    CONTENTS.iter().map_while(|content| blobs.put(content).ok()).collect()
}

#[test]
fn a_kept_blob_survives_and_an_interrupted_one_is_absent_or_whole() {
    let count = MemoryDisk::new();
    assert_eq!(put_all(&count).len(), 3);
    let operations = count.operations();
    for at in 0..operations {
        for fault in [Fault::Crash, Fault::Error(io::ErrorKind::Other)] {
            let disk = MemoryDisk::new();
            disk.fail_at(at, fault);
            let kept = put_all(&disk);
            assert!(kept.len() < 3, "operation {at} matters");
            for crash in Crash::all(at) {
                let disk = disk.after(crash);
                let blobs = BlobStore::open(Arc::new(disk.clone()), PathBuf::from("/data/blobs")).unwrap();
                for content in CONTENTS {
                    let digest = Digest::of(content);
                    let found = blobs.get(digest).unwrap();
                    assert!(found.is_some() || !kept.contains(&digest), "operation {at}, {crash:?}");
                    assert_eq!(found.as_deref().unwrap_or(content), content);
                }
                assert_eq!(put_all(&disk).len(), 3, "what was left does not stand in the way");
            }
        }
    }
}

#[test]
fn an_installation_that_was_told_stays_the_same() {
    let open = |disk: &MemoryDisk| Installation::open(disk, Path::new("/data"));
    let count = MemoryDisk::new();
    open(&count).unwrap();
    for at in 0..count.operations() {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        assert!(open(&disk).is_err());
        for crash in Crash::all(at) {
            let disk = disk.after(crash);
            let made = open(&disk).unwrap_or_else(|error| panic!("operation {at}, {crash:?}: {error}"));
            let again = open(&disk.after(Crash::POWER_CUT)).unwrap();
            assert_eq!((made.id(), made.seed()), (again.id(), again.seed()), "operation {at}, {crash:?}");
        }
    }
}
