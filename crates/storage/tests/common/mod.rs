#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "each test file uses its part"
)]

use journal::{
    Checkpoint, CheckpointSigner, Day, Fingerprint, Header, Instant, Kind, Origin, Position, RecordView,
    Service, SystemName, Tree, leaf_hash,
};
use std::path::Path;
use std::sync::Arc;
use storage::{FolderDisk, OpenError, Options, Recovered, Recovery, SegmentStore};
use testkit::MemoryDisk;

pub fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Origin::new([7; 16], &SystemName::national(), Service::Ledger), &[7; 32])
}

pub fn checkpoint(records: &[Vec<u8>]) -> Checkpoint {
    let mut tree = Tree::new();
    records.iter().for_each(|record| tree.append(leaf_hash(record)));
    Checkpoint { size: tree.size(), root: tree.root() }
}

pub fn open_folder(path: &Path) -> Result<Recovery, OpenError> {
    SegmentStore::open(Arc::new(FolderDisk), path, signer(), Options::default())
}

pub const FOLDER: &str = "/data/national/ledger/journal";

/// Segments so small that a short script fills several.
pub fn small() -> Options {
    Options {
        first_segment_bytes: 8 << 10,
        segment_bytes_max: 32 << 10,
        reserve_bytes: 0,
        cache_bytes: 4 << 10,
        prepare_in_background: false,
        scrub_every: None,
        snapshot_records: u64::MAX,
        ids_in_memory: usize::MAX,
    }
}

pub fn open(disk: &MemoryDisk, options: Options) -> Result<Recovery, OpenError> {
    SegmentStore::open(Arc::new(disk.clone()), Path::new(FOLDER), signer(), options)
}

/// Everything that a recovery finds.
#[expect(clippy::type_complexity, reason = "a pair of results")]
pub fn recover(mut recovery: Recovery) -> Result<(Vec<Vec<u8>>, (SegmentStore, Recovered)), OpenError> {
    let mut records = Vec::new();
    while let Some(group) = recovery.next_group()? {
        records.extend(group.map(<[u8]>::to_vec));
    }
    Ok((records, recovery.finish()?))
}

/// Makes records whose body says their position.
#[derive(Debug, Default)]
pub struct Script {
    next: u64,
}

impl Script {
    pub fn starting_at(next: u64) -> Self {
        Self { next }
    }

    pub fn group(&mut self, records: u64, body: usize) -> Vec<Vec<u8>> {
        let first = self.next;
        self.next += records;
        (first..self.next).map(|position| record(position, body)).collect()
    }
}

pub fn record(position: u64, body: usize) -> Vec<u8> {
    let header = Header {
        kind: Kind(100),
        system: SystemName::national().tag(),
        position: Position::new(position),
        recorded_time: Instant::from_micros(0),
        business_date: Day::new(0),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
        fingerprint: Fingerprint([0; 16]),
        caller: Position::FIRST,
    };
    let mut content = position.to_le_bytes().to_vec();
    content.resize(body.max(8), 0);
    let mut record = Vec::new();
    header.write_record(&content, &mut record).unwrap();
    record
}

pub fn body_of(record: &[u8]) -> u64 {
    let body = RecordView::parse(record).unwrap().body;
    u64::from_le_bytes(body[..8].try_into().unwrap())
}
