//! What a domain is to the engine, the verifier and a replay: two functions and their bytes.

use crate::{Day, Digest, Instant, Kind, Position, RequestId, Service};
use core::fmt;
use std::sync::Arc;

/// Where and when a command is decided. The same values stand in the record's header, so a replay sees them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The position that the outcome takes.
    pub position: Position,
    /// The recorded time.
    pub recorded_time: Instant,
    /// The business date.
    pub business_date: Day,
    /// The attempt.
    pub request_id: RequestId,
    /// The position of the record that named the caller.
    pub caller: Position,
}

/// The events of one accepted command, in order. Most commands have one.
pub type Events<E> = smallvec::SmallVec<[E; 1]>;

/// What became of a command. Both stand in the journal: an id has one outcome for ever, and a refusal is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<E, R> {
    /// It was done; these are its consequences.
    Accepted(Events<E>),
    /// It was refused, for this reason, and changed nothing.
    Refused(R),
}

/// Large contents that records name by their SHA-256, durable before the record that names them.
pub trait Blobs {
    /// The bytes whose SHA-256 is `digest`, or `None` when they are not at hand.
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>>;

    /// The same, checked against the digest. Errors when it is missing or holds other bytes.
    fn checked(&self, digest: Digest) -> Result<Arc<[u8]>, DecodeError> {
        let bytes = self.blob(digest).ok_or(DecodeError::BlobMissing(digest))?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(DecodeError::BlobDamaged(digest)) }
    }
}

/// No blobs: for domains whose records name none, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBlobs;

impl Blobs for NoBlobs {
    fn blob(&self, _: Digest) -> Option<Arc<[u8]>> {
        None
    }
}

/// A record's body is not one that this program can read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The kind is not one of this domain's.
    #[error("record kind {0} is not known to {1}")]
    Kind(u16, Service),
    /// The body is not the CBOR that the kind prescribes.
    #[error("the record's body does not decode")]
    Body(#[from] minicbor::decode::Error),
    /// A blob that the record names is missing.
    #[error("blob {0} is missing")]
    BlobMissing(Digest),
    /// A blob does not hold what the record says.
    #[error("blob {0} does not decode")]
    BlobDamaged(Digest),
}

/// A domain: its state, its commands, and the two functions that are the whole machine.
///
/// `decide` is the only place where a rule lives. `apply` cannot fail and is all that a replay runs. Neither reads a
/// clock, a file or a random number: what they need is in the command (put there by the adapter) or in the moment.
pub trait Domain: Send + Sized + 'static {
    /// Whose journal it is.
    const SERVICE: Service;

    /// What decisions need, and no more. `Default` is the state before the first record.
    type State: Default + Send;
    /// What callers, timers and other services ask.
    type Command: Send + fmt::Debug;
    /// What happened: only what the command and the moment do not already say.
    type Event: Send + Clone + PartialEq + fmt::Debug;
    /// Why not: a closed catalogue.
    type Refusal: Send + Clone + PartialEq + fmt::Debug;
    /// What another service must be told of an event (`()` when there is nothing to tell).
    type Report: Send + fmt::Debug;

    /// The record kind of a command; at least 100.
    fn kind(command: &Self::Command) -> Kind;

    /// Decides `command` against `state`. Must return what [`Domain::apply`] can apply in order.
    fn decide(
        state: &Self::State,
        at: &Moment,
        command: &Self::Command,
    ) -> Result<Events<Self::Event>, Self::Refusal>;

    /// Applies one event of `command`. Total: it never fails, and never looks at anything but its arguments.
    fn apply(state: &mut Self::State, at: &Moment, command: &Self::Command, event: &Self::Event);

    /// Appends the record body, `[command, outcome]`, as core deterministic CBOR.
    fn encode(command: &Self::Command, outcome: &Outcome<Self::Event, Self::Refusal>, body: &mut Vec<u8>);

    /// Reads what [`Domain::encode`] wrote, whatever version of the program wrote it.
    #[expect(clippy::type_complexity, reason = "a pair of the trait's own types")]
    fn decode(
        kind: Kind,
        body: &[u8],
        blobs: &dyn Blobs,
    ) -> Result<(Self::Command, Outcome<Self::Event, Self::Refusal>), DecodeError>;

    /// The first field in which two commands under one request id differ, by its name on the wire. Called only when their
    /// fingerprints differ.
    fn differing_field(recorded: &Self::Command, offered: &Self::Command) -> &'static str;

    /// What other services must be told because of `event`, in order. Derived again after a restart, so it may depend
    /// on its arguments only.
    fn reports(at: &Moment, command: &Self::Command, event: &Self::Event, out: &mut Vec<Self::Report>);

    /// The commands that fall due when `day` begins: expiries, cuts, due lists.
    fn day_roll(state: &Self::State, day: Day) -> Vec<Self::Command>;

    /// The number of the format in which [`Domain::encode_state`] writes, for a domain whose state is kept in snapshots. Raise it
    /// with every change of that format, of the state's fields, or of what [`Domain::apply`] does with a record: a snapshot
    /// of another number is not read, and the journal is replayed.
    const SNAPSHOT_FORMAT: Option<u32> = None;

    /// Appends the whole state, the same bytes for the same records.
    fn encode_state(_state: &Self::State, _out: &mut Vec<u8>) {}

    /// Reads what [`Domain::encode_state`] wrote under the same [`Domain::SNAPSHOT_FORMAT`].
    fn decode_state(_bytes: &[u8], _blobs: &dyn Blobs) -> Result<Self::State, DecodeError> {
        Err(minicbor::decode::Error::message("no snapshots are kept of this domain").into())
    }
}
