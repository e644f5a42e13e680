//! What makes groups durable and lets their answers go, and the thread that does so beside the engine.
//!
//! Large groups go to the sync thread, so that the engine decides the next one meanwhile. A small one is synced where it was
//! decided: waking another thread costs about as much as a sync, and while few wait there is nothing else to decide.

use super::engine_thread::Job;
use super::handle::{Answers, SignedCheckpoint};
use super::metrics::JournalMetrics;
use super::outbox::Reports;
use engine::Group;
use journal::{Checkpoint, Digest, Domain, Position, Tree};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant as Monotonic};
use storage::{SegmentStore, TileStore};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

/// A signed checkpoint is written this long after the journal grew, and [`LOOK`] later at most: together a second.
const CHECKPOINT_AFTER: Duration = Duration::from_millis(800);

/// How often the sync thread looks whether a checkpoint is due, or space was given back.
const LOOK: Duration = Duration::from_millis(200);

/// Something that waits for records to be durable.
pub(crate) enum Release<D: Domain> {
    /// The answers of one job.
    Answers { answers: Answers<D>, reply: oneshot::Sender<Answers<D>> },
    /// A read's result.
    Call(Box<dyn FnOnce() + Send>),
}

impl<D: Domain> Release<D> {
    /// Lets it go; answers get the leaf of their record when it is one of `leaves`' group.
    pub(crate) fn go(self, leaves: Option<(Position, &[Digest])>) {
        match self {
            Self::Call(call) => call(),
            Self::Answers { mut answers, reply } => {
                if let Some((first, leaves)) = leaves {
                    for answer in answers.iter_mut().flatten().filter(|answer| !answer.replayed) {
                        let index = answer.position.get().saturating_sub(first.get());
                        if let Some(leaf) = usize::try_from(index).ok().and_then(|index| leaves.get(index)) {
                            answer.leaf = *leaf;
                        }
                    }
                }
                // A caller that went away will ask again with the same id.
                let _ = reply.send(answers);
            }
        }
    }
}

/// A group on its way to the disk, and what waits for it.
pub(crate) struct GroupJob<D: Domain> {
    pub(crate) group: Arc<Group>,
    pub(crate) releases: Vec<Release<D>>,
    pub(crate) reports: Reports<D>,
}

/// The journal's files and all that follows its durable position. One at a time uses it: the engine thread for a small
/// group, the sync thread for everything else.
pub(crate) struct Syncer<D: Domain> {
    pub(crate) store: SegmentStore,
    pub(crate) tree: Tree,
    pub(crate) tiles: TileStore,
    pub(crate) outbox: Option<UnboundedSender<Reports<D>>>,
    /// How many records are durable.
    pub(crate) durable: watch::Sender<u64>,
    /// The last signed checkpoint.
    pub(crate) checkpoint: watch::Sender<SignedCheckpoint>,
    pub(crate) metrics: JournalMetrics,
    pub(crate) leaves: Vec<Digest>,
    pub(crate) checkpoint_due: Option<Monotonic>,
}

/// The syncer, when nobody uses it just now. A panic in it ends the process: nobody may guess what became durable.
pub(crate) fn idle<D: Domain>(syncer: &Mutex<Syncer<D>>) -> Option<MutexGuard<'_, Syncer<D>>> {
    match syncer.try_lock() {
        Ok(syncer) => Some(syncer),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Poisoned(_)) => std::process::abort(),
    }
}

pub(crate) struct SyncThread<D: Domain> {
    pub(crate) syncer: Arc<Mutex<Syncer<D>>>,
    pub(crate) groups: Receiver<GroupJob<D>>,
    pub(crate) engine: Sender<Job<D>>,
}

impl<D: Domain> SyncThread<D> {
    /// Runs until the engine thread is gone; the last checkpoint is written then.
    pub(crate) fn run(self) {
        loop {
            let job = self.groups.recv_timeout(LOOK);
            let mut syncer = self.syncer();
            match job {
                Ok(job) => {
                    syncer.make_durable(job);
                    // The engine thread ends only after this thread's channel, so this fails only at the very end.
                    let _ = self.engine.send(Job::Synced);
                }
                // While the disk is full, look whether space was given back.
                Err(RecvTimeoutError::Timeout) => drop(syncer.store.prepare()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if syncer.checkpoint_due.is_some_and(|due| due <= Monotonic::now()) {
                syncer.write_checkpoint();
            }
        }
        let mut syncer = self.syncer();
        if syncer.checkpoint_due.is_some() {
            syncer.write_checkpoint();
        }
    }

    fn syncer(&self) -> MutexGuard<'_, Syncer<D>> {
        self.syncer.lock().unwrap_or_else(|_| std::process::abort())
    }
}

impl<D: Domain> Syncer<D> {
    /// Writes and syncs a group, then lets go what waits for it.
    pub(crate) fn make_durable(&mut self, job: GroupJob<D>) {
        let started = Monotonic::now();
        if let Err(error) = self.store.append(job.group.records()) {
            // The state in memory is ahead of the disk now, and nobody has been told of it: stop before anybody is.
            end_process("a group could not be made durable", &error);
        }
        let durable = job.group.next().get();
        self.metrics.group(job.group.len(), job.group.size(), started.elapsed(), durable);
        self.leaves.clear();
        for record in job.group.records() {
            let leaf = journal::leaf_hash(record);
            self.tree.append_with(leaf, |level, hash| self.tiles.push(level, hash));
            self.leaves.push(leaf);
        }
        self.checkpoint_due.get_or_insert_with(|| Monotonic::now() + CHECKPOINT_AFTER);
        // Reports first: who sees the new durable count must find the reports that it owes.
        if let Some(outbox) = &self.outbox
            && !job.reports.is_empty()
        {
            // Without an outbox there is nobody left to tell; the next start derives them again.
            let _ = outbox.send(job.reports);
        }
        self.durable.send_replace(durable);
        let first = job.group.first();
        for release in job.releases {
            release.go(Some((first, &self.leaves)));
        }
        // Behind the answers: proofs may come a moment later.
        if let Err(error) = self.tiles.write() {
            end_process("the tree's hashes could not be written", &error);
        }
    }

    fn write_checkpoint(&mut self) {
        self.checkpoint_due = None;
        let checkpoint = Checkpoint { size: self.tree.size(), root: self.tree.root() };
        // The next start takes the tiles up from the checkpoint, so they are durable first.
        if let Err(error) = self.tiles.sync() {
            end_process("the tree's hashes could not be made durable", &error);
        }
        match self.store.write_checkpoint(checkpoint) {
            Ok(note) => {
                self.checkpoint.send_replace(SignedCheckpoint { checkpoint, note: note.into() });
            }
            Err(error) => end_process("a checkpoint could not be written", &error),
        }
    }
}

/// Ends the process because the disk failed; the next start recovers what is durable.
fn end_process(what: &str, error: &dyn std::error::Error) -> ! {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    tracing::error!(%reason, "{what}: the process ends");
    std::process::abort();
}
