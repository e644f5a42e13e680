//! A backup hangs together, is whole or not there, and comes back as it was; an older one is refused where more is proved.

use crate::books::chain;
use journal::{
    Cause, Checkpoint, Day, Fingerprint, Header, Instant, Kind, Position, Service, SystemName, Tree, house,
    leaf_hash,
};
use std::path::Path;
use std::sync::Arc;
use storage::{BackupError, BlobStore, Installation, Known, Options, SegmentStore, backup, restore};
use testkit::{Fault, MemoryDisk};

const ROOT: &str = "/data";
const TO: &str = "/backup";

fn system() -> SystemName {
    "berkshire-west".parse().unwrap()
}

fn journal_folder(root: &str, service: Service) -> std::path::PathBuf {
    Path::new(root).join(system().as_str()).join(service.as_str()).join("journal")
}

/// A journal that is written record by record, a group each.
struct Writer {
    store: SegmentStore,
    tree: Tree,
}

impl Writer {
    fn open(disk: &MemoryDisk, root: &str, service: Service) -> Self {
        let installation = Installation::open(disk, Path::new(root)).unwrap();
        let options = Options {
            first_segment_bytes: 4 << 10,
            segment_bytes_max: 4 << 10,
            reserve_bytes: 0,
            prepare_in_background: false,
            ..Options::default()
        };
        let signer = installation.signer(&system(), service);
        let disk = Arc::new(disk.clone());
        let recovery = SegmentStore::open(disk, &journal_folder(root, service), signer, options).unwrap();
        let (store, recovered) = recovery.finish().unwrap();
        Self { store, tree: recovered.tree }
    }

    fn write(&mut self, kind: Kind, cause: Option<(Service, u64)>, body: &[u8]) {
        let header = Header {
            kind,
            system: system().tag(),
            position: self.store.durable_before(),
            recorded_time: Instant::from_micros(0),
            business_date: Day::new(0),
            cause: cause.map(|(service, position)| Cause { service, position: Position::new(position) }),
            request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
            fingerprint: Fingerprint([0; 16]),
            caller: Position::FIRST,
        };
        let mut record = Vec::new();
        header.write_record(body, &mut record).unwrap();
        self.tree.append(leaf_hash(&record));
        self.store.append([record.as_slice()]).unwrap();
    }

    fn record(&mut self, cause: Option<(Service, u64)>) {
        self.write(Kind(100), cause, &[7; 300]);
    }

    fn delivered(&mut self, through: u64) {
        let record = house::House::Delivered(house::Delivered {
            target: Service::Ledger,
            through: Position::new(through),
            first_position: Position::FIRST,
            parked: Vec::new(),
        });
        let mut body = Vec::new();
        record.encode(&mut body);
        self.write(record.kind(), None, &body);
    }

    fn checkpoint(&mut self) -> String {
        let checkpoint = Checkpoint { size: self.tree.size(), root: self.tree.root() };
        self.store.write_checkpoint(checkpoint).unwrap()
    }

    fn records(&self) -> u64 {
        self.tree.size()
    }
}

fn records_of(run: &[(SystemName, Service, u64)], service: Service) -> u64 {
    run.iter().find(|(_, of, _)| *of == service).unwrap().2
}

#[test]
fn journals_are_cut_where_they_hang_together() {
    let disk = MemoryDisk::new();
    let mut referrals = Writer::open(&disk, ROOT, Service::Referrals);
    let mut ledger = Writer::open(&disk, ROOT, Service::Ledger);
    for n in 0..20 {
        referrals.record(None);
        ledger.record(Some((Service::Referrals, n)));
    }
    referrals.delivered(19);
    referrals.checkpoint();
    ledger.checkpoint();
    let cuts = |name: &str| {
        let run = backup(&disk, Path::new(ROOT), Path::new(TO), name).unwrap();
        (records_of(&run.journals, Service::Referrals), records_of(&run.journals, Service::Ledger))
    };
    assert_eq!(cuts("1"), (21, 20), "all of it");
    // In flight: the last group of each may not be durable, so what followed from the one in referrals is cut away, and
    // with it the record that says it was answered.
    referrals.record(None);
    referrals.record(None);
    ledger.record(Some((Service::Referrals, 21)));
    ledger.record(Some((Service::Referrals, 22)));
    ledger.record(None);
    assert_eq!(
        cuts("2"),
        (22, 21),
        "record 22 is the last group of referrals, so the ledger's answer to it is cut"
    );
    referrals.delivered(22);
    referrals.record(None);
    assert_eq!(
        cuts("3"),
        (24, 22),
        "the ledger's last group is not surely durable; nothing is lost that referrals know of"
    );
}

#[test]
fn a_backup_comes_back_as_it_was_and_only_what_is_new_is_copied() {
    let disk = MemoryDisk::new();
    let mut ledger = Writer::open(&disk, ROOT, Service::Ledger);
    let blobs = Path::new(ROOT).join("berkshire-west/ledger/blobs");
    let digest = BlobStore::open(Arc::new(disk.clone()), blobs).unwrap().put(b"a price book").unwrap();
    for _ in 0..40 {
        ledger.record(None);
    }
    ledger.checkpoint();
    let first = backup(&disk, Path::new(ROOT), Path::new(TO), "1").unwrap();
    for _ in 0..10 {
        ledger.record(None);
    }
    let newest = ledger.checkpoint();
    let second = backup(&disk, Path::new(ROOT), Path::new(TO), "2").unwrap();
    assert!(
        second.copied_bytes < first.copied_bytes / 2,
        "{} after {}",
        second.copied_bytes,
        first.copied_bytes
    );
    assert_eq!(storage::runs(&disk, Path::new(TO)).unwrap(), ["1", "2"]);

    let give = |to: &str, run: Option<&str>, known: &[Known], accept: bool| {
        restore(&disk, Path::new(TO), run, Path::new(to), known, accept)
    };
    assert_eq!(
        records_of(&give("/new", None, &[], false).unwrap().journals, Service::Ledger),
        ledger.records()
    );
    let key = disk.content(Path::new("/data/keys/checkpoints")).unwrap();
    let with_keys = |to: &str| {
        storage::Disk::create_folder(&disk, &Path::new(to).join("keys")).unwrap();
        disk.tamper(&Path::new(to).join("keys/checkpoints"), Some(key.clone()));
    };
    with_keys("/new");
    let restored = Writer::open(&disk, "/new", Service::Ledger);
    assert_eq!(restored.tree, ledger.tree);
    let blobs = BlobStore::open(Arc::new(disk.clone()), "/new/berkshire-west/ledger/blobs".into()).unwrap();
    assert!(blobs.get(digest).unwrap().is_some());
    assert!(matches!(give("/new", None, &[], false), Err(BackupError::NotEmpty { .. })));

    // An older run where a newer checkpoint is known: refused, or said to be a loss.
    let known = [Known { path: "newest".into(), text: newest }];
    let refused = give("/old", Some("1"), &known, false).unwrap_err();
    assert!(matches!(refused, BackupError::Older { records: 40, size: 50, .. }), "{refused}");
    let lost = give("/old", Some("1"), &known, true).unwrap().lost;
    assert_eq!(lost.len(), 1, "{lost:?}");
    with_keys("/old");
    let mut forked = Writer::open(&disk, "/old", Service::Ledger);
    for _ in 0..20 {
        forked.write(Kind(100), None, &[8; 300]);
    }
    forked.checkpoint();
    // The history that went on from it is not the one that the newer checkpoint proves, and shares no backup with it.
    assert!(matches!(backup(&disk, Path::new("/old"), Path::new(TO), "3"), Err(BackupError::Altered { .. })));
    backup(&disk, Path::new("/old"), Path::new("/other"), "1").unwrap();
    let refused = restore(&disk, Path::new("/other"), None, Path::new("/newer"), &known, true).unwrap_err();
    assert!(matches!(refused, BackupError::Forked { size: 50, .. }), "{refused}");
}

/// Interrupted at any operation, a backup has its earlier runs and perhaps the new one; altered, it is refused and named.
#[test]
fn a_run_is_whole_or_not_there() {
    let disk = MemoryDisk::new();
    let mut ledger = Writer::open(&disk, ROOT, Service::Ledger);
    for _ in 0..30 {
        ledger.record(None);
    }
    ledger.checkpoint();
    backup(&disk, Path::new(ROOT), Path::new(TO), "1").unwrap();
    for _ in 0..12 {
        ledger.record(None);
    }
    ledger.checkpoint();
    let mut interrupted = 0;
    for at in 0.. {
        let disk = disk.copy();
        disk.fail_at(disk.operations() + at, Fault::Crash);
        let done = backup(&disk, Path::new(ROOT), Path::new(TO), "2").is_ok();
        let disk = disk.after(testkit::Crash::sampled(at));
        let runs = storage::runs(&disk, Path::new(TO)).unwrap();
        for run in &runs {
            let restored =
                restore(&disk, Path::new(TO), Some(run), Path::new("/new").join(run).as_path(), &[], false);
            let restored =
                restored.unwrap_or_else(|error| panic!("operation {at}, run {run}: {}", chain(&error)));
            assert_eq!(restored.journals[0].2, if run == "1" { 30 } else { 42 });
        }
        assert_eq!(runs.first().map(String::as_str), Some("1"));
        backup(&disk, Path::new(ROOT), Path::new(TO), "3").unwrap();
        if done {
            break;
        }
        interrupted += 1;
    }
    assert!(interrupted > 5, "{interrupted} operations");
    for path in disk.files().iter().filter(|path| path.starts_with(TO) && !path.ends_with("installation")) {
        let copy = disk.copy();
        let mut content = copy.content(path).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        copy.tamper(path, Some(content));
        let refused = restore(&copy, Path::new(TO), None, Path::new("/new"), &[], false);
        let said = chain(&refused.expect_err(&path.display().to_string()));
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(copy.files().iter().all(|path| !path.starts_with("/new")), "nothing is restored");
    }
}

/// An archive is no backup, and a backup needs it only for what no earlier run has.
#[test]
fn archived_segments_are_in_every_run() {
    let disk = MemoryDisk::new();
    let mut ledger = Writer::open(&disk, ROOT, Service::Ledger);
    for _ in 0..40 {
        ledger.record(None);
    }
    ledger.checkpoint();
    drop(ledger);
    let folder = Path::new(ROOT).join("berkshire-west/ledger");
    let signer = Installation::open(&disk, Path::new(ROOT)).unwrap().signer(&system(), Service::Ledger);
    let shared: Arc<dyn storage::Disk> = Arc::new(disk.clone());
    let moved = storage::archive(&shared, &folder, signer, 0, Path::new("/archive")).unwrap();
    assert!(moved.segments > 1, "{moved:?}");
    let restored = |disk: &MemoryDisk, run: &str| {
        let to = Path::new("/new").join(run);
        restore(disk, Path::new(TO), Some(run), &to, &[], false).unwrap();
        (0..moved.segments).for_each(|n| {
            let name = format!("berkshire-west/ledger/journal/{n:08}.segment");
            assert!(disk.content(&to.join(name)).is_some(), "segment {n} is back");
        });
    };
    backup(&disk, Path::new(ROOT), Path::new(TO), "1").unwrap();
    restored(&disk, "1");
    let archived: Vec<_> = disk.files().into_iter().filter(|path| path.starts_with("/archive")).collect();
    archived.iter().for_each(|path| disk.tamper(path, None));
    backup(&disk, Path::new(ROOT), Path::new(TO), "2").unwrap();
    restored(&disk, "2");
    let refused = backup(&disk, Path::new(ROOT), Path::new("/elsewhere"), "1").unwrap_err();
    assert!(chain(&refused).contains("/archive/berkshire-west/ledger/00000000.segment"), "{refused}");
}
