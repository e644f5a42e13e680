//! A witness's folder through crashes, full disks and hands that should have stayed away.

use journal::{Checkpoint, Digest};
use std::path::Path;
use std::sync::Arc;
use storage::{Access, Disk, InstallationError, WitnessStore};
use testkit::MemoryDisk;

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { size, root: Digest::of(&size.to_be_bytes()) }
}

const FOLDER: &str = "/witness";

fn open(disk: &MemoryDisk) -> Result<WitnessStore, InstallationError> {
    WitnessStore::open(Arc::new(disk.clone()), Path::new(FOLDER))
}

#[test]
fn what_was_kept_is_there_and_a_witness_never_forgets() {
    let disk = MemoryDisk::new();
    let mut store = open(&disk).unwrap();
    let seed = store.seed();
    assert_eq!(store.seen("log a"), None);
    store.keep("log a", checkpoint(5)).unwrap();
    store.keep("log/b", checkpoint(7)).unwrap();
    store.keep("log a", checkpoint(9)).unwrap();
    assert!(matches!(open(&disk), Err(InstallationError::InUse { .. })));
    drop(store);
    let store = open(&disk).unwrap();
    assert_eq!(store.seed(), seed);
    assert_eq!((store.seen("log a"), store.seen("log/b")), (Some(&checkpoint(9)), Some(&checkpoint(7))));
    drop(store);

    let path = Path::new(FOLDER).join("seen");
    let text = {
        let file = disk.open(&path, Access::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    };
    // Any changed byte is noticed.
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        disk.open(&path, Access::Create).unwrap().write_all_at(&changed, 0).unwrap();
        assert!(matches!(open(&disk), Err(InstallationError::Damaged { .. })), "byte {at}");
    }
    disk.remove(&path).unwrap();
    assert!(matches!(open(&disk), Err(InstallationError::StateMissing { .. })));
    disk.open(&path, Access::Create).unwrap().write_all_at(&text, 0).unwrap();
    assert!(open(&disk).is_ok());
    disk.remove(&Path::new(FOLDER).join("key")).unwrap();
    assert!(matches!(open(&disk), Err(InstallationError::KeyMissing { .. })));
}
