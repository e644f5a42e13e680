//! The journals of a service as the frame sees them: without their domain.

use super::{Handle, Journals, JournalsError, ReadError, SignedCheckpoint, SubmitError};
use journal::{Domain, Instant, Position, Service, SystemName};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use storage::TileReader;

/// One journal, whatever its domain.
pub trait AnyJournal: Send + Sync {
    /// Its system.
    fn system(&self) -> &SystemName;
    /// How many of its records are durable.
    fn durable_count(&self) -> u64;
    /// Every report that its records before this position owe is answered.
    fn delivered_count(&self) -> u64;
    /// Whether its system is a sandbox.
    fn is_sandbox(&self) -> bool;
    /// Whether it accepts writes.
    fn accepting(&self) -> bool;
    /// Its last signed checkpoint, a C2SP signed note.
    fn checkpoint(&self) -> Arc<str>;
    /// The signed checkpoint that is shown to everybody.
    fn published(&self) -> Arc<str> {
        self.checkpoint()
    }
    /// See [`Handle::records_from`].
    fn records_from(
        &self,
        from: Position,
        each: &mut dyn FnMut(Position, &[u8]) -> bool,
    ) -> Result<(), ReadError>;
    /// The hashes of its tree. Reading them reads the disk.
    fn tiles(&self) -> TileReader;
    /// See [`Handle::checkpoint_of`].
    fn checkpoint_of(&self, size: u64) -> Covering<'_>;
    /// See [`Handle::record`].
    fn record(&self, position: Position) -> Result<Option<Arc<[u8]>>, ReadError>;
    /// See [`Handle::advance_clock`].
    fn advance_clock(&self, to: Instant, caller: Arc<str>) -> Advancing<'_>;
}

/// A clock on the move.
pub type Advancing<'a> = Pin<Box<dyn Future<Output = Result<Instant, SubmitError>> + Send + 'a>>;

/// A checkpoint being waited for.
pub type Covering<'a> = Pin<Box<dyn Future<Output = Option<SignedCheckpoint>> + Send + 'a>>;

/// A journal being opened.
pub type Getting<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn AnyJournal>, JournalsError>> + Send + 'a>>;

/// The journals of one service, whatever its domain.
pub trait AnyJournals: Send + Sync {
    /// Whose journals they are.
    fn service(&self) -> Service;
    /// Those that are open, by system.
    fn open_now(&self) -> Vec<Box<dyn AnyJournal>>;
    /// See [`Journals::get`].
    fn get_any(&self, system: SystemName) -> Getting<'_>;
    /// See [`Journals::close`].
    fn close_all(&self);
}

impl<D: Domain> AnyJournal for Handle<D> {
    fn system(&self) -> &SystemName {
        self.system()
    }

    fn durable_count(&self) -> u64 {
        self.durable_count()
    }

    fn delivered_count(&self) -> u64 {
        self.delivered_count()
    }

    fn is_sandbox(&self) -> bool {
        self.is_sandbox()
    }

    fn accepting(&self) -> bool {
        self.accepting()
    }

    fn checkpoint(&self) -> Arc<str> {
        self.checkpoint()
    }

    fn records_from(
        &self,
        from: Position,
        each: &mut dyn FnMut(Position, &[u8]) -> bool,
    ) -> Result<(), ReadError> {
        self.records_from(from, each)
    }

    fn tiles(&self) -> TileReader {
        self.tiles().clone()
    }

    fn checkpoint_of(&self, size: u64) -> Covering<'_> {
        Box::pin(self.checkpoint_of(size))
    }

    fn record(&self, position: Position) -> Result<Option<Arc<[u8]>>, ReadError> {
        self.record(position)
    }

    fn advance_clock(&self, to: Instant, caller: Arc<str>) -> Advancing<'_> {
        Box::pin(self.advance_clock(to, caller))
    }
}

impl<D: Domain> AnyJournals for Arc<Journals<D>> {
    fn service(&self) -> Service {
        D::SERVICE
    }

    fn open_now(&self) -> Vec<Box<dyn AnyJournal>> {
        self.all().into_iter().map(|handle| Box::new(handle) as _).collect()
    }

    fn get_any(&self, system: SystemName) -> Getting<'_> {
        Box::pin(async move { Ok(Box::new(self.get(&system).await?) as _) })
    }

    fn close_all(&self) {
        self.close();
    }
}
