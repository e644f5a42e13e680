//! Tiles follow the journal, through crashes and damage.

mod common;

use common::{FOLDER, Script, open};
use journal::{Checkpoint, Digest, Position, ProvenRange, TileId, Tree, leaf_hash, verify_consistency};
use std::path::Path;
use std::sync::Arc;
use storage::{SegmentStore, TileError, TileStore};
use testkit::{Crash, Fault, MemoryDisk};

const TILES: &str = "/data/national/ledger/tiles";

fn tiles(disk: &MemoryDisk, store: &SegmentStore) -> Result<TileStore, TileError> {
    let disk: Arc<MemoryDisk> = Arc::new(disk.clone());
    TileStore::open(disk, Path::new(TILES), &store.checkpoint(), &store.reader())
}

/// Appends groups of 100 records until there are `until`, with tiles beside them and a checkpoint after each group.
fn grow(disk: &MemoryDisk, until: u64) -> Option<SegmentStore> {
    let (mut store, recovered) = open(disk, common::small()).and_then(storage::Recovery::finish).ok()?;
    let mut tiles = tiles(disk, &store).ok()?;
    let mut tree = recovered.tree;
    let mut script = Script::starting_at(tree.size());
    while tree.size() < until {
        let group = script.group(100, 8);
        for record in &group {
            tree.append_with(leaf_hash(record), |level, hash| tiles.push(level, hash));
        }
        store.append(group.iter().map(Vec::as_slice)).ok()?;
        tiles.sync().ok()?;
        store.write_checkpoint(Checkpoint { size: tree.size(), root: tree.root() }).ok()?;
    }
    Some(store)
}

/// Whether every tile and proof is what the records say.
fn check(disk: &MemoryDisk) {
    let (records, (store, recovered)) = open(disk, common::small()).and_then(common::recover).unwrap();
    let tiles = tiles(disk, &store).unwrap().reader();
    let leaves: Vec<Digest> = records.iter().map(|record| leaf_hash(record)).collect();
    let size = leaves.len() as u64;
    assert_eq!(tiles.size(), size);
    let level_0: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
    for (index, tile) in level_0.chunks(8_192).enumerate() {
        let id = TileId::new(0, index as u64, tile.len() as u64 / 32).unwrap();
        assert_eq!(tiles.tile(id).unwrap().as_deref(), Some(tile));
    }
    for (index, leaves) in leaves.chunks_exact(256).enumerate() {
        let mut tree = Tree::new();
        leaves.iter().for_each(|&leaf| tree.append(leaf));
        let hashes = tiles.tile(TileId::new(1, 0, index as u64 + 1).unwrap()).unwrap().unwrap();
        assert_eq!(hashes[index * 32..], tree.root().0);
    }
    assert_eq!(tiles.tile(TileId::new(0, size / 256, 256).unwrap()).unwrap(), None);
    let checkpoint = Checkpoint { size, root: recovered.tree.root() };
    for first in (0..size).step_by(97) {
        let end = (first + 150).min(size);
        let range = &leaves[usize::try_from(first).unwrap()..usize::try_from(end).unwrap()];
        let proof = tiles.range(Position::new(first), range, &checkpoint).unwrap();
        let proven = ProvenRange::verify(&checkpoint, first, range, &proof).unwrap();
        let path = tiles.inclusion(Position::new(first), range[0], &checkpoint).unwrap();
        assert_eq!(proven.inclusion_proof(first), Some(path));
        let old = common::checkpoint(&records[..usize::try_from(first).unwrap()]);
        assert!(verify_consistency(&old, &checkpoint, &tiles.consistency(first, size).unwrap()));
    }
}

#[test]
fn tiles_follow_the_journal() {
    let disk = MemoryDisk::new();
    for until in [0, 100, 300, 700] {
        assert!(grow(&disk, until).is_some());
        check(&disk);
    }
    let (store, _) = open(&disk, common::small()).and_then(storage::Recovery::finish).unwrap();
    let bundle = store.reader().entry_bundle(Position::new(256), 256).unwrap().unwrap();
    let entry = common::record(256, 8);
    assert_eq!(bundle[..2], u16::try_from(entry.len()).unwrap().to_be_bytes());
    assert_eq!(bundle[2..2 + entry.len()], entry);
    assert_eq!(bundle.len(), 256 * (2 + entry.len()));
    assert_eq!(store.reader().entry_bundle(Position::new(512), 256).unwrap(), None);
}

#[test]
fn tiles_are_right_after_any_crash() {
    let count = MemoryDisk::new();
    grow(&count, 600).unwrap();
    for at in 0..count.operations() {
        let disk = MemoryDisk::new();
        disk.fail_at(at, Fault::Crash);
        assert!(grow(&disk, 600).is_none() || at + 3 > count.operations());
        let crashes = Crash::all(at);
        let turn = usize::try_from(at).unwrap();
        for crash in [crashes[turn * 2 % crashes.len()], crashes[(turn * 2 + 5) % crashes.len()]] {
            check(&disk.after(crash));
        }
    }
}

#[test]
fn missing_and_damaged_tiles_are_derived_again_or_never_proved() {
    let disk = MemoryDisk::new();
    let store = grow(&disk, 700).unwrap();
    let level = |n: u8| Path::new(TILES).join(n.to_string());
    for (path, content) in
        [(level(0), None), (level(1), None), (level(0), Some(vec![1; 700 * 32])), (level(1), Some(vec![]))]
    {
        let copy = disk.copy();
        copy.tamper(&path, content);
        check(&copy);
    }
    // Inside the tree the root does not show it, but no wrong proof is given out.
    drop(store);
    let mut content = disk.content(&level(0)).unwrap();
    content[32 * 5] ^= 1;
    disk.tamper(&level(0), Some(content));
    let (records, (store, _)) = open(&disk, common::small()).and_then(common::recover).unwrap();
    let tiles = tiles(&disk, &store).unwrap().reader();
    let refused = tiles.inclusion(Position::new(4), leaf_hash(&records[4]), &store.checkpoint());
    assert!(matches!(refused, Err(TileError::Damaged { path }) if path == Path::new(TILES)));
    assert!(Path::new(FOLDER).starts_with(Path::new(TILES).parent().unwrap()), "beside the journal");
}
