//! A disk in memory that keeps apart what was written and what is durable.
//!
//! The unit is a sector of 512 bytes: a device writes one whole or not at all. Names (creation, rename, removal) are durable
//! once their folder is synced, and become so in order. A failed sync drops what it should have written from the list of
//! what is still to be written, as Linux does: it stays readable until the machine stops, and a later sync does not save it.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR_BYTES: usize = 512;

/// What happens at a chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops: this operation may or may not have reached the device, and every later one fails.
    Crash,
    /// The operation fails once with this error.
    Error(io::ErrorKind),
    /// A write takes only its first sectors, and the next operation fails once with this error, as a disk does that runs full
    /// within a write. Any other operation fails as with [`Fault::Error`].
    Short(io::ErrorKind),
    /// This operation and every later one that changes something fail with this error: the device is gone, what was read once
    /// still reads.
    Broken(io::ErrorKind),
}

/// Which of the things not synced survive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivors {
    /// None: a power cut before any of them reached the device.
    Nothing,
    /// All, and they are no more durable than before: the process died and the machine lives on.
    Everything,
    /// The first half.
    FirstHalf,
    /// The second half (of names, which keep their order: none).
    SecondHalf,
    /// All but the first (of names: none).
    AllButFirst,
    /// All but the last.
    AllButLast,
    /// The first few, as many as this seed says.
    Prefix(u64),
    /// Each by a coin that this seed throws.
    Coin(u64),
}

/// A crash: what survives of unsynced contents and of unsynced names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Of the sectors of each file.
    pub sectors: Survivors,
    /// Of creations, renames and removals; those that survive are the first of them.
    pub names: Survivors,
}

impl Crash {
    /// A power cut that keeps only what was synced.
    pub const POWER_CUT: Self = Self { sectors: Survivors::Nothing, names: Survivors::Nothing };

    /// The process is killed; the machine runs on.
    pub const KILL: Self = Self { sectors: Survivors::Everything, names: Survivors::Everything };

    /// A crash drawn by `seed`: any prefix or any subset of the sectors, any prefix of the names.
    #[must_use]
    pub const fn sampled(seed: u64) -> Self {
        let sectors = if coin(seed) { Survivors::Prefix(seed) } else { Survivors::Coin(seed) };
        Self { sectors, names: Survivors::Prefix(seed.rotate_left(17)) }
    }

    /// Every crash that a sweep tries.
    #[must_use]
    pub fn all(seed: u64) -> Vec<Self> {
        use Survivors::{AllButFirst, AllButLast, Coin, Everything, FirstHalf, Nothing, SecondHalf};
        [
            (Nothing, Nothing),
            (Everything, Everything),
            (Nothing, Everything),
            (Everything, Nothing),
            (FirstHalf, FirstHalf),
            (SecondHalf, Everything),
            (AllButFirst, Everything),
            (AllButLast, AllButLast),
            (Coin(seed), Coin(seed)),
        ]
        .map(|(sectors, names)| Self { sectors, names })
        .to_vec()
    }
}

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Names changed and not yet synced, oldest first: a name, and its file or none.
    name_changes: Vec<Vec<(PathBuf, Option<usize>)>>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    crashed: bool,
    short_writes: bool,
    capacity: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors written since the last sync, failed ones included.
    dirty: BTreeSet<usize>,
}

impl MemoryDisk {
    /// An empty disk without end.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations that change something were begun.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets `fault` happen at the operation numbered `operation`, counted from 0 since the disk was made.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().fault = Some((operation, fault));
    }

    /// Makes every write take one sector less than it was given, if it was given more than one.
    pub fn write_short(&self) {
        self.state().short_writes = true;
    }

    /// Sets how many bytes the disk holds in all.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// What is left after a crash now: another disk, without locks or faults.
    #[must_use]
    pub fn after(&self, crash: Crash) -> Self {
        let mut state = self.state().clone();
        if crash.names != Survivors::Everything {
            state.crash_names(crash.names);
        }
        for inode in &mut state.inodes {
            inode.crash(crash.sectors);
        }
        state.locks.clear();
        state.fault = None;
        state.crashed = false;
        state.operations = 0;
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A disk of its own with the same content, durable or not.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut state = self.state().clone();
        state.locks.clear();
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Every file.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    /// What a file holds, if there is one.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(path).map(|&file| state.inodes[file].content.clone())
    }

    /// Changes bytes of a file behind everybody's back, durably, also for those who have it open.
    ///
    /// # Panics
    ///
    /// When there is no such file, or it does not hold those bytes.
    pub fn corrupt(&self, path: &Path, offset: usize, bytes: &[u8]) {
        let mut state = self.state();
        let file = state.names[path];
        let inode = &mut state.inodes[file];
        for content in [&mut inode.content, &mut inode.durable] {
            content[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Changes what a file holds behind everybody's back, durably; nothing removes it.
    pub fn tamper(&self, path: &Path, content: Option<Vec<u8>>) {
        let mut state = self.state();
        match content {
            None => {
                state.names.remove(path);
                state.durable_names.remove(path);
            }
            Some(content) => {
                let file = state.inodes.len();
                state.inodes.push(Inode { durable: content.clone(), content, dirty: BTreeSet::new() });
                state.names.insert(path.to_owned(), file);
                state.durable_names.insert(path.to_owned(), file);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins an operation that changes something. `Ok(true)` means: do it, then fail with [`crash`].
    fn begin(&mut self) -> io::Result<bool> {
        self.alive()?;
        let operation = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::Crash)) if at == operation => {
                self.crashed = true;
                Ok(true)
            }
            Some((at, Fault::Error(kind))) if at == operation => Err(kind.into()),
            Some((at, Fault::Short(kind))) if at == operation => {
                self.fault = None;
                Err(kind.into())
            }
            Some((at, Fault::Broken(kind))) if at <= operation => Err(kind.into()),
            _ => Ok(false),
        }
    }

    /// Whether the write that begins now is to take only its first sectors; the operation after it fails then.
    fn cut_short(&mut self) -> bool {
        match self.fault {
            Some((at, Fault::Short(kind))) if at == self.operations => {
                self.fault = Some((at + 1, Fault::Error(kind)));
                true
            }
            _ => false,
        }
    }

    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(crash()) } else { Ok(()) }
    }

    fn change_names(&mut self, changes: Vec<(PathBuf, Option<usize>)>) {
        for change in changes.clone() {
            apply(&mut self.names, change);
        }
        self.name_changes.push(changes);
    }

    /// Names change in order: the first that is lost takes all later ones with it.
    fn crash_names(&mut self, survivors: Survivors) {
        let survivors = choose(survivors, self.name_changes.len());
        let kept = survivors.iter().position(|kept| !kept).unwrap_or(survivors.len());
        for change in self.name_changes.drain(..).take(kept).flatten() {
            apply(&mut self.durable_names, change);
        }
        self.names.clone_from(&self.durable_names);
    }

    fn used(&self) -> u64 {
        self.names.values().map(|&file| self.inodes[file].content.len() as u64).sum()
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        let first = offset.min(self.content.len());
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[offset..end].copy_from_slice(bytes);
        self.dirty.extend(first / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    fn sync(&mut self) {
        for sector in core::mem::take(&mut self.dirty) {
            self.keep(sector);
        }
    }

    fn keep(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.content.len());
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[start..end].copy_from_slice(&self.content[start..end]);
    }

    fn crash(&mut self, survivors: Survivors) {
        if survivors == Survivors::Everything {
            // The machine runs on: what is dirty stays so, and what a failed sync forgot stays forgotten.
            return;
        }
        let dirty: Vec<usize> = core::mem::take(&mut self.dirty).into_iter().collect();
        for (sector, kept) in dirty.iter().zip(choose(survivors, dirty.len())) {
            if kept {
                self.keep(*sector);
            }
        }
        self.content.clone_from(&self.durable);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, (path, file): (PathBuf, Option<usize>)) {
    match file {
        Some(file) => names.insert(path, file),
        None => names.remove(&path),
    };
}

fn choose(survivors: Survivors, count: usize) -> Vec<bool> {
    let prefix = |seed| usize::try_from(mixed(seed) % (count as u64 + 1)).unwrap_or(count);
    let chosen = |n: usize| match survivors {
        Survivors::Nothing => false,
        Survivors::Everything => true,
        Survivors::FirstHalf => n < count / 2,
        Survivors::SecondHalf => n >= count / 2,
        Survivors::AllButFirst => n > 0,
        Survivors::AllButLast => n + 1 < count,
        Survivors::Prefix(seed) => n < prefix(seed),
        Survivors::Coin(seed) => coin(seed.wrapping_add(n as u64)),
    };
    (0..count).map(chosen).collect()
}

const fn coin(seed: u64) -> bool {
    mixed(seed) >> 63 == 1
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
const fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn crash() -> io::Error {
    io::Error::other("the machine stopped")
}

#[cfg(test)]
mod tests;
