//! Segments leave for an archive and come back: whatever interrupts it, the journal holds every record, and the archive is missed by name.

use crate::books::{Books, FOLDER, Kept, MIRROR, Script, chain, journal_folder, play_on, signer};
use crate::{Count, drawn, rounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{ArchiveError, Disk, MirrorDisk, Moved, archive, unarchive};
use testkit::{Crash, Fault, MemoryDisk};

const ARCHIVE: &str = "/archive";

fn played(kept: Kept) -> (MemoryDisk, Vec<Vec<u8>>) {
    let disk = MemoryDisk::new();
    assert_eq!(play_on(&disk, kept, &Script::new()).failure, None);
    let found = records(&disk, kept, "after the script");
    (disk, found)
}

fn records(disk: &MemoryDisk, kept: Kept, what: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let started = Books::start_on(disk, kept, |record| found.push(record.to_vec()));
    let books = started.unwrap_or_else(|error| panic!("{what}: {}", chain(&*error)));
    let (mut next, reader) = (0, books.store.reader());
    reader
        .read_from(journal::Position::FIRST, |_, record| {
            assert_eq!(record, found[next], "{what}: record {next} is read as another");
            next += 1;
            true
        })
        .unwrap();
    assert_eq!(next, found.len(), "{what}");
    found
}

fn copies(disk: &MemoryDisk, kept: Kept) -> Arc<dyn Disk> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    match kept {
        Kept::Once => disk,
        Kept::Twice => Arc::new(MirrorDisk::new(disk, Path::new(FOLDER), Path::new(MIRROR)).unwrap()),
    }
}

fn leave(disk: &MemoryDisk, kept: Kept) -> Result<Moved, ArchiveError> {
    archive(&copies(disk, kept), Path::new(FOLDER), signer(), 0, Path::new(ARCHIVE))
}

fn come_back(disk: &MemoryDisk, kept: Kept) -> Result<Moved, ArchiveError> {
    unarchive(&copies(disk, kept), Path::new(FOLDER), None)
}

/// The segments and what stands for them, with their contents.
fn files(disk: &MemoryDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let journal = |path: &PathBuf| path.parent() == Some(&journal_folder()) && !path.ends_with("checkpoint");
    disk.files()
        .into_iter()
        .filter(journal)
        .map(|path| (path.clone(), disk.content(&path).unwrap()))
        .collect()
}

/// Work on a disk, and what it moved.
type Work = fn(&MemoryDisk, Kept) -> Result<Moved, ArchiveError>;

/// Interrupts `work` at each of its operations, twice over: the records stay, and the next run ends it.
fn interrupted(before: &MemoryDisk, kept: Kept, expected: &[Vec<u8>], work: Work, name: &'static str) {
    let done = before.copy();
    work(&done, kept).unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
    let mut count = Count::of(name);
    for seed in rounds() {
        count.rounds += 1;
        for at in 0.. {
            let fault =
                [Fault::Crash, Fault::Error(std::io::ErrorKind::Other)][(drawn(seed, at) % 2) as usize];
            let disk = before.copy();
            disk.fail_at(disk.operations() + at, fault);
            let ended = work(&disk, kept).is_ok();
            let crash = Crash::sampled(drawn(seed, at + 1));
            let what = format!("{name}, seed {seed}, operation {at}, {fault:?}, {crash:?}");
            let disk = disk.after(crash);
            assert!(records(&disk, kept, &what) == expected, "{what}: other records");
            work(&disk, kept).unwrap_or_else(|error| panic!("{what}: {}", chain(&error)));
            assert!(files(&disk) == files(&done), "{what}: the next run did not end it");
            assert!(records(&disk, kept, &what) == expected, "{what}: other records after the next run");
            count.recovered();
            if ended {
                assert!(at > 4, "{what}: there was something to interrupt");
                break;
            }
        }
    }
}

#[test]
fn segments_leave_and_come_back_through_every_fault() {
    for (kept, names) in
        [(Kept::Once, ["archive", "unarchive"]), (Kept::Twice, ["archive-mirrored", "unarchive-mirrored"])]
    {
        let (disk, expected) = played(kept);
        let whole = files(&disk);
        let moved = leave(&disk.copy(), kept).unwrap();
        assert!(moved.segments >= 1 && moved.records > 50, "{moved:?}");
        interrupted(&disk, kept, &expected, leave, names[0]);
        leave(&disk, kept).unwrap();
        assert_eq!(leave(&disk, kept).unwrap(), Moved::default(), "there is nothing left to move");
        assert!(records(&disk, kept, "archived") == expected);
        assert!(files(&disk).len() <= whole.len());
        interrupted(&disk, kept, &expected, come_back, names[1]);
        come_back(&disk, kept).unwrap();
        assert!(files(&disk) == whole, "the journal is as it was");
    }
}

#[test]
fn an_archive_that_is_away_or_damaged_is_named() {
    let (disk, expected) = played(Kept::Once);
    leave(&disk, Kept::Once).unwrap();
    let archived: Vec<PathBuf> = disk.files().into_iter().filter(|path| path.starts_with(ARCHIVE)).collect();
    let open = Books::start(&disk).unwrap();
    let foreign = another();
    for path in &archived {
        let content = disk.content(path).unwrap();
        let mut flipped = content.clone();
        flipped[2_000] ^= 1;
        for (content, away) in [(None, true), (Some(flipped), false)] {
            let disk = disk.copy();
            disk.tamper(path, content);
            let said = chain(&*Books::start(&disk).err().unwrap());
            assert!(said.contains(&path.display().to_string()), "{said}");
            assert_eq!(said.contains("was archived and cannot be read there"), away, "{said}");
            let error = come_back(&disk, Kept::Once).unwrap_err();
            assert!(chain(&error).contains(&path.display().to_string()), "{error}");
        }
        // A segment of another journal is whole in itself.
        let swapped = disk.copy();
        swapped.tamper(path, Some(foreign.content(path).unwrap()));
        let said = chain(&*Books::start(&swapped).err().unwrap());
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert_eq!(
            said.contains("is not the segment that was archived there"),
            path == &archived[0],
            "{said}"
        );
        assert!(
            matches!(come_back(&swapped, Kept::Once), Err(ArchiveError::Differs { path: found }) if found == *path)
        );
        // What stands for it, damaged or gone.
        let note = journal_folder().join(path.file_name().unwrap()).with_extension("archived");
        let mut flipped = disk.content(&note).unwrap();
        flipped[50] ^= 1;
        for content in [None, Some(flipped)] {
            let disk = disk.copy();
            disk.tamper(&note, content);
            let said = chain(&*Books::start(&disk).err().unwrap());
            assert!(said.contains(&journal_folder().display().to_string()), "{said}");
        }
    }
    // It goes away while the journal is open, and comes back.
    let content = disk.content(&archived[0]).unwrap();
    disk.tamper(&archived[0], None);
    let reader = open.store.reader();
    let read = reader.read(journal::Position::FIRST);
    assert!(
        matches!(&read, Err(storage::ReadError::Archived { path, .. }) if *path == archived[0]),
        "{read:?}"
    );
    assert!(
        reader.read(journal::Position::new(expected.len() as u64 - 1)).unwrap().is_some(),
        "the rest is read"
    );
    disk.tamper(&archived[0], Some(content));
    assert!(reader.read(journal::Position::FIRST).unwrap().is_some());
    assert!(matches!(leave(&disk, Kept::Once), Err(ArchiveError::Open(storage::OpenError::InUse { .. }))));
}

/// The archive of a journal that has one record less in the first group of postings.
fn another() -> MemoryDisk {
    let (disk, mut script) = (MemoryDisk::new(), Script::new());
    script.groups[5].pop();
    assert_eq!(play_on(&disk, Kept::Once, &script).failure, None);
    leave(&disk, Kept::Once).unwrap();
    disk
}

/// Put back from a folder to which somebody moved it; and from nowhere, what an interruption left in its place.
#[test]
fn what_comes_back_may_be_elsewhere_or_here() {
    let (disk, expected) = played(Kept::Once);
    let whole = disk.copy();
    leave(&disk, Kept::Once).unwrap();
    let archived: Vec<PathBuf> = disk.files().into_iter().filter(|path| path.starts_with(ARCHIVE)).collect();
    for path in &archived {
        let moved = Path::new("/elsewhere").join(path.strip_prefix(ARCHIVE).unwrap());
        disk.create_folder(moved.parent().unwrap()).unwrap();
        disk.tamper(&moved, disk.content(path));
        disk.tamper(path, None);
    }
    let both = disk.copy();
    assert!(come_back(&disk, Kept::Once).is_err());
    let from = Some(Path::new("/elsewhere"));
    let moved = unarchive(&copies(&disk, Kept::Once), Path::new(FOLDER), from).unwrap();
    assert_eq!(moved.segments, archived.len());
    assert!(files(&disk) == files(&whole));
    assert!(records(&disk, Kept::Once, "from elsewhere") == expected);
    for path in &archived {
        let here = journal_folder().join(path.file_name().unwrap());
        both.tamper(&here, whole.content(&here));
    }
    assert!(records(&both, Kept::Once, "both are there") == expected, "the journal's own counts");
    come_back(&both, Kept::Once).unwrap();
    assert!(files(&both) == files(&whole));
}

/// Another history's segment has the name already: nothing is written over it, and nothing leaves.
#[test]
fn nothing_in_an_archive_is_overwritten() {
    let (disk, expected) = played(Kept::Once);
    let copy = disk.copy();
    leave(&copy, Kept::Once).unwrap();
    let path = copy.files().into_iter().find(|path| path.starts_with(ARCHIVE)).unwrap();
    disk.create_folder(path.parent().unwrap()).unwrap();
    disk.tamper(&path, Some(b"another's".to_vec()));
    assert!(matches!(leave(&disk, Kept::Once), Err(ArchiveError::Differs { path: found }) if found == path));
    assert_eq!(disk.content(&path).unwrap(), b"another's");
    assert!(records(&disk, Kept::Once, "refused") == expected);
}
