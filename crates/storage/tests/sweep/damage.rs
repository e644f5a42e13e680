//! Bit flips, zeroed and misdirected blocks in every sector of every file: named, mended from what is sound, or harmless; never
//! served and never cut off.

use crate::books::{Books, FOLDER, Script, chain, journal_folder, play, send};
use crate::{Count, drawn, rounds};
use journal::{Position, leaf_hash};
use std::path::{Path, PathBuf};
use testkit::{Crash, MemoryDisk};

pub const SECTOR: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Damage {
    BitFlip,
    Zeroed,
    /// The sector holds what belongs to another place: of the same file or of another one.
    Misdirected,
}

/// What the sector at `offset` of the file holds after damage; `None` when it holds what it held.
fn damaged(
    disk: &MemoryDisk,
    files: &[PathBuf],
    path: &Path,
    offset: usize,
    damage: Damage,
    draw: u64,
) -> Option<Vec<u8>> {
    let content = disk.content(path).unwrap();
    let sector = &content[offset..(offset + SECTOR).min(content.len())];
    let mut bytes = sector.to_vec();
    match damage {
        Damage::BitFlip => {
            let bit = draw as usize % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Damage::Zeroed => bytes.fill(0),
        Damage::Misdirected => {
            let other = disk.content(&files[draw as usize % files.len()]).unwrap();
            let from = (draw >> 16) as usize % other.len().div_ceil(SECTOR).max(1) * SECTOR;
            let source = &other[from.min(other.len())..(from + bytes.len()).min(other.len())];
            bytes[..source.len()].copy_from_slice(source);
        }
    }
    (bytes != sector).then_some(bytes)
}

/// A disk with the whole script on it and a checkpoint over it, and its records.
fn played() -> (MemoryDisk, Vec<Vec<u8>>) {
    let disk = MemoryDisk::new();
    assert_eq!(play(&disk, &Script::new()).failure, None);
    let mut records = Vec::new();
    Books::start_reading(&disk, |record| records.push(record.to_vec())).unwrap();
    (disk, records)
}

/// Every sector of every file, with each damage.
pub fn everywhere(disk: &MemoryDisk, seed: u64, mut each: impl FnMut(&Path, usize, Damage, Vec<u8>, &str)) {
    let files = disk.files();
    for (number, path) in files.iter().enumerate() {
        let length = disk.content(path).unwrap().len();
        for offset in (0..length).step_by(SECTOR) {
            for damage in [Damage::BitFlip, Damage::Zeroed, Damage::Misdirected] {
                let draw = drawn(seed, (number << 32 | offset << 2 | damage as usize) as u64);
                if let Some(bytes) = damaged(disk, &files, path, offset, damage, draw) {
                    let what = format!("seed {seed}: {damage:?} at byte {offset} of {}", path.display());
                    each(path, offset, damage, bytes, &what);
                }
            }
        }
    }
}

#[test]
fn damage_anywhere_before_a_start_is_named_or_changes_nothing() {
    let (sound, records) = played();
    let mut count = Count::of("damage-at-rest");
    for seed in rounds() {
        count.rounds += 1;
        let (mut refused, mut harmless) = (0, 0);
        everywhere(&sound, seed, |path, offset, _, bytes, what| {
            let disk = sound.copy();
            disk.corrupt(path, offset, &bytes);
            let mut found = Vec::new();
            match Books::start_reading(&disk, |record| found.push(record.to_vec())) {
                Ok(books) => {
                    harmless += 1;
                    count.recovered();
                    // What is derived is derived again; what is asked for later is checked then; and what was never written may
                    // come to look like an interrupted write.
                    let written = written(&sound, path, offset);
                    assert!(path.parent() != Some(&journal_folder()) || !written, "{what}: nobody noticed");
                    assert!(found == records, "{what}: other records");
                    prove_all(&books, &records, what);
                    read_blobs(&books, path, what);
                }
                Err(error) => {
                    refused += 1;
                    count.refused();
                    let said = chain(&*error);
                    assert!(said.contains(&path.display().to_string()), "{what}: {said}");
                    assert!(
                        path.ends_with("checkpoint")
                            || said.contains("is damaged at byte") && said.contains("record "),
                        "{what}: {said}"
                    );
                }
            }
        });
        assert!(refused > 200 && harmless > 20, "{refused} refused, {harmless} harmless");
    }
}

/// Whether the sector at `offset` of the file was ever written.
fn written(disk: &MemoryDisk, path: &Path, offset: usize) -> bool {
    let content = disk.content(path).unwrap();
    !journal::is_zero(&content[offset..(offset + SECTOR).min(content.len())])
}

/// Every proof that is given out verifies, and most are.
fn prove_all(books: &Books, records: &[Vec<u8>], what: &str) {
    let (tiles, checkpoint) = (books.tiles.reader(), books.store.checkpoint());
    assert_eq!(checkpoint.size, records.len() as u64, "{what}");
    let mut given = 0;
    for (n, record) in records.iter().enumerate().step_by(7) {
        let (position, leaf) = (Position::new(n as u64), leaf_hash(record));
        if let Ok(path) = tiles.inclusion(position, leaf, &checkpoint) {
            assert!(
                journal::verify_inclusion(position.get(), leaf, &path, &checkpoint),
                "{what}: {position}"
            );
            given += 1;
        }
    }
    assert!(given > 0 || Path::new(FOLDER).join("tiles/0").exists(), "{what}: no proof at all");
}

/// A damaged blob is named and not given.
fn read_blobs(books: &Books, path: &Path, what: &str) {
    for digest in books.blobs.digests().unwrap() {
        match books.blobs.get(digest) {
            Ok(content) => assert_eq!(journal::Digest::of(&content.unwrap()), digest, "{what}"),
            Err(error) => assert!(chain(&error).contains(&path.display().to_string()), "{what}: {error}"),
        }
    }
}

/// Damage that happens while the journal is open.
#[test]
fn a_record_that_was_damaged_since_is_named_and_not_served() {
    let (sound, records) = played();
    let mut count = Count::of("damage-while-open");
    for seed in rounds() {
        count.rounds += 1;
        let mut named = 0;
        everywhere(&sound, seed, |path, offset, damage, bytes, what| {
            // One damage each is enough here: the check is the same.
            if path.extension().is_none_or(|kind| kind != "segment")
                || !(offset / SECTOR + damage as usize).is_multiple_of(3)
            {
                return;
            }
            let disk = sound.copy();
            let books = Books::start(&disk).unwrap();
            disk.corrupt(path, offset, &bytes);
            let reader = books.store.reader();
            let before = named;
            for (n, record) in records.iter().enumerate() {
                let position = Position::new(n as u64);
                match reader.read(position) {
                    Ok(found) => assert_eq!(found.as_deref(), Some(record.as_slice()), "{what}: {position}"),
                    Err(error) => {
                        named += 1;
                        let said = chain(&error);
                        assert!(said.contains(&format!("record {position}:")), "{what}: {said}");
                        assert!(said.contains(&path.display().to_string()), "{what}: {said}");
                        assert!(said.contains("is damaged at byte"), "{what}: {said}");
                    }
                }
            }
            if named > before {
                count.refused();
            } else {
                count.recovered();
            }
        });
        assert!(named > 50, "{named} reads met damage");
    }
}

/// The one case that a single device cannot tell from an interrupted write: a sector of the very last group zeroed, past the
/// last checkpoint. Anything else is refused there as well.
#[test]
fn only_a_zeroed_sector_of_the_last_group_past_the_checkpoint_is_taken_for_a_tear() {
    let script = Script::new();
    let disk = MemoryDisk::new();
    let mut books = Books::start(&disk).unwrap();
    let mut part = Script { groups: script.groups };
    let last = part.groups.pop().unwrap();
    send(&mut books, &part, &mut crate::books::Witness::default()).unwrap();
    let before = books.store.durable_before();
    books.group(&last).unwrap();
    let after = books.store.durable_before();
    drop(books);
    let left = disk.after(Crash::POWER_CUT);
    for seed in rounds() {
        let mut cut = 0;
        everywhere(&left, seed, |path, offset, damage, bytes, what| {
            if path.parent() != Some(&journal_folder()) {
                return;
            }
            let disk = left.copy();
            disk.corrupt(path, offset, &bytes);
            let mut found = 0;
            let Ok(_) = Books::start_reading(&disk, |_| found += 1) else { return };
            if Position::new(found) == after && !written(&left, path, offset) {
                return;
            }
            assert!(bytes.iter().all(|&byte| byte == 0), "{what}: {found} records");
            assert_eq!(Position::new(found), before, "{what}: more than the last group is lost");
            assert!(damage != Damage::BitFlip);
            cut += 1;
        });
        assert!(cut > 0, "the case exists");
    }
}
