//! What a verification finds.

use journal::{
    CheckpointError, DamageKind, Day, Digest, HeaderError, Item, KeyRotationError, Position, RequestId,
    Service, SystemName,
};
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
    /// What stands for an archived segment is damaged, or is not what the segment in the archive says.
    #[error("{} does not say what was archived", path.display())]
    Archived {
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
    /// A blob that a record names is not beside the journal.
    #[error("blob {digest}, which record {position} names, is not here")]
    BlobMissing {
        /// The record.
        position: Position,
        /// The blob.
        digest: Digest,
    },
    /// The hashes kept for tiles are not those of the records. They are derived: remove them.
    #[error("{} is not derived from these records", path.display())]
    Tiles {
        /// The file.
        path: PathBuf,
    },
    /// A receipt does not hold.
    #[error("receipt {}: {reason}", path.display())]
    Receipt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What somebody kept contradicts the journal: it was rewritten, rolled back or forked since.
    #[error("{} contradicts the journal: {reason}", path.display())]
    Contradicted {
        /// What was kept.
        path: PathBuf,
        /// In what.
        reason: String,
    },
    /// What a record says of a journal's tree is not so: one of the two was rewritten since.
    #[error("record {position} of {system}/settlement pins {origin}: {reason}")]
    Pinned {
        /// Whose settlement journal.
        system: SystemName,
        /// The record that says it.
        position: Position,
        /// Of which journal.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The books that a replay ends with are not those that adding the records up gives.
    #[error("{0}")]
    Books(String),
    /// What one journal says of another is not so.
    #[error("{0}")]
    Crossing(String),
    /// More was found than is listed.
    #[error("{0} findings more of this kind, not listed")]
    More(u64),
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
    /// It changes the key that signs the journal, and may not.
    #[error("it changes the key: {0}")]
    Key(KeyRotationError),
    /// It is one of the domain's and cannot be read.
    #[error("its body cannot be read: {0}")]
    Decode(String),
    /// An earlier record answered the same request id: an id has one outcome for ever.
    #[error("its request id {0} was answered before")]
    Twice(RequestId),
    /// The rules, applied to the state before it, give another outcome.
    #[error("the rules do not give this outcome")]
    Outcome,
    /// A caller was named before.
    #[error("the caller {0} was named before")]
    NamedTwice(String),
    /// One person did what takes two.
    #[error("{what}: proposed and approved by the same caller, {urn}")]
    OnePerson {
        /// What takes two.
        what: &'static str,
        /// The caller.
        urn: String,
    },
    /// What takes two people was done by something that is no person.
    #[error("{what}: {urn} is not a person")]
    NoPerson {
        /// What takes two.
        what: &'static str,
        /// The caller.
        urn: String,
    },
    /// The days that begin do not follow one another.
    #[error("day {found} begins where {expected} comes next")]
    DayOrder {
        /// The day that comes next.
        expected: Day,
        /// The day recorded.
        found: Day,
    },
    /// A clock was moved that is not a sandbox's, or it was moved back.
    #[error("it moves a clock that may not be moved so")]
    Clock,
    /// The outbox cursor goes back or beyond the journal.
    #[error("it says that {target} answered up to record {through}, which cannot be")]
    Delivered {
        /// The service told.
        target: Service,
        /// The position.
        through: Position,
    },
    /// Adding the entries up gives other figures.
    #[error("{0}")]
    Books(String),
    /// It does not undo the entry that it names.
    #[error("it reverses entry {} of record {}, which {what}", entry.index, entry.position)]
    Reversal {
        /// The entry.
        entry: Item,
        /// What is wrong.
        what: String,
    },
    /// Money left, or was to leave, without what its approval demands.
    #[error("{0}")]
    Witnesses(String),
    /// What it says of another journal's record is not so.
    #[error("{0}")]
    Crossing(String),
}
