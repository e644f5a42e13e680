//! What a service holds of a journal.

use super::engine_thread::Job;
use journal::{
    Cause, Checkpoint, Day, Digest, Domain, Fingerprint, Instant, Outcome, Position, RequestId, Service,
    SystemName,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;
use storage::{BlobStore, Reader, TileReader};
use tokio::sync::{Semaphore, oneshot, watch};

/// Commands that may wait for one journal before callers are pushed back. At 100,000 a second it is well under a second.
pub(crate) const QUEUE_COMMANDS_MAX: usize = 65_536;

/// One attempt of one command.
pub type Request<D> = engine::Request<<D as Domain>::Command>;

/// The answers of one [`Handle::submit_many`], in the order of its requests.
pub type Answers<D> = Vec<Result<Answer<D>, SubmitError>>;

/// What [`Handle::answered`] answers: the requests again, and for each the answer that it had, if it was asked before.
pub type Answered<D> = (Vec<Request<D>>, Vec<Result<Option<Answer<D>>, SubmitError>>);

/// The durable outcome of an attempt.
#[derive(Clone)]
pub struct Answer<D: Domain> {
    /// The record that holds it.
    pub position: Position,
    /// When it was recorded.
    pub recorded_time: Instant,
    /// The business date on which it was recorded.
    pub business_date: Day,
    /// Done, or refused and why.
    pub outcome: Outcome<D::Event, D::Refusal>,
    /// Whether this is the answer of an earlier attempt.
    pub replayed: bool,
    /// The record's leaf in the tree: SHA-256(0x00 ++ record).
    pub leaf: Digest,
}

/// An attempt has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands wait already: try again soon, with the same id.
    #[error("too many commands wait for this journal")]
    Busy,
    /// The process is shutting down: try again soon, with the same id.
    #[error("the service is draining")]
    Draining,
    /// The disk is nearly full: reads go on, writes are refused.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The id was used with other content.
    #[error("the request id was used with another {field} at position {position}")]
    Reused {
        /// The first field that differs.
        field: &'static str,
        /// The record that took the id.
        position: Position,
    },
    /// The command cannot become a record: it would be larger than a record may be.
    #[error("the request is too large for one record")]
    TooLarge,
    /// The id was answered by a record in an archive that cannot be read just now: try again, with the same id.
    #[error("the answer is in an archive that cannot be read")]
    Archived,
    /// The clock of a system that is not a sandbox cannot be moved.
    #[error("only a sandbox's clock can be moved")]
    NotSandbox,
    /// Whether the id was answered is being found out from the journal: try again soon, with the same id.
    #[error("the request ids of that time are being read from the journal again")]
    Rebuilding,
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Stopped,
}

/// A read has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The journal has not reached the position that the reader asked for, within the time it may wait.
    #[error("the journal has not reached position {0}")]
    NotYet(Position),
    /// A stored record or blob could not be read.
    #[error("a stored record could not be read")]
    Damaged,
    /// The record is in an archive that cannot be read just now.
    #[error("the record is in an archive that cannot be read")]
    Archived,
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Stopped,
}

/// A checkpoint and the note that signs it.
#[derive(Debug, Clone)]
pub struct SignedCheckpoint {
    /// Size and root of the tree.
    pub checkpoint: Checkpoint,
    /// The C2SP signed note.
    pub note: Arc<str>,
}

/// What the state that a read saw stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAt {
    /// The last record in it, `None` while the journal is empty.
    pub position: Option<Position>,
    /// The time of that record.
    pub recorded_time: Instant,
    /// The business date now.
    pub business_date: Day,
    /// What the journal's clock shows now: nothing will be recorded at an earlier time.
    pub clock_time: Instant,
}

pub(crate) struct Shared<D: Domain> {
    pub(crate) system: SystemName,
    pub(crate) sandbox: bool,
    /// Whether its records owe reports to another service.
    pub(crate) has_outbox: bool,
    pub(crate) inbox: Sender<Job<D>>,
    pub(crate) room: Arc<Semaphore>,
    /// How many records are durable.
    pub(crate) durable: watch::Receiver<u64>,
    /// Every report of records before this position is answered.
    pub(crate) delivered: watch::Receiver<u64>,
    pub(crate) draining: AtomicBool,
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<BlobStore>,
    /// The last signed checkpoint, as a C2SP signed note.
    pub(crate) checkpoint: watch::Receiver<SignedCheckpoint>,
    /// The hashes of the tree.
    pub(crate) tiles: TileReader,
}

/// One journal, for its service: cheap to clone.
pub struct Handle<D: Domain>(pub(crate) Arc<Shared<D>>);

impl<D: Domain> Handle<D> {
    /// The system whose journal it is.
    #[must_use]
    pub fn system(&self) -> &SystemName {
        &self.0.system
    }

    /// Whether the system is a sandbox.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.0.sandbox
    }

    /// Submits one command. It is durable when this returns; dropping the future drops the wait, not the command.
    pub async fn submit(&self, request: Request<D>) -> Result<Answer<D>, SubmitError> {
        let answers = self.submit_many(vec![request]).await?;
        answers.into_iter().next().unwrap_or(Err(SubmitError::Stopped))
    }

    /// Submits commands that are decided in order, each on its own, and answered together once all are durable. At most
    /// 65,536 at once. The outer error means that none was decided.
    pub async fn submit_many(&self, requests: Vec<Request<D>>) -> Result<Answers<D>, SubmitError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(SubmitError::Draining);
        }
        if !self.0.reader.accepting() {
            return Err(SubmitError::DiskFull);
        }
        let count = u32::try_from(requests.len()).map_err(|_| SubmitError::Busy)?;
        let permit = Arc::clone(&self.0.room).try_acquire_many_owned(count).map_err(|_| SubmitError::Busy)?;
        let (reply, answers) = oneshot::channel();
        self.send(Job::Submit { requests, reply, permit }).map_err(|_| SubmitError::Stopped)?;
        answers.await.map_err(|_| SubmitError::Stopped)
    }

    /// Which of `requests` were answered before, and how; nothing is decided or recorded. At most as many as of
    /// [`Handle::submit_many`].
    pub async fn answered(&self, requests: Vec<Request<D>>) -> Result<Answered<D>, SubmitError> {
        let count = u32::try_from(requests.len()).map_err(|_| SubmitError::Busy)?;
        let permit = Arc::clone(&self.0.room).try_acquire_many_owned(count).map_err(|_| SubmitError::Busy)?;
        let (reply, answers) = oneshot::channel();
        self.send(Job::Answered { requests, reply, permit }).map_err(|_| SubmitError::Stopped)?;
        answers.await.map_err(|_| SubmitError::Stopped)
    }

    /// Runs `read` on the state, on the engine's thread (keep it short), and returns what it made once the durable position
    /// covers what it saw. With `min_position`, waits up to two seconds until the journal holds that record.
    pub async fn read<R, F>(&self, min_position: Option<Position>, read: F) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&D::State, &ReadAt) -> R + Send + 'static,
    {
        if let Some(position) = min_position {
            let durable = reached(&self.0.durable, position, Duration::from_secs(2)).await;
            if !durable {
                return Err(ReadError::NotYet(position));
            }
        }
        let (reply, result) = oneshot::channel();
        let job = Job::Read(Box::new(move |state, at| {
            let value = read(state, at);
            Box::new(move || {
                // The reader may have gone away: then nobody misses the answer.
                let _ = reply.send(value);
            })
        }));
        self.send(job).map_err(|_| ReadError::Stopped)?;
        result.await.map_err(|_| ReadError::Stopped)
    }

    /// How many records are durable: the position that the next durable record will have.
    #[must_use]
    pub fn durable_count(&self) -> u64 {
        *self.0.durable.borrow()
    }

    /// Every report that the records before this position owe to other services is answered.
    #[must_use]
    pub fn delivered_count(&self) -> u64 {
        if self.0.has_outbox { *self.0.delivered.borrow() } else { self.durable_count() }
    }

    /// Whether writes are accepted; false while the disk is nearly full or the process drains.
    #[must_use]
    pub fn accepting(&self) -> bool {
        self.0.reader.accepting() && !self.0.draining.load(Ordering::Relaxed)
    }

    /// Waits until the durable count differs from `seen`, and returns it; `None` when the journal has stopped.
    pub async fn durable_beyond(&self, seen: u64) -> Option<u64> {
        let mut durable = self.0.durable.clone();
        durable.wait_for(|count| *count > seen).await.ok().map(|count| *count)
    }

    /// The bytes of the durable record at `position`, or `None` when there is none yet. Reads the disk.
    pub fn record(&self, position: Position) -> Result<Option<Arc<[u8]>>, ReadError> {
        if position.get() >= self.durable_count() {
            return Ok(None);
        }
        self.0.reader.read(position).map_err(unread)
    }

    /// Stores `bytes` under their SHA-256, durable before it returns.
    pub async fn put_blob(&self, bytes: Vec<u8>) -> Result<Digest, SubmitError> {
        let blobs = Arc::clone(&self.0.blobs);
        let put = tokio::task::spawn_blocking(move || blobs.put(&bytes)).await;
        match put {
            Ok(Ok(digest)) => Ok(digest),
            Ok(Err(_)) => Err(SubmitError::DiskFull),
            Err(_) => Err(SubmitError::Stopped),
        }
    }

    /// The blobs of this journal.
    #[must_use]
    pub fn blobs(&self) -> Arc<dyn journal::Blobs + Send + Sync> {
        Arc::clone(&self.0.blobs) as _
    }

    /// Gives every durable record from `from` on to `each`, in order, until it answers `false`. Reads the disk.
    pub fn records_from(
        &self,
        from: Position,
        each: impl FnMut(Position, &[u8]) -> bool,
    ) -> Result<(), ReadError> {
        self.0.reader.read_from(from, each).map_err(unread)
    }

    /// The last signed checkpoint, a C2SP signed note; at most a second older than the last record.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.0.checkpoint.borrow().note)
    }

    /// The hashes of the tree, for proofs. Reads the disk.
    #[must_use]
    pub fn tiles(&self) -> &TileReader {
        &self.0.tiles
    }

    /// The first signed checkpoint whose tree has at least `size` leaves, if there is one within two seconds.
    pub async fn checkpoint_of(&self, size: u64) -> Option<SignedCheckpoint> {
        let mut signed = self.0.checkpoint.clone();
        let covers = signed.wait_for(|signed| signed.checkpoint.size >= size);
        let waited = tokio::time::timeout(Duration::from_secs(2), covers).await;
        waited.ok()?.ok().map(|signed| signed.clone())
    }

    /// Waits at most `patience` until every report of the records up to `position` is answered; whether it is.
    pub async fn delivered(&self, position: Position, patience: Duration) -> bool {
        // Without an outbox nothing is owed for what is durable.
        let count = if self.0.has_outbox { &self.0.delivered } else { &self.0.durable };
        reached(count, position, patience).await
    }

    /// Moves a sandbox's clock forward to `to`; each day that begins on the way is recorded, with what falls due. A time that
    /// has passed already changes nothing. Returns the time that the clock shows.
    pub async fn advance_clock(&self, to: Instant, caller: Arc<str>) -> Result<Instant, SubmitError> {
        if !self.0.sandbox {
            return Err(SubmitError::NotSandbox);
        }
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(SubmitError::Draining);
        }
        let (reply, done) = oneshot::channel();
        self.send(Job::AdvanceClock { to, caller, reply }).map_err(|_| SubmitError::Stopped)?;
        done.await.map_err(|_| SubmitError::Stopped)?
    }

    pub(crate) fn send(&self, job: Job<D>) -> Result<(), Stopped> {
        self.0.inbox.send(job).map_err(|_| Stopped)
    }
}

/// Why a record could not be read: the log has the file, the caller the kind.
fn unread(error: storage::ReadError) -> ReadError {
    tracing::error!(error = &error as &dyn std::error::Error, "a record cannot be read");
    if matches!(error, storage::ReadError::Archived { .. }) {
        ReadError::Archived
    } else {
        ReadError::Damaged
    }
}

/// The engine thread is gone.
#[derive(Debug)]
pub(crate) struct Stopped;

async fn reached(count: &watch::Receiver<u64>, position: Position, patience: Duration) -> bool {
    let mut count = count.clone();
    let waited = tokio::time::timeout(patience, count.wait_for(|count| *count > position.get())).await;
    matches!(waited, Ok(Ok(_)))
}

/// A request of a service to its own journal, as another service's certificate would name it.
#[must_use]
pub fn service_urn(service: Service) -> Arc<str> {
    format!("urn:almoner:service:{service}").into()
}

impl<D: Domain> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Domain> fmt::Debug for Handle<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}/{})", self.0.system, D::SERVICE)
    }
}

impl<D: Domain> Answer<D> {
    /// The events, or the refusal.
    pub fn result(&self) -> Result<&journal::Events<D::Event>, &D::Refusal> {
        match &self.outcome {
            Outcome::Accepted(events) => Ok(events),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }
}

impl<D: Domain> fmt::Debug for Answer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("position", &self.position)
            .field("outcome", &self.outcome)
            .field("replayed", &self.replayed)
            .finish_non_exhaustive()
    }
}

/// A request with nothing behind it but its caller.
#[must_use]
pub fn request<D: Domain>(
    request_id: RequestId,
    fingerprint: Fingerprint,
    caller: Arc<str>,
    cause: Option<Cause>,
    command: D::Command,
) -> Request<D> {
    engine::Request { request_id, fingerprint, caller, cause, command }
}
