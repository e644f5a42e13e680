//! What can go wrong, one variant per failed step.

use journal::{CheckpointError, DamageKind, GroupError, Position};
use std::io;
use std::path::PathBuf;

/// A journal cannot be opened. Nothing was changed that a repaired start would miss.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder could not be created.
    #[error("creating {}", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has the journal open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder could not be locked.
    #[error("locking {}", path.display())]
    Lock {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder or a file in it could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What an interrupted start or write left could not be cleared away, or the last group could not be synced again.
    #[error("mending {}", path.display())]
    Mend {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first segment or checkpoint could not be written.
    #[error("starting a journal")]
    Start(#[source] StoreError),
    /// A segment is missing.
    #[error("{} is missing", path.display())]
    SegmentMissing {
        /// The file.
        path: PathBuf,
    },
    /// What stands for an archived segment is not what was written.
    #[error("{} does not say what was archived: put the segment back from the archive or a backup", path.display())]
    ArchivedDamaged {
        /// The file.
        path: PathBuf,
    },
    /// An archived segment cannot be read: a start checks the whole journal.
    #[error("{} was archived and cannot be read there: bring the archive back, or put the segment back from a backup", path.display())]
    Archived {
        /// The segment in the archive.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file in the archive is not the segment that was put there.
    #[error("{} is not the segment that was archived there: bring the right archive back, or put the segment back from a backup", path.display())]
    ArchivedDiffers {
        /// The segment in the archive.
        path: PathBuf,
    },
    /// A segment's bytes are not what was written.
    #[error("{} is damaged at byte {offset}, where record {position} comes next: {kind}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the group or sector starts.
        offset: u64,
        /// Every record before this one was read and is sound.
        position: Position,
        /// What is wrong there.
        kind: DamageKind,
    },
    /// There are records but no checkpoint file.
    #[error("{} is missing, yet the journal holds records", path.display())]
    CheckpointMissing {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint file is not this journal's checkpoint.
    #[error("{} is damaged", path.display())]
    CheckpointDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CheckpointError,
    },
    /// Fewer records than the checkpoint covers: the end of the journal was lost.
    #[error("{} is damaged at byte {offset}: it ends before record {records}, yet its checkpoint covers {checkpoint} records", path.display())]
    Shorter {
        /// The last segment.
        path: PathBuf,
        /// Where its last sound group ends.
        offset: u64,
        /// How many records there are.
        records: u64,
        /// How many there were.
        checkpoint: u64,
    },
    /// The records are not those that the checkpoint covers.
    #[error("the records below {size} in {} are not those of its checkpoint", path.display())]
    OtherRecords {
        /// The folder.
        path: PathBuf,
        /// The checkpoint's size.
        size: u64,
    },
}

/// Records or a checkpoint could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An earlier write or sync failed: nothing more is written before the process has ended and recovered.
    #[error("the journal stopped after an earlier failure")]
    Stopped,
    /// A record is not the next one.
    #[error("a record cannot be appended")]
    Record(#[source] GroupError),
    /// A segment could not be written.
    #[error("writing {} at byte {offset}", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// A segment could not be synced. What it holds is unknown until it is read again.
    #[error("syncing {}", path.display())]
    Sync {
        /// The segment.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The next segment would not leave the reserve free.
    #[error("{free} bytes are free for {}; {needed} are needed", path.display())]
    NoSpace {
        /// The segment to come.
        path: PathBuf,
        /// Bytes free.
        free: u64,
        /// Its size and the reserve.
        needed: u64,
    },
    /// The next segment could not be prepared.
    #[error("preparing {}", path.display())]
    Prepare {
        /// The segment to come.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A group does not fit into a segment of the configured size.
    #[error("a group of {bytes} bytes does not fit into {}", path.display())]
    GroupTooLarge {
        /// The segment.
        path: PathBuf,
        /// The group's size.
        bytes: usize,
    },
    /// A checkpoint may only cover what is durable.
    #[error("a checkpoint of {size} records where {durable} are durable")]
    CheckpointAhead {
        /// The checkpoint's size.
        size: u64,
        /// How many records are durable.
        durable: u64,
    },
    /// The checkpoint file could not be replaced.
    #[error("writing {}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The segment could not be read.
    #[error("reading record {position} in {} at byte {offset}", path.display())]
    Read {
        /// The record.
        position: Position,
        /// The segment.
        path: PathBuf,
        /// Where its group starts.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The record is in an archive that cannot be read.
    #[error("record {position} was archived in {} and cannot be read there", path.display())]
    Archived {
        /// The record.
        position: Position,
        /// The segment in the archive.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The group is no longer what was written.
    #[error("record {position}: {} is damaged at byte {offset}: {kind}", path.display())]
    Damaged {
        /// The record.
        position: Position,
        /// The segment.
        path: PathBuf,
        /// Where its group starts.
        offset: u64,
        /// What is wrong there.
        kind: DamageKind,
    },
}

impl ReadError {
    /// The same of another record of the group.
    pub(super) fn of(self, position: Position) -> Self {
        match self {
            Self::Read { path, offset, source, .. } => Self::Read { position, path, offset, source },
            Self::Archived { path, source, .. } => Self::Archived { position, path, source },
            Self::Damaged { path, offset, kind, .. } => Self::Damaged { position, path, offset, kind },
        }
    }
}
