//! One snapshot of a journal's state: what a start may take instead of replaying. Never trusted: whatever is wrong with it,
//! the journal itself says the same.
//!
//! ```text
//! offset size field
//!      0    8 "ALMSNAP1"
//!      8    8 how many records it stands for
//!     16   32 the root of the tree over those records
//!     48    … content
//!    end   32 SHA-256 of all before it
//! ```
//! Integers are little-endian. A new snapshot replaces the old one whole.

use crate::disk::{read_whole, replace};
use crate::{Access, Disk};
use journal::Digest;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"ALMSNAP1";
const HEAD_BYTES: usize = 48;
const DIGEST_BYTES: usize = 32;

/// A state as bytes, and the records that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// How many records it stands for.
    pub records: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// The state, as its owner writes it.
    pub content: Vec<u8>,
}

/// Where a journal's snapshot is kept.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl SnapshotStore {
    /// The store in `folder`, which is made when the first snapshot is saved.
    #[must_use]
    pub const fn new(disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        Self { disk, folder }
    }

    /// The snapshot kept, if there is one and it is whole. That it fits the journal, its reader finds out by the root.
    #[must_use]
    pub fn load(&self) -> Option<Snapshot> {
        let mut bytes =
            self.disk.open(&self.path(), Access::Read).and_then(|file| read_whole(&*file)).ok()?;
        let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
        let (head, _) = body.split_at_checked(HEAD_BYTES)?;
        if !head.starts_with(MAGIC) || Digest::of(body).0 != digest {
            return None;
        }
        let records = u64::from_le_bytes(head.get(8..16)?.try_into().ok()?);
        let root = Digest(head.get(16..48)?.try_into().ok()?);
        bytes.truncate(bytes.len() - DIGEST_BYTES);
        bytes.drain(..HEAD_BYTES);
        Some(Snapshot { records, root, content: bytes })
    }

    /// Puts `snapshot` in the place of the one before.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + snapshot.content.len() + DIGEST_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&snapshot.records.to_le_bytes());
        bytes.extend_from_slice(&snapshot.root.0);
        bytes.extend_from_slice(&snapshot.content);
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(&digest.0);
        self.disk.create_folder(&self.folder)?;
        replace(&*self.disk, &self.path(), &bytes, Access::CreatePrivate)
    }

    /// Forgets the snapshot kept, because it does not fit the journal.
    pub fn remove(&self) -> io::Result<()> {
        match self.disk.remove(&self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FolderDisk;

    #[test]
    fn a_snapshot_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(Arc::new(FolderDisk), folder.path().join("snapshots"));
        assert_eq!(store.load(), None);
        store.remove().unwrap();
        let first = Snapshot { records: 7, root: Digest([3; 32]), content: b"state".to_vec() };
        store.save(&first).unwrap();
        assert_eq!(store.load().as_ref(), Some(&first));
        let second = Snapshot { records: 9, root: Digest([4; 32]), content: Vec::new() };
        store.save(&second).unwrap();
        assert_eq!(store.load().as_ref(), Some(&second));
        let path = store.path();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(store.load(), None, "a flipped bit at {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(store.load(), None, "cut at {at}");
        }
        store.remove().unwrap();
        assert_eq!(store.load(), None);
    }
}
