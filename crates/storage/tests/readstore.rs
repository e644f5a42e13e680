//! The read store: what it keeps, and that whatever happens to its files ends in a rebuild, never in a wrong answer.

use journal::Position;
use std::path::Path;
use storage::{Opened, ReadStore, ReadStoreError, Stored};

const END: Position = Position::new(1_000_000);

fn at(position: u64) -> Position {
    Position::new(position)
}

fn open(folder: &Path) -> Opened {
    ReadStore::open(folder, "accounts 1", END).unwrap()
}

fn value(n: u64) -> Vec<u8> {
    vec![n.to_le_bytes()[0]; 40]
}

fn fill(store: &ReadStore, keys: u64) -> Result<(), ReadStoreError> {
    for n in 0..keys {
        store.insert(format!("key/{n:06}").as_bytes(), at(n), &value(n))?;
    }
    store.flush(at(keys - 1))
}

/// Every key that is found, or the first error.
fn read(store: &ReadStore) -> Result<Vec<(Vec<u8>, Stored)>, ReadStoreError> {
    let mut found = Vec::new();
    store.scan_prefix(b"key/", b"", |key, stored| {
        found.push((key.to_vec(), stored));
        true
    })?;
    Ok(found)
}

#[test]
fn what_is_flushed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read");
    let Opened { store, through, set_aside, .. } = open(&path);
    assert_eq!((through, set_aside), (None, None));
    fill(&store, 100).unwrap();
    store.insert(b"key/000007", at(500), b"newer").unwrap();
    store.insert(b"key/000007", at(499), b"older").unwrap();
    store.insert(b"kez", at(1), b"beyond the prefix").unwrap();
    store.flush(at(500)).unwrap();
    drop(store);
    let Opened { store, through, .. } = open(&path);
    assert_eq!(through, Some(at(500)));
    let newer = Stored { position: at(500), value: b"newer".to_vec() };
    assert_eq!(store.get(b"key/000007").unwrap(), Some(newer.clone()));
    assert_eq!(store.get(b"absent").unwrap(), None);
    let all = read(&store).unwrap();
    assert_eq!(all.len(), 100);
    assert_eq!(all[7], (b"key/000007".to_vec(), newer));
    let mut keys = Vec::new();
    store
        .scan_prefix(b"key/", b"key/000090", |key, _| {
            keys.push(key.to_vec());
            keys.len() < 3
        })
        .unwrap();
    assert_eq!(keys, [b"key/000090", b"key/000091", b"key/000092"]);
    assert_eq!(store.last_with_prefix(b"key/").unwrap().unwrap().0, b"key/000099");
}

#[test]
fn a_store_just_dropped_opens_as_soon_as_its_lock_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read");
    let Opened { store, .. } = open(&path);
    fill(&store, 10).unwrap();
    let (opening, opened) = std::sync::mpsc::channel();
    let reopened = std::thread::scope(|scope| {
        scope.spawn(move || {
            opened.recv().unwrap();
            drop(store);
        });
        opening.send(()).unwrap();
        open(&path)
    });
    assert_eq!((reopened.through, reopened.set_aside), (Some(at(9)), None));
}

#[test]
fn another_format_or_a_longer_past_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read");
    fill(&open(&path).store, 10).unwrap();
    let other = ReadStore::open(&path, "accounts 2", END).unwrap();
    assert_eq!(other.through, None);
    assert_eq!(other.set_aside.as_deref(), Some(folder.path().join("read.set-aside-1").as_path()));
    fill(&other.store, 10).unwrap();
    drop(other);
    // The journal ends at the position that the store claims to cover: it came from a copy.
    let restored = ReadStore::open(&path, "accounts 2", at(9)).unwrap();
    assert_eq!(restored.set_aside.as_deref(), Some(folder.path().join("read.set-aside-2").as_path()));
    assert!(read(&restored.store).unwrap().is_empty());
}

#[test]
fn a_damaged_store_gives_no_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    fill(&open(&sound).store, 3_000).unwrap();
    let expected = read(&open(&sound).store).unwrap();
    let content = std::fs::read(sound.join("db")).unwrap();
    let used = content.iter().rposition(|&byte| byte != 0).unwrap();
    for case in 0..24 {
        let path = folder.path().join(format!("case-{case}"));
        std::fs::create_dir(&path).unwrap();
        for entry in std::fs::read_dir(&sound).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
            }
        }
        let mut damaged = content.clone();
        match case {
            0..20 => damaged[used * case / 20] ^= 0x10,
            20 => damaged.truncate(used / 2),
            21 => damaged.truncate(100),
            22 => damaged.clear(),
            _ => damaged[used / 3..used / 2].fill(0),
        }
        std::fs::write(path.join("db"), damaged).unwrap();
        let opened = open(&path);
        match read(&opened.store) {
            Ok(found) => {
                assert!(found.iter().all(|entry| expected.contains(entry)), "case {case}");
                // Whoever claims to hold everything holds it.
                assert!(opened.through.is_none() || found.len() == expected.len(), "case {case}");
            }
            Err(_) => {
                drop(opened);
                let fresh = ReadStore::fresh(&path, "accounts 1").unwrap();
                assert_eq!(fresh.through, None);
                fill(&fresh.store, 3_000).unwrap();
                assert_eq!(read(&fresh.store).unwrap(), expected);
            }
        }
    }
}
