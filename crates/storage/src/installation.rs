//! Which installation this is: a UUID and a signing key, made at the first start and never again.
//!
//! ```text
//! <root>/installation        the UUID and a line feed
//! <root>/keys/checkpoints    the Ed25519 seed in base64 and a line feed; mode 0600; keep a copy elsewhere
//! ```

use crate::disk::{read_whole, replace};
use crate::rotation::NEXT;
use crate::{Access, Disk};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use core::fmt;
use journal::{CheckpointSigner, Origin, Service, SystemName};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The installation could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// Another process is starting on the same folder.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The key that signed this installation's checkpoints is gone; a new one could not continue them.
    #[error("{} is missing: put it back from its copy", path.display())]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// A change of the key was begun and not ended: some journals are signed for by the next one.
    #[error("{} is there: the key is being changed. Run `almoner keys rotate` again, which goes on where it stopped", path.display())]
    Rotating {
        /// The next key's file.
        path: PathBuf,
    },
    /// What a witness saw is gone; without it, it would agree to a log that was rolled back.
    #[error("{} is missing: put it back, or begin a new witness under a new name", path.display())]
    StateMissing {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key")]
    Random,
}

/// An installation's identity and its checkpoint key.
#[derive(Clone)]
pub struct Installation {
    id: [u8; 16],
    seed: [u8; 32],
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("id", &Uuid::from_bytes(self.id)).finish_non_exhaustive()
    }
}

impl Installation {
    /// Reads the installation of the data folder `root`, or makes it when this is the first start there.
    pub fn open(disk: &dyn Disk, root: &Path) -> Result<Self, InstallationError> {
        let keys = root.join("keys");
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| InstallationError::Write { path, source }
        };
        disk.create_folder(&keys).map_err(write(&keys))?;
        let _lock = disk.lock(root).map_err(|source| {
            let path = root.to_owned();
            if source.kind() == io::ErrorKind::WouldBlock {
                InstallationError::InUse { path }
            } else {
                InstallationError::Read { path, source }
            }
        })?;
        let (id_path, key_path) = (root.join("installation"), keys.join("checkpoints"));
        // What a killed start left may be known to memory only; from here on it is relied on.
        for folder in [&keys, root] {
            disk.sync_folder(folder).map_err(write(folder))?;
        }
        let id = read(disk, &id_path, parse_id)?;
        let seed = read(disk, &key_path, parse_seed)?;
        let next = root.join(NEXT);
        if read(disk, &next, parse_seed)?.is_some() {
            return Err(InstallationError::Rotating { path: next });
        }
        // The key is made before the id: an id without a key is a key lost, not a start interrupted.
        let seed = match (seed, id) {
            (Some(seed), _) => seed,
            (None, Some(_)) => return Err(InstallationError::KeyMissing { path: key_path }),
            (None, None) => {
                let seed = random()?;
                let text = format!("{}\n", BASE64.encode(seed));
                replace(disk, &key_path, text.as_bytes(), Access::CreatePrivate).map_err(write(&key_path))?;
                seed
            }
        };
        let id = match id {
            Some(id) => id,
            None => {
                let id = uuid::Builder::from_random_bytes(random()?).into_uuid();
                replace(disk, &id_path, format!("{id}\n").as_bytes(), Access::Create)
                    .map_err(write(&id_path))?;
                id.into_bytes()
            }
        };
        Ok(Self { id, seed })
    }

    /// Reads the installation of the data folder `root` as it is; nothing is made or locked.
    pub fn read(disk: &dyn Disk, root: &Path) -> Result<Self, InstallationError> {
        let (id_path, key_path) = (root.join("installation"), root.join("keys/checkpoints"));
        let absent = |path: PathBuf| InstallationError::Read { path, source: io::ErrorKind::NotFound.into() };
        let id = read(disk, &id_path, parse_id)?.ok_or_else(|| absent(id_path))?;
        let seed = read(disk, &key_path, parse_seed)?.ok_or_else(|| absent(key_path))?;
        Ok(Self { id, seed })
    }

    /// The same installation with another key.
    pub(crate) const fn with_seed(&self, seed: [u8; 32]) -> Self {
        Self { id: self.id, seed }
    }

    /// The journals of the data folder `root`: (system, service, its folder), sorted.
    pub fn journals(
        disk: &dyn Disk,
        root: &Path,
    ) -> Result<Vec<(SystemName, Service, PathBuf)>, InstallationError> {
        let read = |source| InstallationError::Read { path: root.to_owned(), source };
        let mut journals = Vec::new();
        for name in disk.list(root).map_err(read)? {
            let Ok(system) = name.parse::<SystemName>() else { continue };
            for service in Service::ALL {
                let folder = root.join(&name).join(service.as_str());
                if disk.list(&folder.join("journal")).is_ok_and(|names| !names.is_empty()) {
                    journals.push((system.clone(), service, folder));
                }
            }
        }
        Ok(journals)
    }

    /// The seed of the Ed25519 key that signs checkpoints.
    #[must_use]
    pub const fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The UUID.
    #[must_use]
    pub const fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Signs the checkpoints of the journal of (`system`, `service`).
    #[must_use]
    pub fn signer(&self, system: &SystemName, service: Service) -> CheckpointSigner {
        CheckpointSigner::new(Origin::new(self.id, system, service), &self.seed)
    }
}

pub(crate) fn read<T>(
    disk: &dyn Disk,
    path: &Path,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, InstallationError> {
    match disk.open(path, Access::Read).and_then(|file| read_whole(&*file)) {
        Ok(bytes) => core::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| parse(text.strip_suffix('\n')?))
            .map(Some)
            .ok_or_else(|| InstallationError::Damaged { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InstallationError::Read { path: path.to_owned(), source }),
    }
}

fn parse_id(text: &str) -> Option<[u8; 16]> {
    let id = Uuid::try_parse(text).ok()?;
    (id.to_string() == text).then(|| id.into_bytes())
}

pub(crate) fn parse_seed(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], InstallationError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| InstallationError::Random)?;
    Ok(bytes)
}
