//! The file layer's traits on a disk in memory.

use super::{MemoryDisk, SECTOR_BYTES, crash};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{Access, Disk, DiskFile, DiskLock};

impl Disk for MemoryDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        if state.folders.contains(path) {
            return Ok(());
        }
        let stop = state.begin()?;
        state.folders.extend(path.ancestors().map(Path::to_owned));
        if stop { Err(crash()) } else { Ok(()) }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.alive()?;
        let found = state.names.get(path).copied();
        let mut stop = false;
        let inode = match access {
            Access::Read | Access::Write => found.ok_or(io::ErrorKind::NotFound)?,
            Access::Create | Access::CreatePrivate => {
                if !path.parent().is_some_and(|folder| state.folders.contains(folder)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                stop = state.begin()?;
                let inode = state.inodes.len();
                state.inodes.push(super::Inode::default());
                state.change_names(vec![(path.to_owned(), Some(inode))]);
                inode
            }
        };
        if stop { Err(crash()) } else { Ok(Arc::new(MemoryFile { disk: self.clone(), inode })) }
    }

    fn lock(&self, folder: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.state();
        state.alive()?;
        if !state.locks.insert(folder.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock { disk: self.clone(), folder: folder.to_owned() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let stop = state.begin()?;
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change_names(vec![(to.to_owned(), Some(inode)), (from.to_owned(), None)]);
        if stop { Err(crash()) } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let stop = state.begin()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_names(vec![(path.to_owned(), None)]);
        if stop { Err(crash()) } else { Ok(()) }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.begin()? {
            return Err(crash());
        }
        let changes = core::mem::take(&mut state.name_changes);
        for change in changes {
            if change.iter().all(|(name, _)| name.parent() == Some(path)) {
                change.into_iter().for_each(|change| super::apply(&mut state.durable_names, change));
            } else {
                state.name_changes.push(change);
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        let names: BTreeSet<String> = state
            .names
            .keys()
            .chain(&state.folders)
            .filter(|name| name.parent() == Some(path))
            .filter_map(|name| name.file_name().map(|name| name.to_string_lossy().into_owned()))
            .collect();
        Ok(names.into_iter().collect())
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        let state = self.state();
        state.alive()?;
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: usize,
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.inodes[self.inode].content.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.alive()?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let content = state.inodes[self.inode].content.get(offset..).unwrap_or_default();
        let read = content.len().min(buffer.len());
        buffer[..read].copy_from_slice(&content[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let cut = bytes.len() > SECTOR_BYTES && state.cut_short();
        let stop = state.begin()?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let short = state.short_writes && bytes.len() > SECTOR_BYTES;
        let half = (bytes.len() / 2 / SECTOR_BYTES * SECTOR_BYTES).max(SECTOR_BYTES);
        let bytes = if cut { &bytes[..half] } else { bytes };
        let bytes = if short { &bytes[..(bytes.len() - 1) / SECTOR_BYTES * SECTOR_BYTES] } else { bytes };
        let grown = (offset + bytes.len()).saturating_sub(state.inodes[self.inode].content.len());
        if grown > 0 && state.capacity.is_some_and(|capacity| state.used() + grown as u64 > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.inodes[self.inode].write(bytes, offset);
        if stop { Err(crash()) } else { Ok(bytes.len()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let began = state.begin();
        let inode = &mut state.inodes[self.inode];
        match began {
            // A failed sync forgets what it should have written.
            Err(error) => {
                inode.dirty.clear();
                Err(error)
            }
            Ok(true) => Err(crash()),
            Ok(false) => {
                inode.sync();
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    folder: PathBuf,
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.folder);
    }
}
