//! A forger who has the disk, the program and the signing key: takes a journal's records, changes them, and writes a journal whose
//! every byte, hash and signature is as it should be. Only the rules, other journals and what others kept can tell.

use journal::{
    Checkpoint, Domain, Header, NoBlobs, Outcome, Position, RecordView, Service, SystemName, Tree, leaf_hash,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{FolderDisk, Installation, Options, SegmentStore, TileStore};

/// The records of one journal of a data folder that nobody serves.
#[derive(Debug)]
pub struct Forge {
    root: PathBuf,
    system: SystemName,
    service: Service,
    /// Its records, in order; one that is put in, taken out or moved gets the position of its place when they are written.
    pub records: Vec<Vec<u8>>,
}

/// The command and outcome of a record of the domain.
pub type Body<D> = (<D as Domain>::Command, Outcome<<D as Domain>::Event, <D as Domain>::Refusal>);

impl Forge {
    /// Reads the journal of (`system`, `service`) in the data folder `root`.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    #[must_use]
    pub fn open(root: &Path, system: &str, service: Service) -> Self {
        let system: SystemName = system.parse().expect("a system's name");
        let folder = folder(root, &system, service).join("journal");
        let signer = installation(root).signer(&system, service);
        let opened = SegmentStore::open(Arc::new(FolderDisk), &folder, signer, Options::default());
        let mut recovery = opened.expect("a journal");
        let mut records = Vec::new();
        while let Some(group) = recovery.next_group().expect("a group") {
            records.extend(group.map(<[u8]>::to_vec));
        }
        Self { root: root.to_owned(), system, service, records }
    }

    /// The header of every record of the domain's own, with what it says, where that names no blob.
    pub fn commands<D: Domain>(&self) -> impl Iterator<Item = (Header, Body<D>)> {
        let own = self.records.iter().map(|record| RecordView::parse(record).expect("a record"));
        own.filter(|record| !record.header.kind.is_house()).filter_map(|record| {
            Some((record.header, D::decode(record.header.kind, record.body, &NoBlobs).ok()?))
        })
    }

    /// The first record for which `found` holds.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn find<D: Domain>(&self, found: impl Fn(&Header, &Body<D>) -> bool) -> Position {
        let mut commands = self.commands::<D>();
        commands.find(|(header, body)| found(header, body)).expect("no such record").0.position
    }

    /// Changes the record at `position`.
    ///
    /// # Panics
    ///
    /// When there is none that can be read.
    pub fn edit<D: Domain>(&mut self, position: Position, change: impl FnOnce(&mut Header, &mut Body<D>)) {
        let record = usize::try_from(position.get()).ok().and_then(|at| self.records.get_mut(at));
        let record = record.expect("no such record");
        let view = RecordView::parse(record).expect("a record");
        let mut header = view.header;
        let mut body = D::decode(header.kind, view.body, &NoBlobs).expect("a body without blobs");
        change(&mut header, &mut body);
        header.kind = D::kind(&body.0);
        let (mut bytes, mut written) = (Vec::new(), Vec::new());
        D::encode(&body.0, &body.1, &mut bytes);
        header.write_record(&bytes, &mut written).expect("a record of a size that fits");
        *record = written;
    }

    /// Writes the records in place of those that were there, all of them signed for, with the tiles of their tree.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    pub fn write(self) {
        let folder = folder(&self.root, &self.system, self.service);
        for name in ["journal", "tiles"] {
            std::fs::remove_dir_all(folder.join(name)).expect("the old journal");
        }
        let disk = Arc::new(FolderDisk);
        let signer = installation(&self.root).signer(&self.system, self.service);
        let opened = SegmentStore::open(disk.clone(), &folder.join("journal"), signer, Options::default());
        let (mut store, _) = opened.and_then(storage::Recovery::finish).expect("a new journal");
        let mut tree = Tree::new();
        let records: Vec<Vec<u8>> = (0..).map(Position::new).zip(&self.records).map(placed).collect();
        for group in records.chunks(50) {
            store.append(group.iter().map(Vec::as_slice)).expect("a group");
            group.iter().for_each(|record| tree.append(leaf_hash(record)));
        }
        let checkpoint = Checkpoint { size: tree.size(), root: tree.root() };
        store.write_checkpoint(checkpoint).expect("a checkpoint");
        TileStore::open(disk, &folder.join("tiles"), &checkpoint, &store.reader()).expect("tiles");
    }
}

/// A record under the position of its place.
fn placed((position, record): (Position, &Vec<u8>)) -> Vec<u8> {
    let view = RecordView::parse(record).expect("a record");
    let mut written = Vec::with_capacity(record.len());
    let header = Header { position, ..view.header };
    header.write_record(view.body, &mut written).expect("a record of the same size");
    written
}

fn folder(root: &Path, system: &SystemName, service: Service) -> PathBuf {
    root.join(system.as_str()).join(service.as_str())
}

fn installation(root: &Path) -> Installation {
    Installation::read(&FolderDisk, root).expect("an installation")
}
