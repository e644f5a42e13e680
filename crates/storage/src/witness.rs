//! What a witness keeps: its key, and the last checkpoint that it cosigned of every log.
//!
//! ```text
//! <folder>/key     the Ed25519 seed in base64 and a line feed; mode 0600
//! <folder>/seen    a line for each log: size, root in base64, origin; then the SHA-256 of those lines, in hexadecimal
//! ```
//! A witness that forgot what it saw would agree to a log that was rolled back, so one whose `seen` is missing or damaged does not
//! start.

use crate::disk::replace;
use crate::installation::{parse_seed, random, read};
use crate::{Access, Disk, DiskLock, InstallationError};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use journal::{Checkpoint, Digest};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A witness's folder. Holds the lock on it as long as it lives.
#[derive(Debug)]
pub struct WitnessStore {
    disk: Arc<dyn Disk>,
    seen_path: PathBuf,
    seen: BTreeMap<String, Checkpoint>,
    seed: [u8; 32],
    _lock: Box<dyn DiskLock>,
}

impl WitnessStore {
    /// Opens the folder of a witness, or makes it with a new key when there is none.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<Self, InstallationError> {
        let path = || folder.to_owned();
        let write = |path: PathBuf| move |source| InstallationError::Write { path, source };
        disk.create_folder(folder).map_err(write(path()))?;
        let lock = disk.lock(folder).map_err(|source| {
            if source.kind() == io::ErrorKind::WouldBlock {
                InstallationError::InUse { path: path() }
            } else {
                InstallationError::Read { path: path(), source }
            }
        })?;
        // What a killed start left may be known to memory only; from here on it is relied on.
        disk.sync_folder(folder).map_err(write(path()))?;
        let (key_path, seen_path) = (folder.join("key"), folder.join("seen"));
        let seed = read(&*disk, &key_path, parse_seed)?;
        let seen = read(&*disk, &seen_path, parse_seen)?;
        // What was seen is written before the key is made: a key beside nothing seen is a memory lost.
        let (seed, seen) = match (seed, seen) {
            (Some(seed), Some(seen)) => (seed, seen),
            (Some(_), None) => return Err(InstallationError::StateMissing { path: seen_path }),
            (None, Some(seen)) if !seen.is_empty() => {
                return Err(InstallationError::KeyMissing { path: key_path });
            }
            (None, _) => {
                let seen = BTreeMap::new();
                replace(&*disk, &seen_path, show_seen(&seen).as_bytes(), Access::Create)
                    .map_err(write(seen_path.clone()))?;
                let seed = random()?;
                let text = format!("{}\n", BASE64.encode(seed));
                replace(&*disk, &key_path, text.as_bytes(), Access::CreatePrivate)
                    .map_err(write(key_path))?;
                (seed, seen)
            }
        };
        Ok(Self { disk, seen_path, seen, seed, _lock: lock })
    }

    /// The seed of its key.
    #[must_use]
    pub const fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The last checkpoint cosigned of the log `origin`.
    #[must_use]
    pub fn seen(&self, origin: &str) -> Option<&Checkpoint> {
        self.seen.get(origin)
    }

    /// Keeps `checkpoint` as the last one of the log `origin`, durable when it returns. Cosign after that, never before.
    pub fn keep(&mut self, origin: &str, checkpoint: Checkpoint) -> Result<(), InstallationError> {
        if self.seen.get(origin) == Some(&checkpoint) {
            return Ok(());
        }
        let mut seen = self.seen.clone();
        seen.insert(origin.to_owned(), checkpoint);
        replace(&*self.disk, &self.seen_path, show_seen(&seen).as_bytes(), Access::Create)
            .map_err(|source| InstallationError::Write { path: self.seen_path.clone(), source })?;
        self.seen = seen;
        Ok(())
    }
}

fn show_seen(seen: &BTreeMap<String, Checkpoint>) -> String {
    let lines = seen.iter().map(|(origin, checkpoint)| {
        format!("{} {} {origin}\n", checkpoint.size, BASE64.encode(checkpoint.root.0))
    });
    let lines: String = lines.collect();
    format!("{lines}{}\n", Digest::of(lines.as_bytes()))
}

/// Reads all but the last line feed, which the caller takes off.
fn parse_seen(text: &str) -> Option<BTreeMap<String, Checkpoint>> {
    let (lines, digest) = text.rsplit_once('\n').map_or(("", text), |(lines, digest)| (lines, digest));
    let lines = if lines.is_empty() { String::new() } else { format!("{lines}\n") };
    if Digest::of(lines.as_bytes()).to_string() != digest {
        return None;
    }
    let line = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let size = parts.next()?.parse().ok()?;
        let root = BASE64.decode(parts.next()?).ok()?.try_into().ok()?;
        Some((parts.next()?.to_owned(), Checkpoint { size, root: Digest(root) }))
    };
    lines.lines().map(line).collect()
}
