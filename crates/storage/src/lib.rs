//! Where journals live: segment files, blobs and the read store.
//!
//! ```text
//! <root>/<system>/<service>/journal/   00000000.segment …   zero-filled, preallocated, never reused; groups as `journal` lays them
//!                                      checkpoint           the last signed checkpoint: a shorter journal refuses to start
//!                                      00000000.archived    in the place of a segment that was moved to an archive
//! <root>/<system>/<service>/blobs/     ab/<sha256>          large contents that records name
//! <root>/<system>/<service>/tiles/     0, 1, …               the tree's hashes by tile level; derived
//! <root>/<system>/<service>/snapshots/ state              a state that a start may take instead of replaying; derived
//! <root>/<system>/<service>/ids/       0.ids, …             request ids, sorted; made anew at each start
//! <root>/<system>/<service>/read/      sled                 derived; rebuilt from the journal whenever in doubt
//! <root>/installation, keys/           the installation's UUID and its checkpoint key
//! ```
//!
//! - [`SegmentStore`] appends groups of records and syncs them; [`Recovery`] reads them back at a start; [`Reader`] reads
//!   single records from any thread.
//! - [`BlobStore`] keeps contents by their SHA-256.
//! - [`TileStore`] keeps the tree's hashes, from which [`TileReader`] makes proofs.
//! - [`SnapshotStore`] keeps one state as bytes.
//! - [`IdFiles`] finds the record that answered a request id.
//! - [`ReadStore`] and [`Postings`] keep what lists read; nothing is lost with them.
//! - [`Installation`] is whose journals these are.
//! - [`backup`] and [`restore`] copy a data folder at one consistent point, and back.
//! - [`archive()`] moves old segments to another folder, from which they go on being read; [`unarchive`] puts them back.
//! - [`mend_copies`] and [`MirrorDisk`] keep a second copy on another device.
//! - [`Disk`] is the file layer under both, so that tests can put a failing one there.
//!
//! **Invariant:** this crate knows bytes and positions, not what they mean; it reads no clock and starts no runtime. Nothing
//! that it returns as durable is lost by a crash or a power cut, as long as the device keeps what it says it synced.

mod archive;
mod backup;
mod blobs;
mod disk;
mod ids;
mod installation;
mod mirror;
mod postings;
mod readstore;
mod rotation;
mod segments;
mod snapshots;
mod tiles;
mod witness;

pub use archive::{ArchiveError, Moved, archive, unarchive};
pub use backup::{BackupError, Known, Restored, Run, backup, restore, runs};
pub use blobs::{BlobError, BlobStore};
pub use disk::{Access, Disk, DiskFile, DiskLock, FolderDisk};
pub use ids::{IdFile, IdFiles};
pub use installation::{Installation, InstallationError};
pub use mirror::{
    Copies, Mend, MirrorDisk, MirrorError, Way, check as check_copies, mend as mend_copies, unmirrored,
};
pub use postings::{BLOCK_POSITIONS_MAX, POSTING_KEY_BYTES_MAX, Page, Postings};
pub use readstore::{Opened, ReadStore, ReadStoreError, Stored};
pub use rotation::{Rotation, RotationError, key_history, rotate_journal};
pub use segments::{
    OpenError, Options, ReadError, Reader, Recovered, Recovery, Scrubbed, SegmentStore, StoreError, TailCut,
};
pub use snapshots::{Snapshot, SnapshotStore};
pub use tiles::{TileError, TileReader, TileStore};
pub use witness::WitnessStore;
