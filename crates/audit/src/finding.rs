//! What a verification finds.

use journal::{CheckpointError, DamageKind, HeaderError, Position};
use std::path::PathBuf;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why, in the operating system's words.
        reason: String,
    },
    /// A file that has no place in a journal's folder.
    #[error("{} does not belong to the journal", path.display())]
    Stray {
        /// The file.
        path: PathBuf,
    },
    /// A segment is missing between others.
    #[error("{} is missing", path.display())]
    SegmentMissing {
        /// The file.
        path: PathBuf,
    },
    /// A segment's bytes are not what was written. Nothing after it could be read.
    #[error("{} is damaged at byte {offset}: {kind}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong there.
        kind: DamageKind,
    },
    /// A record is not one that this journal could hold.
    #[error("record {position}: {problem}")]
    Record {
        /// Where it stands.
        position: Position,
        /// What is wrong.
        problem: RecordProblem,
    },
    /// The checkpoint file is missing or does not count.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: CheckpointError,
    },
    /// The journal is shorter than a signed checkpoint says.
    #[error("the journal holds {records} records; a signed checkpoint covers {checkpoint}")]
    Shorter {
        /// How many records there are.
        records: u64,
        /// How many the checkpoint covers.
        checkpoint: u64,
    },
    /// The records are not those that a signed checkpoint covers.
    #[error("the first {size} records are not those that a signed checkpoint covers")]
    OtherRecords {
        /// The checkpoint's size.
        size: u64,
    },
    /// A blob's content has another SHA-256 than its name.
    #[error("blob {} does not hold what its name says", path.display())]
    Blob {
        /// The file.
        path: PathBuf,
    },
    /// The hashes kept for tiles are not those of the records. They are derived: remove them.
    #[error("{} is not derived from these records", path.display())]
    Tiles {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// Its header cannot be read.
    #[error("{0}")]
    Header(HeaderError),
    /// It says that it is another record.
    #[error("it says that it is record {0}")]
    Position(Position),
    /// It belongs to another system's journal.
    #[error("it belongs to another system")]
    System,
    /// It was recorded before the record before it.
    #[error("it was recorded before the record before it")]
    Time,
    /// Its caller is not named by a record before it.
    #[error("its caller is not named by record {0}")]
    Caller(Position),
    /// It is the first and does not say whose journal this is, or it is another and does.
    #[error("a journal opens with one record that says whose it is")]
    Opening,
    /// The journal was opened for another installation, system or service.
    #[error("the journal was opened as {0}")]
    Owner(String),
    /// It is one of the engine's own and cannot be read.
    #[error("its body cannot be read")]
    Body,
}
