//! Blobs and the installation through every crash and error of the file layer.

use journal::house::{CallerNamed, DayRolled, House, Opened};
use journal::{
    Checkpoint, Day, Digest, Fingerprint, Header, Instant, Position, Service, SystemTag, Tree, leaf_hash,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{
    BlobStore, Disk, Installation, InstallationError, Options, Recovered, Rotation, RotationError,
    SegmentStore, key_history, rotate_journal,
};
use testkit::{Crash, Fault, MemoryDisk};

const CONTENTS: [&[u8]; 3] = [b"a price book", b"a camt.053", b"a price book"];

/// Keeps the contents until one fails; returns the digests that were given.
fn put_all(disk: &MemoryDisk) -> Vec<Digest> {
    let Ok(blobs) = BlobStore::open(Arc::new(disk.clone()), PathBuf::from("/data/blobs")) else {
        return Vec::new();
    };
    CONTENTS.iter().map_while(|content| blobs.put(content).ok()).collect()
}

#[test]
fn a_kept_blob_survives_and_an_interrupted_one_is_absent_or_whole() {
    let count = MemoryDisk::new();
    assert_eq!(put_all(&count).len(), 3);
    let operations = count.operations();
    for at in 0..operations {
        for fault in [Fault::Crash, Fault::Error(io::ErrorKind::Other)] {
            let disk = MemoryDisk::new();
            disk.fail_at(at, fault);
            let kept = put_all(&disk);
            assert!(kept.len() < 3, "operation {at} matters");
            for crash in Crash::all(at) {
                let disk = disk.after(crash);
                let blobs = BlobStore::open(Arc::new(disk.clone()), PathBuf::from("/data/blobs")).unwrap();
                for content in CONTENTS {
                    let digest = Digest::of(content);
                    let found = blobs.get(digest).unwrap();
                    assert!(found.is_some() || !kept.contains(&digest), "operation {at}, {crash:?}");
                    assert_eq!(found.as_deref().unwrap_or(content), content);
                }
                assert_eq!(put_all(&disk).len(), 3, "what was left does not stand in the way");
            }
        }
    }
}

#[test]
fn an_installation_that_was_told_stays_the_same() {
    let open = |disk: &MemoryDisk| Installation::open(disk, Path::new("/data"));
    let count = MemoryDisk::new();
    open(&count).unwrap();
    for at in 0..count.operations() {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        assert!(open(&disk).is_err());
        for crash in Crash::all(at) {
            let disk = disk.after(crash);
            let made = open(&disk).unwrap_or_else(|error| panic!("operation {at}, {crash:?}: {error}"));
            let again = open(&disk.after(Crash::POWER_CUT)).unwrap();
            assert_eq!((made.id(), made.seed()), (again.id(), again.seed()), "operation {at}, {crash:?}");
        }
    }
}

const ROOT: &str = "/data";
const JOURNALS: [(&str, Service); 2] = [("national", Service::Registry), ("berkshire-west", Service::Ledger)];

fn journal_folder(system: &str, service: Service) -> PathBuf {
    Path::new(ROOT).join(system).join(service.as_str())
}

fn house(position: u64, house: &House) -> Vec<u8> {
    let header = Header {
        kind: house.kind(),
        system: SystemTag([0; 8]),
        position: Position::new(position),
        recorded_time: Instant::from_micros(i64::try_from(position).unwrap()),
        business_date: Day::new(17_000),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
        fingerprint: Fingerprint([0; 16]),
        caller: Position::new(position.min(1)),
    };
    let (mut body, mut record) = (Vec::new(), Vec::new());
    house.encode(&mut body);
    header.write_record(&body, &mut record).unwrap();
    record
}

/// Two journals of three records, signed for.
fn two_journals() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let installation = Installation::open(&disk, Path::new(ROOT)).unwrap();
    for (system, service) in JOURNALS {
        let opened =
            Opened { installation: installation.id(), system: system.into(), service, sandbox: false };
        let urn = format!("urn:almoner:service:{service}");
        let records = [
            house(0, &House::Opened(opened)),
            house(1, &House::CallerNamed(CallerNamed { urn })),
            house(2, &House::DayRolled(DayRolled { day: Day::new(17_000) })),
        ];
        let mut store = recovered(&disk, &installation, system, service).0;
        store.append(records.iter().map(Vec::as_slice)).unwrap();
        let mut tree = Tree::new();
        records.iter().for_each(|record| tree.append(leaf_hash(record)));
        store.write_checkpoint(Checkpoint { size: tree.size(), root: tree.root() }).unwrap();
    }
    disk
}

fn recovered(
    disk: &MemoryDisk,
    installation: &Installation,
    system: &str,
    service: Service,
) -> (SegmentStore, Recovered) {
    let signer = installation.signer(&system.parse().unwrap(), service);
    let journal = journal_folder(system, service).join("journal");
    let options =
        Options { first_segment_bytes: 64 << 10, prepare_in_background: false, ..Options::default() };
    SegmentStore::open(Arc::new(disk.clone()), &journal, signer, options).unwrap().finish().unwrap()
}

/// Changes the key of both journals until something fails.
fn rotate(disk: &MemoryDisk) -> Result<(), RotationError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let rotation = Rotation::begin(Arc::clone(&disk), Path::new(ROOT))?;
    for (system, service) in JOURNALS {
        let name = system.parse().unwrap();
        let keys = (rotation.old().signer(&name, service), rotation.new_key().signer(&name, service));
        let folder = journal_folder(system, service);
        rotate_journal(&disk, Arc::clone(&disk), &folder, (&keys.0, &keys.1), Instant::from_micros(9))?;
    }
    Ok(rotation.finish()?)
}

/// Whatever a crash left, the same command ends it: one record in each journal, signed for by the one new key.
#[test]
fn a_change_of_key_that_was_interrupted_is_ended_by_the_next() {
    let before = two_journals();
    let old = Installation::read(&before, Path::new(ROOT)).unwrap();
    let count = before.copy();
    let from = count.operations();
    rotate(&count).unwrap();
    let to = count.operations();
    assert!(to > from + 20);
    let mut refused = 0;
    for at in from..to {
        let disk = before.copy();
        disk.fail_at(at, Fault::Crash);
        assert!(rotate(&disk).is_err(), "operation {at} matters");
        for crash in [Crash::POWER_CUT].into_iter().chain(Crash::all(at)) {
            let disk = disk.after(crash);
            let why = format!("operation {at}, {crash:?}");
            match Installation::open(&disk, Path::new(ROOT)) {
                // Nothing was begun, or all of it was done.
                Ok(_) => {}
                Err(InstallationError::Rotating { .. }) => refused += 1,
                Err(error) => panic!("{why}: {error}"),
            }
            let done = Installation::open(&disk, Path::new(ROOT)).is_ok_and(|now| now.seed() != old.seed());
            if !done {
                rotate(&disk).unwrap_or_else(|error| panic!("{why}: {error}"));
            }
            let now = Installation::open(&disk, Path::new(ROOT)).unwrap();
            assert_ne!(now.seed(), old.seed(), "{why}");
            for (system, service) in JOURNALS {
                let (store, recovered) = recovered(&disk, &now, system, service);
                assert_eq!((recovered.tree.size(), recovered.checkpoint.size), (4, 4), "{why}");
                let folder = journal_folder(system, service);
                let history = key_history(&folder, &store.reader()).unwrap();
                let [change] = history.rotations() else { panic!("{why}: one change") };
                let name = system.parse().unwrap();
                assert_eq!(change.old(), old.signer(&name, service).verifier(), "{why}");
                assert_eq!(change.new_key(), now.signer(&name, service).verifier(), "{why}");
                assert_eq!(change.position(), Position::new(3), "{why}");
            }
        }
    }
    assert!(refused > 0, "between the two, nothing starts");
}
