//! Changing the key that signs an installation's checkpoints, while nothing is served.
//!
//! ```text
//! <root>/keys/checkpoints        the key in force
//! <root>/keys/checkpoints.next   the next one, from the moment a change begins until every journal has recorded it
//! ```
//! Each journal records the change ([`KeyRotation`]) and is signed for by the new key from there on. A change that was interrupted is
//! taken up where it stopped; until it is over nothing starts.

use crate::disk::{read_whole, replace};
use crate::installation::{parse_seed, random, read};
use crate::{
    Access, Disk, DiskLock, Installation, InstallationError, OpenError, Options, Reader, Recovery,
    SegmentStore, StoreError, TileError, TileStore,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use journal::house::{House, KeyRotated};
use journal::{
    Checkpoint, CheckpointSigner, CheckpointVerifier, Header, HeaderError, Instant, KeyHistory, KeyRotation,
    KeyRotationError, Position, RecordView, derived_request_id, fingerprint, leaf_hash,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of the next key.
pub(crate) const NEXT: &str = "keys/checkpoints.next";

/// A change of key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The installation cannot be used.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// A journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A journal cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A journal's tiles cannot be written.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// A journal's checkpoint cannot be read.
    #[error("reading {}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A record cannot be read or made.
    #[error("{}: record {position} cannot be read", folder.display())]
    Record {
        /// The journal's folder.
        folder: PathBuf,
        /// The record.
        position: Position,
        /// What is wrong.
        source: HeaderError,
    },
    /// A journal holds a change of key that does not count.
    #[error("{}: record {position} does not change the key", folder.display())]
    Rotation {
        /// The journal's folder.
        folder: PathBuf,
        /// The record.
        position: Position,
        /// What is wrong.
        source: KeyRotationError,
    },
    /// A journal has no record: it was never opened.
    #[error("{} holds no record", folder.display())]
    Empty {
        /// The journal's folder.
        folder: PathBuf,
    },
}

/// A change of key that was begun. Holds the lock on the data folder.
#[derive(Debug)]
pub struct Rotation {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    old: Installation,
    new: Installation,
    _lock: Box<dyn DiskLock>,
}

impl Rotation {
    /// Begins to change the key of the data folder `root`, or takes up a change that was interrupted.
    pub fn begin(disk: Arc<dyn Disk>, root: &Path) -> Result<Self, InstallationError> {
        let lock = disk.lock(root).map_err(|source| in_use(root.to_owned(), source))?;
        let old = Installation::read(&*disk, root)?;
        // Whoever serves a journal goes on signing with the key that it has: nothing is begun.
        for (_, _, folder) in Installation::journals(&*disk, root)? {
            let path = folder.join("journal");
            disk.lock(&path).map_err(|source| in_use(path, source))?;
        }
        let path = root.join(NEXT);
        let seed = match read(&*disk, &path, parse_seed)? {
            Some(seed) => seed,
            None => {
                let seed = random()?;
                let text = format!("{}\n", BASE64.encode(seed));
                replace(&*disk, &path, text.as_bytes(), Access::CreatePrivate)
                    .map_err(|source| InstallationError::Write { path, source })?;
                seed
            }
        };
        let new = old.with_seed(seed);
        Ok(Self { disk, root: root.to_owned(), old, new, _lock: lock })
    }

    /// Whether a change was begun on the data folder `root` and not ended.
    pub fn is_begun(disk: &dyn Disk, root: &Path) -> Result<bool, InstallationError> {
        Ok(read(disk, &root.join(NEXT), parse_seed)?.is_some())
    }

    /// The installation with the key that is in force until then.
    #[must_use]
    pub const fn old(&self) -> &Installation {
        &self.old
    }

    /// The installation with the next key.
    #[must_use]
    pub const fn new_key(&self) -> &Installation {
        &self.new
    }

    /// Puts the next key in force: every journal has recorded it.
    pub fn finish(self) -> Result<(), InstallationError> {
        let (next, key) = (self.root.join(NEXT), self.root.join("keys/checkpoints"));
        self.disk
            .rename(&next, &key)
            .and_then(|()| self.disk.sync_folder(&self.root.join("keys")))
            .map_err(|source| InstallationError::Write { path: key, source })
    }
}

fn in_use(path: PathBuf, source: io::Error) -> InstallationError {
    if source.kind() == io::ErrorKind::WouldBlock {
        InstallationError::InUse { path }
    } else {
        InstallationError::Read { path, source }
    }
}

/// Records in the journal of `folder` (which holds `journal/` and `tiles/`) that `new` signs from now on, and signs with it. `disk` is
/// where the journal is written, with its mirror; `tiles_disk` where its tiles are. The record's time is `now`, or that of the last
/// record when it is later or the journal is a sandbox's. `None` when the journal had recorded it before.
pub fn rotate_journal(
    disk: &Arc<dyn Disk>,
    tiles_disk: Arc<dyn Disk>,
    folder: &Path,
    (old, new): (&CheckpointSigner, &CheckpointSigner),
    now: Instant,
) -> Result<Option<KeyRotation>, RotationError> {
    let journal = folder.join("journal");
    if signed_by(&**disk, &journal, new.verifier())? {
        return Ok(None);
    }
    let options = Options { prepare_in_background: false, ..Options::default() };
    let mut recovery = SegmentStore::open(Arc::clone(disk), &journal, old.clone(), options)?;
    let before = recovery.checkpoint();
    let read = Read::all(folder, &mut recovery)?;
    let (mut store, recovered) = recovery.finish()?;
    let mut tree = recovered.tree;
    // A change that was interrupted may have got so far.
    let recorded = read.last_rotation.filter(|last| last.new_key() == new.verifier());
    let rotation = match recorded {
        Some(rotation) => rotation,
        None => {
            let last = read.last.ok_or_else(|| RotationError::Empty { folder: folder.to_owned() })?;
            let position = last.position.next();
            let (rotation, record) =
                record(&last, read.caller, read.sandbox, (old, new), now).map_err(|source| match source {
                    Bad::Header(source) => {
                        RotationError::Record { folder: folder.to_owned(), position, source }
                    }
                    Bad::Rotation(source) => {
                        RotationError::Rotation { folder: folder.to_owned(), position, source }
                    }
                })?;
            store.append([record.as_slice()])?;
            tree.append(leaf_hash(&record));
            rotation
        }
    };
    store.succeed(new.clone());
    let checkpoint = Checkpoint { size: tree.size(), root: tree.root() };
    let mut tiles = TileStore::open(tiles_disk, &folder.join("tiles"), &before, &store.reader())?;
    tiles.sync()?;
    store.write_checkpoint(checkpoint)?;
    Ok(Some(rotation))
}

/// The changes of key that the records of `reader` hold, of the journal in `folder`.
pub fn key_history(folder: &Path, reader: &Reader) -> Result<KeyHistory, RotationError> {
    let mut history = KeyHistory::default();
    let mut failed = None;
    let read = reader.read_from(Position::FIRST, |position, record| {
        let wrong = |source| RotationError::Rotation { folder: folder.to_owned(), position, source };
        if let Ok(view) = RecordView::parse(record)
            && view.header.kind.is_house()
            && let Ok(House::KeyRotated(rotated)) = House::decode(view.body)
        {
            let pushed = rotated.note.parse().and_then(|rotation| history.push(rotation));
            failed = pushed.err().map(wrong);
        }
        failed.is_none()
    });
    read.map_err(|source| RotationError::Tiles(TileError::Record(source)))?;
    failed.map_or(Ok(history), Err)
}

fn signed_by(disk: &dyn Disk, journal: &Path, verifier: &CheckpointVerifier) -> Result<bool, RotationError> {
    let path = journal.join("checkpoint");
    match disk.open(&path, Access::Read).and_then(|file| read_whole(&*file)) {
        Ok(note) => Ok(core::str::from_utf8(&note).is_ok_and(|note| verifier.verify(note).is_ok())),
        Err(source) => Err(RotationError::Checkpoint { path, source }),
    }
}

/// What the records say that the next one must know.
#[derive(Default)]
struct Read {
    last: Option<Header>,
    sandbox: bool,
    /// The record that named the service itself.
    caller: Position,
    last_rotation: Option<KeyRotation>,
}

impl Read {
    fn all(folder: &Path, recovery: &mut Recovery) -> Result<Self, RotationError> {
        let mut read = Self::default();
        let mut position = Position::FIRST;
        while let Some(records) = recovery.next_group()? {
            for record in records {
                let view = RecordView::parse(record).map_err(|source| RotationError::Record {
                    folder: folder.to_owned(),
                    position,
                    source,
                })?;
                if view.header.kind.is_house() {
                    read.house(view.body, position);
                }
                read.last = Some(view.header);
                position = position.next();
            }
        }
        Ok(read)
    }

    fn house(&mut self, body: &[u8], position: Position) {
        match House::decode(body) {
            Ok(House::Opened(opened)) => self.sandbox = opened.sandbox,
            Ok(House::CallerNamed(named)) if self.caller == Position::FIRST => {
                if named.urn.starts_with("urn:almoner:service:") {
                    self.caller = position;
                }
            }
            Ok(House::KeyRotated(rotated)) => self.last_rotation = rotated.note.parse().ok(),
            Ok(_) | Err(_) => {}
        }
    }
}

enum Bad {
    Header(HeaderError),
    Rotation(KeyRotationError),
}

/// The record that follows `last` and changes the key.
fn record(
    last: &Header,
    caller: Position,
    sandbox: bool,
    (old, new): (&CheckpointSigner, &CheckpointSigner),
    now: Instant,
) -> Result<(KeyRotation, Vec<u8>), Bad> {
    let position = last.position.next();
    let rotation = KeyRotation::sign(old, new, position).map_err(Bad::Rotation)?;
    let house = House::KeyRotated(KeyRotated { note: rotation.note().to_owned() });
    let mut body = Vec::new();
    house.encode(&mut body);
    let recorded_time = if sandbox { last.recorded_time } else { last.recorded_time.max(now) };
    let header = Header {
        kind: house.kind(),
        system: last.system,
        position,
        recorded_time,
        business_date: last.business_date,
        cause: None,
        request_id: derived_request_id("key-rotation", last.request_id, &position.get().to_le_bytes()),
        fingerprint: fingerprint(&body),
        caller,
    };
    let mut record = Vec::new();
    header.write_record(&body, &mut record).map_err(Bad::Header)?;
    Ok((rotation, record))
}
