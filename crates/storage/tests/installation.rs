//! An installation is made once.

use journal::{Checkpoint, Digest, Service, SystemName};
use std::os::unix::fs::PermissionsExt;
use storage::{FolderDisk, Installation, InstallationError};

#[test]
fn an_installation_is_made_once_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let open = || Installation::open(&FolderDisk, &root);
    let first = open().unwrap();
    let again = open().unwrap();
    assert_eq!(first.id(), again.id());
    let sign = |installation: &Installation| {
        let checkpoint = Checkpoint { size: 1, root: Digest::of(b"root") };
        installation.signer(&SystemName::national(), Service::Registry).sign(&checkpoint)
    };
    assert_eq!(sign(&first), sign(&again));
    assert!(!format!("{first:?}").contains("seed"), "the key never prints");
    let key = root.join("keys/checkpoints");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    // A start that was interrupted between key and id keeps the key.
    let other = folder.path().join("other");
    std::fs::create_dir_all(other.join("keys")).unwrap();
    std::fs::copy(&key, other.join("keys/checkpoints")).unwrap();
    let interrupted = Installation::open(&FolderDisk, &other).unwrap();
    assert_ne!(interrupted.id(), first.id());

    std::fs::write(root.join("installation"), "not a UUID\n").unwrap();
    let damaged = open().unwrap_err();
    assert!(matches!(damaged, InstallationError::Damaged { path } if path == root.join("installation")));
    std::fs::remove_file(other.join("keys/checkpoints")).unwrap();
    let missing = Installation::open(&FolderDisk, &other).unwrap_err();
    assert!(matches!(missing, InstallationError::KeyMissing { .. }));
}
