//! Opening journals: recovery, the threads, and the one journal per system of a service.

use super::clock::{Clock, JournalClock};
use super::engine_thread::{EngineThread, Job, Pending};
use super::handle::{Handle, QUEUE_COMMANDS_MAX, Shared, SignedCheckpoint, service_urn};
use super::ids::Ids;
use super::metrics::JournalMetrics;
use super::mirror;
use super::outbox::{Courier, Outbox};
use super::replay::{Owed, Replayed, replay};
use super::snapshots::SnapshotThread;
use super::sync_thread::{SyncThread, Syncer};
use engine::{Engine, RecoverError};
use journal::{Checkpoint, CheckpointSigner, Domain, Instant, Origin, Position, Service, SystemName, house};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use storage::{
    BlobError, BlobStore, Disk, MirrorError, OpenError, Options, SegmentStore, Snapshot, SnapshotStore,
    TileError, TileStore,
};
use tokio::sync::{Semaphore, watch};

/// What decides where and how a process keeps its journals.
#[derive(Clone)]
pub struct Place {
    /// The data folder, above `<system>/<service>/journal/`.
    pub root: PathBuf,
    /// The file layer.
    pub disk: Arc<dyn Disk>,
    /// The installation's id, made at first start.
    pub installation: [u8; 16],
    /// The seed of the Ed25519 key that signs checkpoints.
    pub signing_seed: [u8; 32],
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Sizes and limits of journal files.
    pub options: Options,
    /// A folder on another device that keeps a second copy of every journal and blob.
    pub mirror: Option<PathBuf>,
}

/// What the registry knows of a system when its first record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemFacts {
    /// Whether it is a sandbox, and then what its clock shows.
    pub sandbox: Option<Instant>,
}

/// Tells whether a system is registered. The registry answers from its own state, the others ask it.
pub trait Directory: Send + Sync {
    /// What is known of `system`, or `None` when it is not registered. An error is worth trying again.
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a>;
}

/// A look-up in progress.
pub type Lookup<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Option<SystemFacts>, String>> + Send + 'a>>;

/// A journal cannot be opened or is not there.
#[derive(Debug, thiserror::Error)]
pub enum JournalsError {
    /// The registry does not know the system.
    #[error("no system is registered as {0}")]
    UnknownSystem(SystemName),
    /// The registry could not be asked.
    #[error("the registry could not be asked about {system}: {reason}")]
    Directory {
        /// The system.
        system: SystemName,
        /// Why not.
        reason: String,
    },
    /// Its files cannot be opened.
    #[error("opening the journal {system}/{service}")]
    Open {
        /// The system.
        system: SystemName,
        /// The service.
        service: Service,
        /// What is wrong.
        source: Box<OpenError>,
    },
    /// Its blobs cannot be opened.
    #[error("opening the blobs of {system}/{service}")]
    Blobs {
        /// The system.
        system: SystemName,
        /// The service.
        service: Service,
        /// What is wrong.
        source: BlobError,
    },
    /// Its two copies cannot be brought together.
    #[error("comparing the copies of the journal {system}/{service}")]
    Mirror {
        /// The system.
        system: SystemName,
        /// The service.
        service: Service,
        /// What is wrong.
        source: Box<MirrorError>,
    },
    /// The hashes of its tree cannot be opened.
    #[error("opening the tiles of {system}/{service}")]
    Tiles {
        /// The system.
        system: SystemName,
        /// The service.
        service: Service,
        /// What is wrong.
        source: Box<TileError>,
    },
    /// A record cannot be replayed.
    #[error("replaying the journal {system}/{service}")]
    Recover {
        /// The system.
        system: SystemName,
        /// The service.
        service: Service,
        /// What is wrong.
        source: RecoverError,
    },
    /// The data folder cannot be listed, or a thread cannot be started.
    #[error("the operating system refused {what}")]
    System {
        /// What was asked.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The process is shutting down.
    #[error("the service is draining")]
    Draining,
}

/// The journals of one service: one per system, opened at the start or when the registry first knows the system.
pub struct Journals<D: Domain> {
    place: Place,
    courier: Option<Arc<dyn Courier<D>>>,
    directory: Arc<dyn Directory>,
    open: Mutex<BTreeMap<SystemName, Running<D>>>,
    opening: tokio::sync::Mutex<()>,
    draining: AtomicBool,
}

struct Running<D: Domain> {
    handle: Handle<D>,
    threads: Vec<JoinHandle<()>>,
    /// Ends the scrub when it is dropped.
    scrub: Option<mpsc::Sender<()>>,
    /// Dropped to end the thread that makes snapshots.
    stop_snapshots: mpsc::Sender<()>,
}

impl<D: Domain> Journals<D> {
    /// Opens every journal of the service that the data folder holds. Replays them, so it may take a while: call it where
    /// blocking is allowed.
    pub fn open(
        place: Place,
        directory: Arc<dyn Directory>,
        courier: Option<Arc<dyn Courier<D>>>,
    ) -> Result<Arc<Self>, JournalsError> {
        let journals = Self {
            place,
            courier,
            directory,
            open: Mutex::new(BTreeMap::new()),
            opening: tokio::sync::Mutex::new(()),
            draining: AtomicBool::new(false),
        };
        for system in journals.stored()? {
            let running = journals.start(&system, None)?;
            journals.lock().insert(system, running);
        }
        Ok(Arc::new(journals))
    }

    /// The journal of `system`; opened now when the registry knows the system and this service has none yet.
    pub async fn get(self: &Arc<Self>, system: &SystemName) -> Result<Handle<D>, JournalsError> {
        match self.opened(system) {
            Some(handle) => Ok(handle),
            // Boxed: nearly every call finds it open, and would carry what opening needs.
            None => Box::pin(self.found(system)).await,
        }
    }

    async fn found(self: &Arc<Self>, system: &SystemName) -> Result<Handle<D>, JournalsError> {
        let facts = self.directory.system(system).await;
        let facts = facts.map_err(|reason| JournalsError::Directory { system: system.clone(), reason })?;
        let facts = facts.ok_or_else(|| JournalsError::UnknownSystem(system.clone()))?;
        self.create(system, facts).await
    }

    /// The journal of `system`, made now when there is none yet. For the registry, which is its own directory.
    pub async fn create(
        self: &Arc<Self>,
        system: &SystemName,
        facts: SystemFacts,
    ) -> Result<Handle<D>, JournalsError> {
        let _one = self.opening.lock().await;
        if self.draining.load(Ordering::Relaxed) {
            return Err(JournalsError::Draining);
        }
        if let Some(handle) = self.opened(system) {
            return Ok(handle);
        }
        let (journals, name) = (Arc::clone(self), system.clone());
        let runtime = tokio::runtime::Handle::current();
        let running = tokio::task::spawn_blocking(move || {
            let _entered = runtime.enter();
            journals.start(&name, Some(facts))
        });
        let running = running.await.map_err(|error| JournalsError::System {
            what: "a thread to open a journal",
            source: std::io::Error::other(error),
        })??;
        let handle = running.handle.clone();
        self.lock().insert(system.clone(), running);
        Ok(handle)
    }

    /// The journal of `system` when it is open already.
    #[must_use]
    pub fn opened(&self, system: &SystemName) -> Option<Handle<D>> {
        self.lock().get(system).map(|running| running.handle.clone())
    }

    /// Every open journal, by system.
    #[must_use]
    pub fn all(&self) -> Vec<Handle<D>> {
        self.lock().values().map(|running| running.handle.clone()).collect()
    }

    /// Stops taking commands, makes everything decided durable, writes the last checkpoints and ends the threads. Blocks.
    pub fn close(&self) {
        self.draining.store(true, Ordering::Relaxed);
        let running: Vec<Running<D>> = std::mem::take(&mut *self.lock()).into_values().collect();
        for journal in &running {
            journal.handle.0.draining.store(true, Ordering::Relaxed);
            // Gone already is as good as stopped.
            let _ = journal.handle.send(Job::Stop);
        }
        let threads = running.into_iter().flat_map(|Running { threads, scrub, stop_snapshots, .. }| {
            drop((scrub, stop_snapshots));
            threads
        });
        for thread in threads.collect::<Vec<_>>() {
            if thread.join().is_err() {
                tracing::error!(service = %D::SERVICE, "a journal's thread ended in a panic");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SystemName, Running<D>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The systems for which the data folder holds a journal of this service.
    fn stored(&self) -> Result<Vec<SystemName>, JournalsError> {
        let list = |source| JournalsError::System { what: "a listing of the data folder", source };
        let mut systems = Vec::new();
        let entries = match std::fs::read_dir(&self.place.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(systems),
            Err(error) => return Err(list(error)),
        };
        for entry in entries {
            let name = entry.map_err(list)?.file_name();
            let Some(system) = name.to_str().and_then(|name| name.parse::<SystemName>().ok()) else {
                continue;
            };
            if self.folder(&system).join("journal").is_dir() {
                systems.push(system);
            }
        }
        systems.sort();
        Ok(systems)
    }

    fn folder(&self, system: &SystemName) -> PathBuf {
        self.place.root.join(system.as_str()).join(D::SERVICE.as_str())
    }

    /// Recovers one journal and starts its threads. `facts` are needed for a journal that holds nothing yet.
    fn start(&self, system: &SystemName, facts: Option<SystemFacts>) -> Result<Running<D>, JournalsError> {
        let folder = self.folder(system);
        let service = D::SERVICE;
        let origin = Origin::new(self.place.installation, system, service);
        let signer = CheckpointSigner::new(origin, &self.place.signing_seed);
        let disk = mirror::copies(&self.place, system, service, signer.verifier()).map_err(|source| {
            JournalsError::Mirror { system: system.clone(), service, source: Box::new(source) }
        })?;
        let blobs = BlobStore::open(Arc::clone(&disk), folder.join("blobs"))
            .map_err(|source| JournalsError::Blobs { system: system.clone(), service, source })?;
        let blobs = Arc::new(blobs);
        let opened =
            |source| JournalsError::Open { system: system.clone(), service, source: Box::new(source) };
        let snapshots = SnapshotStore::new(Arc::clone(&self.place.disk), folder.join("snapshots"));
        let mut kept = D::SNAPSHOT_FORMAT.and_then(|_| snapshots.load());
        let mut ids;
        let Replayed { engine, owed, files } = loop {
            let reserve = self.place.options.reserve_bytes;
            ids = Ids::new(Arc::clone(&self.place.disk), folder.join("ids"), reserve);
            let (disk, signer) = (Arc::clone(&disk), signer.clone());
            let files = SegmentStore::open(disk, &folder.join("journal"), signer, self.place.options);
            let files = files.map_err(opened)?;
            let (owes, in_memory) = (self.courier.is_some(), self.place.options.ids_in_memory);
            if let Some(replayed) = replay(system, files, kept.as_ref(), owes, in_memory, &mut ids, &blobs)? {
                break replayed;
            }
            tracing::warn!(%system, %service, "a snapshot does not fit the journal: replaying everything");
            // It is left aside whether or not it can be removed.
            let _ = snapshots.remove();
            kept = None;
        };
        let (mut store, recovered) = files.finish().map_err(opened)?;
        if let Some(cut) = &recovered.cut {
            tracing::warn!(%system, %service, offset = cut.offset, bytes = cut.bytes, "an interrupted write was cut off");
        }
        ids.read_from(store.reader());
        let durable = engine.next().get();
        let mut in_snapshot = kept.map_or(0, |kept| kept.records);
        if durable.saturating_sub(in_snapshot) >= self.place.options.snapshot_records
            && let Some(content) = engine.snapshot()
        {
            let snapshot = Snapshot { records: durable, root: recovered.tree.root(), content };
            match snapshots.save(&snapshot) {
                Ok(()) => in_snapshot = durable,
                Err(error) => tracing::warn!(%system, %service, %error, "a snapshot could not be kept"),
            }
        }
        let tiles = TileStore::open(
            Arc::clone(&self.place.disk),
            &folder.join("tiles"),
            &recovered.checkpoint,
            &store.reader(),
        );
        let mut tiles = tiles.map_err(|source| self.tiles_failed(system, source))?;
        tiles.sync().map_err(|source| self.tiles_failed(system, source))?;
        let checkpoint = Checkpoint { size: durable, root: recovered.tree.root() };
        let note = store.write_checkpoint(checkpoint);
        let note = note.map_err(|source| opened(OpenError::Start(source)))?.into();
        let signed = SignedCheckpoint { checkpoint, note };
        let (engine, clock) = self.begin(engine, system, facts);
        self.spawn(
            system,
            Opened {
                engine,
                ids,
                clock,
                store,
                tree: recovered.tree,
                tiles,
                blobs,
                owed,
                signed,
                durable,
                snapshots,
                in_snapshot,
            },
        )
    }

    fn tiles_failed(&self, system: &SystemName, source: TileError) -> JournalsError {
        JournalsError::Tiles { system: system.clone(), service: D::SERVICE, source: Box::new(source) }
    }

    /// Writes the first records of an empty journal, and sets its clock.
    fn begin(
        &self,
        mut engine: Engine<D>,
        system: &SystemName,
        facts: Option<SystemFacts>,
    ) -> (Engine<D>, JournalClock) {
        let sandbox = match engine.opened() {
            Some(opened) => {
                opened.sandbox.then(|| engine.clock_set().unwrap_or_default().max(engine.last_time()))
            }
            None => facts.and_then(|facts| facts.sandbox),
        };
        let clock = match sandbox {
            Some(time) => JournalClock::sandbox(time),
            None => JournalClock::real(Arc::clone(&self.place.clock)),
        };
        if engine.opened().is_none() {
            let urn = service_urn(D::SERVICE);
            let opened = house::Opened {
                installation: self.place.installation,
                system: system.to_string(),
                service: D::SERVICE,
                sandbox: sandbox.is_some(),
            };
            let first = engine.record_house(clock.now(), &house::House::Opened(opened), &urn);
            let set = sandbox.map(|to| {
                let record = house::House::ClockAdvanced(house::ClockAdvanced { to });
                engine.record_house(clock.now(), &record, &urn)
            });
            if first.and(set.unwrap_or(Ok(Position::FIRST))).is_err() {
                unreachable!("the first records are far below the size limit");
            }
        }
        (engine, clock)
    }

    fn spawn(&self, system: &SystemName, opened: Opened<D>) -> Result<Running<D>, JournalsError> {
        let Opened {
            engine,
            ids,
            clock,
            store,
            tree,
            tiles,
            blobs,
            owed,
            signed,
            durable,
            snapshots,
            in_snapshot,
        } = opened;
        let (inbox, jobs) = mpsc::channel();
        // One group in flight: the engine thread hands over the next only after it was told of the last.
        let (groups, to_sync) = mpsc::sync_channel(1);
        let (durable, durable_seen) = watch::channel(durable);
        let delivered_before = owed.delivered.map_or(0, |through| through.next().get());
        let (delivered, delivered_seen) = watch::channel(delivered_before);
        let (checkpoint, checkpoint_seen) = watch::channel(signed);
        let reader = store.reader();
        let metrics = JournalMetrics::new(system, D::SERVICE);
        let outbox = self.courier.as_ref().map(|courier| {
            let (reports, arrivals) = tokio::sync::mpsc::unbounded_channel();
            let outbox = Outbox {
                system: system.clone(),
                courier: Arc::clone(courier),
                queue: owed.reports,
                arrivals,
                durable: durable_seen.clone(),
                delivered,
                inbox: inbox.clone(),
                metrics: metrics.clone(),
            };
            tokio::spawn(outbox.run());
            reports
        });
        let (reader_of_scrub, scrub_metrics) = (reader.clone(), metrics.clone());
        let (stop_snapshots, stopped) = mpsc::channel();
        let snapshots = D::SNAPSHOT_FORMAT.map(|_| SnapshotThread::<D> {
            system: system.clone(),
            store: snapshots,
            reader: reader.clone(),
            blobs: Arc::clone(&blobs),
            checkpoint: checkpoint_seen.clone(),
            stop: stopped,
            every: self.place.options.snapshot_records,
            kept: in_snapshot,
            domain: core::marker::PhantomData,
        });
        let sandbox = engine.opened().is_some_and(|opened| opened.sandbox);
        let shared = Shared {
            system: system.clone(),
            sandbox,
            has_outbox: self.courier.is_some(),
            inbox: inbox.clone(),
            room: Arc::new(Semaphore::new(QUEUE_COMMANDS_MAX)),
            durable: durable_seen,
            delivered: delivered_seen,
            draining: AtomicBool::new(false),
            reader: reader.clone(),
            blobs: Arc::clone(&blobs),
            checkpoint: checkpoint_seen,
            tiles: tiles.reader(),
        };
        let syncer = Syncer {
            store,
            tree,
            tiles,
            outbox,
            durable,
            checkpoint,
            metrics,
            leaves: Vec::new(),
            checkpoint_due: None,
        };
        let syncer = Arc::new(Mutex::new(syncer));
        let sync = SyncThread { syncer: Arc::clone(&syncer), groups: to_sync, engine: inbox };
        let has_outbox = self.courier.is_some();
        let deciding = EngineThread {
            engine,
            ids,
            clock,
            inbox: jobs,
            groups,
            syncer,
            reader,
            blobs,
            has_outbox,
            pending: Pending::default(),
        };
        let named = |role: &str| std::thread::Builder::new().name(format!("{role}-{}", D::SERVICE));
        let failed = |source| JournalsError::System { what: "a thread for a journal", source };
        let (scrub, scrubbing) = self.scrub(reader_of_scrub, system, scrub_metrics)?;
        let sync = named("sync").spawn(move || sync.run()).map_err(failed)?;
        let deciding = named("engine").spawn(move || deciding.run()).map_err(failed)?;
        let mut threads: Vec<_> = [deciding, sync].into_iter().chain(scrubbing).collect();
        if let Some(snapshots) = snapshots {
            threads.push(named("snapshot").spawn(move || snapshots.run()).map_err(failed)?);
        }
        Ok(Running { handle: Handle(Arc::new(shared)), threads, scrub, stop_snapshots })
    }
}

/// What ends a scrub, and its thread.
type Scrubbing = (Option<mpsc::Sender<()>>, Option<JoinHandle<()>>);

impl<D: Domain> Journals<D> {
    /// Starts the background scrub of one journal, unless it is turned off.
    fn scrub(
        &self,
        reader: storage::Reader,
        system: &SystemName,
        metrics: JournalMetrics,
    ) -> Result<Scrubbing, JournalsError> {
        let Some(every) = self.place.options.scrub_every else { return Ok((None, None)) };
        let (stop, stopped) = mpsc::channel();
        let scrub =
            mirror::Scrub { reader, system: system.clone(), service: D::SERVICE, every, stopped, metrics };
        let named = std::thread::Builder::new().name(format!("scrub-{}", D::SERVICE));
        let thread = named.spawn(move || scrub.run());
        let failed = |source| JournalsError::System { what: "a thread for a journal", source };
        Ok((Some(stop), Some(thread.map_err(failed)?)))
    }
}

struct Opened<D: Domain> {
    engine: Engine<D>,
    ids: Ids,
    clock: JournalClock,
    store: SegmentStore,
    tree: journal::Tree,
    tiles: TileStore,
    blobs: Arc<BlobStore>,
    owed: Owed<D>,
    signed: SignedCheckpoint,
    durable: u64,
    snapshots: SnapshotStore,
    /// How many records the snapshot that is kept stands for.
    in_snapshot: u64,
}

impl<D: Domain> fmt::Debug for Journals<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journals").field("service", &D::SERVICE).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("root", &self.root).finish_non_exhaustive()
    }
}
