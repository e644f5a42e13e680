//! A journal through every crash: at each operation of the file layer, with each choice of what survives.

mod common;

use common::{FOLDER, Script, open};
use journal::Position;
use std::io;
use std::path::Path;
use storage::{OpenError, Options, StoreError};
use testkit::{Crash, Fault, MemoryDisk, Survivors};

const APPENDS: u64 = 200;

/// What was attempted and what was acknowledged before something failed.
#[derive(Debug, Default)]
struct Witness {
    attempted: Vec<Vec<u8>>,
    acknowledged: usize,
    checkpoint: u64,
}

/// Opens the journal and appends groups of various sizes, with a checkpoint now and then, until done or failed.
fn play(disk: &MemoryDisk, options: Options) -> Witness {
    play_with(disk, options, 10)
}

/// The same with a checkpoint after every `period` groups.
fn play_with(disk: &MemoryDisk, options: Options, period: u64) -> Witness {
    let mut witness = Witness::default();
    let Ok((mut store, _)) = open(disk, options).and_then(storage::Recovery::finish) else { return witness };
    let mut script = Script::default();
    for n in 0..APPENDS {
        let group = script.group(1 + n % 3, (n * 37 % 400) as usize);
        witness.attempted.extend(group.iter().cloned());
        match store.append(group.iter().map(Vec::as_slice)) {
            Ok(durable) => {
                assert_eq!(durable, Position::new(witness.attempted.len() as u64));
                witness.acknowledged = witness.attempted.len();
            }
            Err(_) => {
                let stopped = store.append(group.iter().map(Vec::as_slice));
                assert!(matches!(stopped, Err(StoreError::Stopped)), "nothing is written after a failure");
                return witness;
            }
        }
        if n % period == period - 1 {
            let checkpoint = common::checkpoint(&witness.attempted);
            match store.write_checkpoint(checkpoint) {
                Ok(_) => witness.checkpoint = checkpoint.size,
                Err(_) => return witness,
            }
        }
    }
    witness
}

/// Recovers and returns the records, having checked that they are what they must be, and that they are durable now.
fn recover(disk: &MemoryDisk, witness: &Witness, what: &str) {
    let (records, (store, recovered)) = open(disk, common::small())
        .and_then(common::recover)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(records.len() >= witness.acknowledged, "{what}: an acknowledged record is lost");
    assert!(witness.attempted.starts_with(&records), "{what}: a record is not what was written");
    assert!(recovered.checkpoint.size >= witness.checkpoint, "{what}: a checkpoint is lost");
    drop(store);
    // Whoever read these records may have answered: they must survive whatever comes next.
    let (again, _) = open(&disk.after(Crash::POWER_CUT), common::small()).and_then(common::recover).unwrap();
    assert_eq!(again, records, "{what}: a recovered record is not durable");
    append_one(disk, records, what);
}

/// The journal goes on: nothing that was cut off stands in the way of the next group, now or at the start after it.
fn append_one(disk: &MemoryDisk, mut records: Vec<Vec<u8>>, what: &str) {
    let next = common::record(records.len() as u64, 8);
    let (mut store, _) = open(disk, common::small()).and_then(storage::Recovery::finish).unwrap();
    store.append([next.as_slice()]).unwrap_or_else(|error| panic!("{what}: {error}"));
    drop(store);
    records.push(next);
    let (after, _) = open(disk, common::small())
        .and_then(common::recover)
        .unwrap_or_else(|error| panic!("{what}, one group later: {error}"));
    assert_eq!(after, records, "{what}: the next group is lost");
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    let disk = MemoryDisk::new();
    let all = play(&disk, common::small());
    assert_eq!(all.acknowledged, all.attempted.len());
    let operations = disk.operations();
    assert!(operations > 2 * APPENDS);
    for at in 0..operations {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        let witness = play(&disk, common::small());
        assert!(witness.acknowledged < all.attempted.len() || at + 20 > operations);
        // Every choice of survivors meets every sort of operation: nine choices in turn, three at each operation.
        let (choices, turn) = (Crash::all(at), usize::try_from(at).unwrap());
        for n in 0..3 {
            let crash = choices[(turn * 2 + n * 4) % choices.len()];
            recover(&disk.after(crash), &witness, &format!("operation {at}, {crash:?}"));
        }
    }
}

/// Checkpoints sync the folder as well; without them each segment's name must have been made durable by itself.
#[test]
fn a_power_cut_between_checkpoints_loses_no_segment() {
    let count = MemoryDisk::new();
    play_with(&count, common::small(), u64::MAX);
    for at in (0..count.operations()).step_by(3) {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        let witness = play_with(&disk, common::small(), u64::MAX);
        recover(&disk.after(Crash::POWER_CUT), &witness, &format!("operation {at}"));
    }
}

/// A writer is killed with a name not yet durable, another goes on with the file, and then the power goes: what the first one had
/// not made durable is the second one's to make.
#[test]
fn a_power_cut_after_a_kill_loses_nothing() {
    let count = MemoryDisk::new();
    play_with(&count, common::small(), u64::MAX);
    let mut cases = 0;
    for at in 0..count.operations() {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        play_with(&disk, common::small(), u64::MAX);
        let (disk, cut) = (disk.after(Crash::KILL), disk.after(Crash::POWER_CUT));
        if disk.files() == cut.files() {
            continue;
        }
        cases += 1;
        let (mut records, (mut store, _)) = open(&disk, common::small()).and_then(common::recover).unwrap();
        let mut script = Script::starting_at(records.len() as u64);
        for _ in 0..12 {
            let group = script.group(10, 300);
            store.append(group.iter().map(Vec::as_slice)).unwrap();
            records.extend(group);
            let cut = disk.after(Crash::POWER_CUT);
            let (found, _) = open(&cut, common::small()).and_then(common::recover).unwrap();
            assert!(
                found == records,
                "operation {at}: {} of {} records are left",
                found.len(),
                records.len()
            );
        }
    }
    assert!(cases > 10, "files are made and renamed at {cases} operations");
}

#[test]
fn an_error_at_any_operation_stops_the_writer_and_loses_nothing() {
    let operations = {
        let disk = MemoryDisk::new();
        play(&disk, common::small());
        disk.operations()
    };
    for at in 0..operations {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Error(io::ErrorKind::Other));
        let witness = play(&disk, common::small());
        recover(&disk.after(Crash::KILL), &witness, &format!("error at operation {at}"));
    }
}

#[test]
fn short_writes_are_completed() {
    let disk = MemoryDisk::new();
    disk.write_short();
    let witness = play(&disk, common::small());
    assert_eq!(witness.acknowledged, witness.attempted.len());
    recover(&disk.after(Crash::POWER_CUT), &witness, "short writes");
}

/// A recovery that crashes is recovered from.
#[test]
fn a_crash_while_recovering_loses_nothing() {
    let disk = MemoryDisk::new();
    disk.fail_at(300, Fault::Crash);
    let witness = play(&disk, common::small());
    let torn = disk.after(Crash { sectors: Survivors::AllButFirst, names: Survivors::Everything });
    for at in 0.. {
        let disk = torn.copy();
        disk.fail_at(disk.operations() + at, Fault::Crash);
        if open(&disk, common::small()).and_then(common::recover).is_ok() {
            assert!(at > 1, "there was something to mend");
            break;
        }
        for crash in Crash::all(at) {
            recover(&disk.after(crash), &witness, &format!("recovery's operation {at}, {crash:?}"));
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_and_reads_go_on() {
    let disk = MemoryDisk::new();
    disk.set_capacity(64 << 10);
    let options = Options { reserve_bytes: 16 << 10, ..common::small() };
    let (mut store, _) = open(&disk, options).and_then(storage::Recovery::finish).unwrap();
    let reader = store.reader();
    let mut script = Script::default();
    let mut written = Vec::new();
    while reader.accepting() {
        let group = script.group(2, 300);
        store.append(group.iter().map(Vec::as_slice)).unwrap();
        written.extend(group);
    }
    assert!(matches!(store.prepare(), Err(StoreError::NoSpace { free, needed, .. }) if free < needed));
    // One more group of the largest size would still fit, and nothing is lost for the reader.
    let group = script.group(10, 300);
    store.append(group.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(reader.read(Position::new(3)).unwrap().as_deref(), Some(written[3].as_slice()));
    disk.set_capacity(1 << 20);
    store.prepare().unwrap();
    assert!(reader.accepting());
    // A start on a full disk reads, too.
    drop(store);
    disk.set_capacity(0);
    let (records, _) = open(&disk, options).and_then(common::recover).unwrap();
    assert!(records.starts_with(&written));
}

#[test]
fn any_flipped_byte_is_named_or_harmless() {
    let disk = MemoryDisk::new();
    let mut script = Script::default();
    let options = Options { first_segment_bytes: 2 << 10, segment_bytes_max: 2 << 10, ..common::small() };
    let (mut store, _) = open(&disk, options).and_then(storage::Recovery::finish).unwrap();
    let mut written = Vec::new();
    for n in 0..6 {
        let group = script.group(1 + n % 3, 200);
        store.append(group.iter().map(Vec::as_slice)).unwrap();
        written.extend(group);
    }
    store.write_checkpoint(common::checkpoint(&written)).unwrap();
    drop(store);
    let files = disk.files();
    assert!(files.len() >= 4, "written segments, one prepared, one checkpoint: {files:?}");
    for path in files {
        let content = disk.content(&path).unwrap();
        for at in 0..content.len() {
            let mut flipped = content.clone();
            flipped[at] ^= [0x01, 0x80, 0xff][at % 3];
            let disk = disk.copy();
            disk.tamper(&path, Some(flipped));
            let error = match open(&disk, common::small()).and_then(common::recover) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{} byte {at}: not noticed", path.display()),
            };
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
    }
}

#[test]
fn lost_files_and_lost_ends_are_named() {
    let disk = MemoryDisk::new();
    let witness = play(&disk, common::small());
    let folder = Path::new(FOLDER);
    let refuse = |path: &Path, content: Option<Vec<u8>>| {
        let disk = disk.copy();
        disk.tamper(path, content);
        match open(&disk, common::small()).and_then(common::recover) {
            Err(error) => error,
            Ok(_) => panic!("{} was changed and nobody noticed", path.display()),
        }
    };
    let checkpoint = folder.join("checkpoint");
    assert!(matches!(refuse(&checkpoint, None), OpenError::CheckpointMissing { path } if path == checkpoint));
    let first = folder.join("00000000.segment");
    assert!(matches!(refuse(&first, None), OpenError::SegmentMissing { path } if path == first));
    // The last written segment lost, cut, or emptied: the checkpoint covers more.
    let last = disk
        .files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .rfind(|path| disk.content(path).unwrap().iter().any(|&byte| byte != 0))
        .unwrap();
    let content = disk.content(&last).unwrap();
    for content in [Some(vec![0; content.len()]), Some(content[..512].to_vec()), Some(Vec::new())] {
        let error = refuse(&last, content);
        assert!(matches!(error, OpenError::Shorter { .. } | OpenError::Damaged { .. }), "{error}");
    }
    // An older checkpoint in the place of the last does no harm; another journal's is refused.
    let older = common::checkpoint(&witness.attempted[..10]);
    let note = common::signer().sign(&older);
    let copy = disk.copy();
    copy.tamper(&checkpoint, Some(note.clone().into_bytes()));
    recover(&copy, &Witness { checkpoint: 10, ..witness }, "an older checkpoint");
    let forged = common::checkpoint(&[common::record(0, 9)]);
    let error = refuse(&checkpoint, Some(common::signer().sign(&forged).into_bytes()));
    assert!(matches!(error, OpenError::OtherRecords { size: 1, .. }), "{error}");
}
