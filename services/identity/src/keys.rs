//! The key files, and that they are those which the journals were sealed with.

use identity::{
    AdoptKeys, Identity, State,
    seal::{GenerationKey, IndexKey},
};
use journal::SystemName;
use server::journals::{Journals, ReadError};
use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file is gone, and the journals hold what it sealed. A new one could not open it.
    #[error("{} is missing: put it back from its copy", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A key file is not the one that a journal was sealed with.
    #[error("the keys under {} are not those of the journal of {system}", path.display())]
    OfAnotherJournal {
        /// The folder.
        path: PathBuf,
        /// The system.
        system: SystemName,
    },
    /// A key file can be read by others than the service's user.
    #[error("{} can be read by others: its mode must be 0600", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A key file does not hold a key.
    #[error("{} does not hold 64 hexadecimal digits", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("using {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A journal could not be asked which keys it was sealed with.
    #[error("asking a journal for its keys")]
    Journal(#[from] ReadError),
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key")]
    Random,
}

/// The keys in use.
#[derive(Debug, Clone)]
pub struct Keys {
    /// For blind indices.
    pub(crate) index: IndexKey,
    /// For wrapping person keys.
    pub(crate) generation: GenerationKey,
}

const GENERATION: u32 = 1;

impl Keys {
    /// Reads the keys in `folder`, or makes them when no journal was sealed yet. Errors when a journal was sealed with others.
    pub async fn open(folder: &Path, journals: &Arc<Journals<Identity>>) -> Result<Self, KeyError> {
        let mut sealed = Vec::new();
        for handle in journals.all() {
            let keys = handle.read(None, |state: &State, _| state.keys()).await?;
            sealed.extend(keys.map(|keys| (handle.system().clone(), keys)));
        }
        let may_make = sealed.is_empty();
        let index = IndexKey::new(&key_file(&folder.join("index.key"), may_make)?);
        let file = folder.join(format!("generation-{GENERATION}.key"));
        let generation = GenerationKey::new(GENERATION, &key_file(&file, may_make)?);
        let keys = Self { index, generation };
        for (system, held) in sealed {
            let AdoptKeys { index_check, generation, generation_check } = keys.adopt();
            let same = held.index_check == index_check
                && (held.generation, held.generation_check) == (generation, generation_check);
            if !same {
                return Err(KeyError::OfAnotherJournal { path: folder.to_owned(), system });
            }
        }
        Ok(keys)
    }

    /// What a journal records of the keys.
    pub(crate) fn adopt(&self) -> AdoptKeys {
        AdoptKeys {
            index_check: self.index.check(),
            generation: self.generation.number(),
            generation_check: self.generation.check(),
        }
    }
}

fn key_file(path: &Path, may_make: bool) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(KeyError::Open { path: path.to_owned() }),
        Ok(_) => read_key(path, &fs::read_to_string(path).map_err(failed)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => make_key(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(KeyError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(failed(error)),
    }
}

fn read_key(path: &Path, text: &str) -> Result<[u8; 32], KeyError> {
    let damaged = || KeyError::Damaged { path: path.to_owned() };
    let digits = text.strip_suffix('\n').unwrap_or(text).as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return Err(damaged());
    }
    let mut key = [0; 32];
    for (byte, [high, low]) in key.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = (digit(*high).ok_or_else(damaged)? << 4) | digit(*low).ok_or_else(damaged)?;
    }
    Ok(key)
}

/// Makes a key and writes it, durable before it seals anything.
fn make_key(path: &Path) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let key: [u8; 32] = random()?;
    let folder = path.parent().unwrap_or(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    // Under another name first: half a key must never stand where a key is looked for.
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(failed)?;
    let mut text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(key)
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/identity/index.key");
        assert!(matches!(key_file(&path, false), Err(KeyError::Missing { .. })));
        let key = key_file(&path, true).unwrap();
        assert_eq!(key_file(&path, false).unwrap(), key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(key_file(&folder.path().join("other.key"), true).unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.key");
        for text in ["", "00", &"g".repeat(64), &"0".repeat(66)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(key_file(&path, true), Err(KeyError::Damaged { .. })), "{text}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(key_file(&path, true), Err(KeyError::Open { .. })));
    }
}
