//! What an auditor is told, of a sound journal and of every kind of tampering.

use audit::{Finding, RecordProblem, Report, verify_installation, verify_journal};
use journal::house::{CallerNamed, DayRolled, House, KeyRotated, Opened};
use journal::{
    Chain, Checkpoint, CheckpointSigner, CheckpointVerifier, Day, Fingerprint, GroupBuilder, Header, Instant,
    KeyRotation, KeyRotationError, Origin, Position, Service, SystemName, Tree, leaf_hash,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{BlobStore, FolderDisk, Options, SegmentStore, TileStore};

const INSTALLATION: [u8; 16] = [7; 16];

fn system() -> SystemName {
    "berkshire-west".parse().unwrap()
}

fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Origin::new(INSTALLATION, &system(), Service::Ledger), &[7; 32])
}

fn house(position: u64, house: &House) -> (Header, Vec<u8>) {
    let header = Header {
        kind: house.kind(),
        system: system().tag(),
        position: Position::new(position),
        recorded_time: Instant::from_micros(i64::try_from(position).unwrap()),
        business_date: Day::new(17_000),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
        fingerprint: Fingerprint([0; 16]),
        caller: Position::new(position.min(1)),
    };
    let mut body = Vec::new();
    house.encode(&mut body);
    (header, body)
}

type Made = (Header, Vec<u8>);

fn bytes((header, body): &(Header, Vec<u8>)) -> Vec<u8> {
    let mut record = Vec::new();
    header.write_record(body, &mut record).unwrap();
    record
}

/// Opened, one caller named, and days rolled.
fn records() -> Vec<(Header, Vec<u8>)> {
    let opened = Opened {
        installation: INSTALLATION,
        system: system().to_string(),
        service: Service::Ledger,
        sandbox: true,
    };
    let mut records = vec![
        house(0, &House::Opened(opened)),
        house(1, &House::CallerNamed(CallerNamed { urn: "urn:almoner:service:ledger".to_owned() })),
    ];
    records.extend(
        (2..600).map(|n| house(n, &House::DayRolled(DayRolled { day: Day::new(i32::try_from(n).unwrap()) }))),
    );
    records
}

fn checkpoint(records: &[(Header, Vec<u8>)]) -> Checkpoint {
    let mut tree = Tree::new();
    records.iter().for_each(|record| tree.append(leaf_hash(&bytes(record))));
    Checkpoint { size: tree.size(), root: tree.root() }
}

/// A data folder with one journal, a checkpoint over all but the last group, tiles and a blob.
fn write(root: &Path, records: &[(Header, Vec<u8>)]) -> PathBuf {
    let folder = root.join("berkshire-west/ledger");
    let disk = Arc::new(FolderDisk);
    let options = Options {
        first_segment_bytes: 16 << 10,
        segment_bytes_max: 16 << 10,
        prepare_in_background: false,
        ..Options::default()
    };
    let opened = SegmentStore::open(disk.clone(), &folder.join("journal"), signer(), options).unwrap();
    let (mut store, _) = opened.finish().unwrap();
    let all: Vec<Vec<u8>> = records.iter().map(bytes).collect();
    let (signed, unsigned) = all.split_at(all.len() - 10);
    for group in signed.chunks(50) {
        store.append(group.iter().map(Vec::as_slice)).unwrap();
    }
    let checkpoint = checkpoint(&records[..signed.len()]);
    store.write_checkpoint(checkpoint).unwrap();
    TileStore::open(disk.clone(), &folder.join("tiles"), &checkpoint, &store.reader()).unwrap();
    BlobStore::open(disk, folder.join("blobs")).unwrap().put(b"a price book").unwrap();
    store.append(unsigned.iter().map(Vec::as_slice)).unwrap();
    folder
}

fn verify(folder: &Path, kept: &[Checkpoint]) -> Report {
    let verifier: CheckpointVerifier = signer().verifier().to_string().parse().unwrap();
    verify_journal(folder, &system(), Service::Ledger, &verifier, kept, |_| {})
}

#[test]
fn a_sound_journal_has_no_findings() {
    let root = tempfile::tempdir().unwrap();
    let records = records();
    write(root.path(), &records);
    let kept = [(signer().verifier().origin().clone(), checkpoint(&records[..100]))];
    let mut seen = 0;
    let reports = verify_installation(root.path(), signer().verifier(), &kept, |_, record| {
        assert_eq!(record.header.position, Position::new(seen));
        seen += 1;
    })
    .unwrap();
    let [report] = reports.as_slice() else { panic!("one journal: {reports:?}") };
    assert_eq!(report.findings, []);
    assert_eq!((report.records, seen, report.blobs), (600, 600, 1));
    assert_eq!(report.root, checkpoint(&records).root);
    assert_eq!(report.checkpoint, Some(checkpoint(&records[..590])));
    assert_eq!(report.tail, None);
}

/// Somebody with the program and the disk, but not the key, writes the whole journal again with one record changed.
#[test]
fn a_rewritten_record_is_found() {
    let root = tempfile::tempdir().unwrap();
    let folder = write(root.path(), &records());
    let mut forged = records();
    forged[50].0.business_date = Day::new(16_999);
    let mut builder = GroupBuilder::new(Chain { epoch: 1, ..Chain::START });
    forged.iter().for_each(|record| builder.push(&bytes(record)).unwrap());
    let group = builder.finish(Position::FIRST, Vec::new()).unwrap();
    for entry in std::fs::read_dir(folder.join("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some() {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(folder.join("journal/00000000.segment"), group.bytes()).unwrap();
    let report = verify(&folder, &[checkpoint(&records()[..30]), checkpoint(&records()[..60])]);
    let tiles = folder.join("tiles");
    assert_eq!(
        report.findings,
        [
            Finding::OtherRecords { size: 60 },
            Finding::OtherRecords { size: 590 },
            Finding::Tiles { path: tiles.join("0") },
            Finding::Tiles { path: tiles.join("1") },
        ]
    );
}

#[test]
fn every_kind_of_damage_is_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = write(root.path(), &records());
    let journal = folder.join("journal");
    let findings = |kept: &[Checkpoint]| verify(&folder, kept).findings;
    let check = |path: &Path, content: Option<&[u8]>, expected: &dyn Fn(&Finding) -> bool| {
        let before = std::fs::read(path).unwrap();
        match content {
            Some(content) => std::fs::write(path, content).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
        let found = findings(&[]);
        assert!(found.iter().any(expected), "{}: {found:?}", path.display());
        std::fs::write(path, before).unwrap();
        assert_eq!(findings(&[]), []);
    };
    let first = journal.join("00000000.segment");
    let mut flipped = std::fs::read(&first).unwrap();
    flipped[700] ^= 1;
    check(
        &first,
        Some(&flipped),
        &|found| matches!(found, Finding::Damaged { path, offset: 0, .. } if *path == first),
    );
    check(&first, None, &|found| matches!(found, Finding::SegmentMissing { path } if *path == first));
    let second = journal.join("00000001.segment");
    check(&second, Some(&[0; 16 << 10]), &|found| {
        matches!(found, Finding::Damaged { .. } | Finding::Shorter { .. })
    });
    let note = journal.join("checkpoint");
    check(&note, None, &|found| matches!(found, Finding::Unreadable { path, .. } if *path == note));
    check(&note, Some(b"1\n"), &|found| matches!(found, Finding::Checkpoint { path, .. } if *path == note));
    let blob = walk(&folder.join("blobs"));
    check(&blob, Some(b"another"), &|found| *found == Finding::Blob { path: blob.clone() });
    let tile = folder.join("tiles/0");
    check(&tile, Some(b"short"), &|found| *found == Finding::Tiles { path: tile.clone() });
    // A checkpoint that the auditor kept covers more than there is.
    let beyond = Checkpoint { size: 601, root: checkpoint(&records()).root };
    assert_eq!(findings(&[beyond]), [Finding::Shorter { records: 600, checkpoint: 601 }]);
    std::fs::write(journal.join("notes.txt"), "").unwrap();
    assert_eq!(findings(&[]), [Finding::Stray { path: journal.join("notes.txt") }]);
}

#[test]
fn records_that_cannot_be_are_named() {
    let problem = |change: &dyn Fn(&mut Vec<Made>)| {
        let root = tempfile::tempdir().unwrap();
        let mut records = records();
        change(&mut records);
        let folder = write(root.path(), &records);
        match verify(&folder, &[]).findings.first() {
            Some(Finding::Record { problem, position }) => (position.get(), problem.clone()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        problem(&|records| records[9].0.system = SystemName::national().tag()),
        (9, RecordProblem::System)
    );
    assert_eq!(
        problem(&|records| records[9].0.recorded_time = Instant::from_micros(3)),
        (9, RecordProblem::Time)
    );
    assert_eq!(
        problem(&|records| records[9].0.caller = Position::new(5)),
        (9, RecordProblem::Caller(Position::new(5)))
    );
    assert_eq!(problem(&|records| records[9].1 = vec![0xff]), (9, RecordProblem::Body));
    assert_eq!(
        problem(&|records| records[0] = house(0, &House::DayRolled(DayRolled { day: Day::new(1) }))),
        (0, RecordProblem::Opening)
    );
    let opened = Opened {
        installation: INSTALLATION,
        system: "elsewhere".to_owned(),
        service: Service::Ledger,
        sandbox: false,
    };
    let opened = House::Opened(opened);
    assert_eq!(
        problem(&|records| records[0] = house(0, &opened)),
        (0, RecordProblem::Owner("elsewhere/ledger".to_owned()))
    );
    assert_eq!(problem(&|records| records[9] = house(9, &opened)), (9, RecordProblem::Opening));
}

/// The journal of [`records`] whose record 300 changes the key, with a checkpoint by `last`.
fn rotated(root: &Path, note: &str, last: &CheckpointSigner) -> PathBuf {
    let mut records = records();
    records[300] = house(300, &House::KeyRotated(KeyRotated { note: note.to_owned() }));
    let folder = write(root, &records);
    std::fs::write(folder.join("journal/checkpoint"), last.sign(&checkpoint(&records[..590]))).unwrap();
    folder
}

#[test]
fn a_change_of_key_counts_when_both_keys_signed_it_and_where_it_says() {
    let new = CheckpointSigner::new(signer().verifier().origin().clone(), &[8; 32]);
    let stranger = CheckpointSigner::new(signer().verifier().origin().clone(), &[9; 32]);
    let note = |from: &CheckpointSigner, to: &CheckpointSigner, at: u64| {
        KeyRotation::sign(from, to, Position::new(at)).unwrap().note().to_owned()
    };
    let sound = note(&signer(), &new, 300);
    let with = |note: &str, last: &CheckpointSigner, key: &CheckpointSigner| {
        let root = tempfile::tempdir().unwrap();
        let folder = rotated(root.path(), note, last);
        verify_journal(&folder, &system(), Service::Ledger, key.verifier(), &[], |_| {})
    };
    for key in [&signer(), &new] {
        let report = with(&sound, &new, key);
        assert_eq!((report.findings.as_slice(), report.keys.rotations().len()), (&[][..], 1));
        assert_eq!(report.checkpoint.map(|at| at.size), Some(590));
        // The old key's word is over.
        let report = with(&sound, &signer(), key);
        assert!(matches!(report.findings.as_slice(), [Finding::Checkpoint { .. }]), "{:?}", report.findings);
        assert_eq!(report.checkpoint, None);
    }
    assert!(!with(&sound, &new, &stranger).findings.is_empty(), "neither of the two keys is the auditor's");
    let problem = |note: &str| {
        let report = with(note, &new, &signer());
        let Some(Finding::Record { position, problem: RecordProblem::Key(error) }) = report.findings.first()
        else {
            panic!("{:?}", report.findings)
        };
        (position.get(), *error)
    };
    let moved = note(&signer(), &new, 299);
    assert_eq!(problem(&moved), (300, KeyRotationError::Order), "made for another record");
    let edited = sound.replacen("\n300\n", "\n301\n", 1);
    assert_eq!(problem(&edited), (300, KeyRotationError::Unsigned));
    // A thief of neither key cannot lead the auditor to a key of their own.
    let report = with(&note(&stranger, &new, 300), &new, &signer());
    assert!(matches!(report.findings.as_slice(), [Finding::Checkpoint { .. }]), "{:?}", report.findings);
}

fn walk(folder: &Path) -> PathBuf {
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    if path.is_dir() { walk(&path) } else { path }
}
