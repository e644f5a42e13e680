//! Snapshots of a journal's state, made beside it: the last snapshot and a replay of what was recorded since. The engine's thread
//! never stops for one, and each is proved readable by the next.

use super::handle::SignedCheckpoint;
use engine::Recovery;
use journal::{Domain, Position, SystemName};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;
use storage::{BlobStore, Reader, Snapshot, SnapshotStore};
use tokio::sync::watch;

/// How often the thread looks whether a snapshot is due.
const LOOK: Duration = Duration::from_secs(5);

/// A journal is quiet when it took at most so many records between two looks: a replay takes nobody's time then.
const QUIET_RECORDS: u64 = 50_000;

/// A journal that is never quiet gets its snapshot when it has grown by so many times what makes one due.
const PATIENCE: u64 = 16;

pub(crate) struct SnapshotThread<D: Domain> {
    pub(crate) system: SystemName,
    pub(crate) store: SnapshotStore,
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<BlobStore>,
    pub(crate) checkpoint: watch::Receiver<SignedCheckpoint>,
    /// Ends the thread when its other end is dropped.
    pub(crate) stop: Receiver<()>,
    /// How many records make a snapshot due.
    pub(crate) every: u64,
    /// How many records the snapshot that is kept stands for.
    pub(crate) kept: u64,
    pub(crate) domain: core::marker::PhantomData<fn() -> D>,
}

impl<D: Domain> SnapshotThread<D> {
    pub(crate) fn run(mut self) {
        let mut seen = self.kept;
        while let Err(RecvTimeoutError::Timeout) = self.stop.recv_timeout(LOOK) {
            let signed = self.checkpoint.borrow().clone();
            let size = signed.checkpoint.size;
            let (grown, lately) = (size.saturating_sub(self.kept), size.saturating_sub(seen));
            seen = size;
            let due = grown >= self.every && lately <= QUIET_RECORDS;
            if due || grown >= self.every.saturating_mul(PATIENCE) {
                self.make(&signed);
            }
        }
    }

    /// Makes the snapshot of the records under a checkpoint. What goes wrong costs the next start its time and nothing else.
    fn make(&mut self, signed: &SignedCheckpoint) {
        // Tried again after as many records more, however it ends.
        self.kept = signed.checkpoint.size;
        let Some(content) = self.replayed(signed.checkpoint.size) else { return };
        let snapshot = Snapshot { records: signed.checkpoint.size, root: signed.checkpoint.root, content };
        if let Err(error) = self.store.save(&snapshot) {
            tracing::warn!(system = %self.system, service = %D::SERVICE, %error, "a snapshot could not be kept");
        }
    }

    /// The state after the first `records`; `None` when it cannot be had, or the journal is being closed.
    pub(crate) fn replayed(&self, records: u64) -> Option<Vec<u8>> {
        let kept = self.store.load().filter(|kept| kept.records <= records);
        let continued = kept.and_then(|kept| {
            Recovery::<D>::continued(&self.system, &kept.content, kept.records, &*self.blobs)
        });
        let mut recovery = continued.unwrap_or_else(|| Recovery::new(&self.system));
        let (mut reports, mut sound) = (Vec::new(), true);
        let read = self.reader.read_from(recovery.next(), |position, record| {
            sound = recovery.record(record, &*self.blobs, &mut reports).is_ok()
                && self.stop.try_recv() == Err(TryRecvError::Empty);
            reports.clear();
            sound && position.next().get() < records
        });
        let whole = read.is_ok() && sound && recovery.next() == Position::new(records);
        if whole { recovery.snapshot() } else { None }
    }
}
