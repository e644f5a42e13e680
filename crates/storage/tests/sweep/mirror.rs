//! Two copies: whatever happens to one of them, a start, a read or a scrub puts it right from the other.

use crate::books::{Books, FOLDER, Kept, MIRROR, Script, Witness, chain, play_on, send};
use crate::crashes::Reference;
use crate::damage::{SECTOR, everywhere};
use crate::{Count, drawn, rounds};
use journal::Position;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use storage::Scrubbed;
use testkit::{Crash, Fault, MemoryDisk};

/// The copies of a file of the journal or of its blobs; `None` for one that has no copy.
fn copies(path: &Path) -> Option<[PathBuf; 2]> {
    let below = path.strip_prefix(FOLDER).or_else(|_| path.strip_prefix(MIRROR)).ok()?;
    let mirrored = below.starts_with("journal") || below.starts_with("blobs");
    mirrored.then(|| [Path::new(FOLDER).join(below), Path::new(MIRROR).join(below)])
}

/// Both copies hold the same.
fn alike(disk: &MemoryDisk, what: &str) {
    for [first, second] in disk.files().iter().filter_map(|path| copies(path)) {
        assert!(disk.content(&first) == disk.content(&second), "{what}: {} differs", first.display());
    }
}

fn played() -> MemoryDisk {
    let disk = MemoryDisk::new();
    assert_eq!(play_on(&disk, Kept::Twice, &Script::new()).failure, None);
    alike(&disk, "after the script");
    disk
}

/// Starts with the mirror and compares what is found.
fn mended(disk: &MemoryDisk, records: &[Vec<u8>], what: &str) -> Books {
    let mut found = Vec::new();
    let started = Books::start_on(disk, Kept::Twice, |record| found.push(record.to_vec()));
    let books = started.unwrap_or_else(|error| panic!("{what}: {}", chain(&*error)));
    assert!(found == records, "{what}: {} of {} records", found.len(), records.len());
    alike(disk, what);
    books
}

#[test]
fn a_crash_or_an_error_of_either_device_loses_nothing() {
    let reference = Reference::new();
    let disk = MemoryDisk::new();
    assert_eq!(play_on(&disk, Kept::Twice, &reference.script).failure, None);
    let operations = disk.operations();
    let mut count = Count::of("mirror-crashes");
    for seed in rounds() {
        count.rounds += 1;
        for at in (drawn(seed, 0) % 3..operations).step_by(3) {
            let fault = [Fault::Crash, Fault::Error(ErrorKind::Other), Fault::Short(ErrorKind::StorageFull)]
                [(drawn(seed, at) % 3) as usize];
            let disk = MemoryDisk::new();
            disk.fail_at(at, fault);
            let witness = play_on(&disk, Kept::Twice, &reference.script);
            let crash = Crash::sampled(drawn(seed, at + 1));
            let what = format!("seed {seed}, operation {at}, {fault:?}, {crash:?}");
            let left = disk.after(crash);
            reference.check_on(&left, Kept::Twice, &witness, &what);
            alike(&left, &what);
            count.recovered();
        }
    }
}

#[test]
fn damage_anywhere_in_one_copy_is_mended_at_a_start() {
    let sound = played();
    let records = Reference::new().records;
    let mut count = Count::of("mirror-damage");
    for seed in rounds() {
        count.rounds += 1;
        let mut cases = 0;
        everywhere(&sound, seed, |path, offset, _, bytes, what| {
            if copies(path).is_none() {
                return;
            }
            let disk = sound.copy();
            disk.corrupt(path, offset, &bytes);
            let books = mended(&disk, &records, what);
            for digest in books.blobs.digests().unwrap() {
                assert!(books.blobs.get(digest).unwrap().is_some(), "{what}");
            }
            cases += 1;
            count.recovered();
        });
        assert!(cases > 500, "{cases} cases");
    }
}

/// Also where one device alone could not tell it from an interrupted write.
#[test]
fn the_last_group_is_mended_past_the_checkpoint() {
    let script = Script::new();
    let disk = MemoryDisk::new();
    let mut books = Books::start_on(&disk, Kept::Twice, |_| ()).unwrap();
    let (last, part) = script.groups.split_last().unwrap();
    let part = Script { groups: part.to_vec() };
    send(&mut books, &part, &mut Witness::default()).unwrap();
    books.group(last).unwrap();
    drop(books);
    let left = disk.after(Crash::POWER_CUT);
    let records = Reference::new().records;
    everywhere(&left, 1, |path, offset, _, bytes, what| {
        if copies(path).is_some() {
            let disk = left.copy();
            disk.corrupt(path, offset, &bytes);
            mended(&disk, &records, what);
        }
    });
}

#[test]
fn a_lost_file_a_lost_mirror_and_an_old_one_are_made_again() {
    let sound = played();
    let records = Reference::new().records;
    for path in sound.files().iter().filter(|path| copies(path).is_some()) {
        let content = sound.content(path).unwrap();
        let half = content[..content.len() / 2].to_vec();
        for content in [None, Some(Vec::new()), Some(half)] {
            let disk = sound.copy();
            let what = format!("{} with {:?} bytes", path.display(), content.as_ref().map(Vec::len));
            disk.tamper(path, content);
            mended(&disk, &records, &what);
        }
    }
    // A new device, or one that was away for a while.
    for until in [0, 3, 60] {
        let disk = MemoryDisk::new();
        let script = Script::new();
        let part = Script { groups: script.groups[..until].to_vec() };
        if until > 0 {
            assert_eq!(play_on(&disk, Kept::Twice, &part).failure, None);
        }
        assert_eq!(play_on(&disk, Kept::Once, &script).failure, None);
        mended(&disk, &records, &format!("{until} groups in the mirror"));
    }
}

#[test]
fn what_no_copy_has_is_named_and_what_both_have_differently_is_refused() {
    let sound = played();
    let segment = |folder: &str| Path::new(folder).join("journal/00000001.segment");
    // The same sector of both.
    let disk = sound.copy();
    for folder in [FOLDER, MIRROR] {
        disk.corrupt(&segment(folder), 1024, &[0x55; 40]);
    }
    let said = chain(&*Books::start_on(&disk, Kept::Twice, |_| ()).err().unwrap());
    for part in [
        &*segment(FOLDER).display().to_string(),
        &*segment(MIRROR).display().to_string(),
        "at byte 1024",
        "where record ",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Different sectors of both are no loss.
    let disk = sound.copy();
    disk.corrupt(&segment(FOLDER), 1024, &[0x55; 40]);
    disk.corrupt(&segment(MIRROR), 8192, &[0x55; 40]);
    mended(&disk, &Reference::new().records, "two damages");
    // Each copy went on by itself.
    let disk = MemoryDisk::new();
    let script = Script::new();
    let part = |n: usize| Script { groups: script.groups[..n].to_vec() };
    assert_eq!(play_on(&disk, Kept::Twice, &part(20)).failure, None);
    let other = disk.copy();
    assert_eq!(play_on(&disk, Kept::Once, &part(24)).failure, None);
    let mut groups = part(20).groups;
    groups.push(script.groups[30].clone());
    assert_eq!(play_on(&other, Kept::Once, &Script { groups }).failure, None);
    for path in other.files() {
        if let Some([first, second]) = copies(&path) {
            disk.tamper(&second, other.content(&first));
        }
    }
    let said = chain(&*Books::start_on(&disk, Kept::Twice, |_| ()).err().unwrap());
    assert!(said.contains("hold different records at byte"), "{said}");
}

#[test]
fn reads_and_a_scrub_mend_what_is_damaged_while_it_is_open() {
    let sound = played();
    let records = Reference::new().records;
    everywhere(&sound, 1, |path, offset, damage, bytes, what| {
        let segment = path.extension().is_some_and(|kind| kind == "segment");
        if !segment || !(offset / SECTOR + damage as usize).is_multiple_of(3) {
            return;
        }
        let disk = sound.copy();
        let books = Books::start_on(&disk, Kept::Twice, |_| ()).unwrap();
        disk.corrupt(path, offset, &bytes);
        let reader = books.store.reader();
        if damage as usize == 0 && path.starts_with(FOLDER) {
            for (n, record) in records.iter().enumerate() {
                let found =
                    reader.read(Position::new(n as u64)).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(found.as_deref(), Some(record.as_slice()), "{what}: {n}");
            }
        }
        let written = sound.content(path).unwrap()[offset] != 0;
        let (mut groups, mut mended) = (0, 0);
        reader.scrub(|found| {
            groups += 1;
            match found {
                Scrubbed::Sound { .. } => {}
                Scrubbed::Mended { offset: group, .. } => {
                    assert!(group <= offset as u64, "{what}");
                    mended += 1;
                }
                Scrubbed::Damaged(error) => panic!("{what}: {error}"),
            }
            true
        });
        assert!(groups > 50 && mended <= 1, "{what}");
        if written {
            alike(&disk, what);
        }
    });
}
