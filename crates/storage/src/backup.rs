//! Copies of a data folder at one consistent point, taken while it is written.
//!
//! ```text
//! <backup>/<system>/<service>/segments/00000000.segment …   full segments, copied once
//! <backup>/<system>/<service>/blobs/ab/<sha256>             copied once
//! <backup>/runs/<name>/<system>/<service>/{tail, checkpoint}  the last segment up to the cut; the signed checkpoint
//! <backup>/runs/<name>/manifest                             written last: every file of the run by its SHA-256
//! ```
//!
//! Archived segments are copied from the archive, unless an earlier run has them. Each run is whole by itself and shares full segments
//! and blobs with the others. A run cuts the journals of a system so that none holds what followed from a record that another lacks,
//! nor knows of an answer that another lacks. Read stores, tiles and snapshots are derived; keys are not in a backup and must be kept
//! elsewhere.

mod cut;
mod restore;

pub use restore::{Known, Restored, restore, runs};

use crate::disk::{read_whole, replace};
use crate::segments::{archived_path, read_archived, segment_path};
use crate::{Access, Disk, Installation, InstallationError};
use core::fmt::Write as _;
use cut::{Cut, Journal};
use journal::{
    Archived, CheckpointError, CheckpointSigner, DamageKind, Digest, Position, Service, SystemName,
};
use std::io;
use std::path::{Path, PathBuf};

/// A backup cannot be taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The installation could not be read.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// A file or folder could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A journal is damaged: nothing was backed up over an earlier, sound run.
    #[error("{} is damaged at byte {offset}, where record {position} comes next: {kind}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// The next record there.
        position: Position,
        /// What is wrong.
        kind: DamageKind,
    },
    /// A journal holds fewer records than its checkpoint covers, or others.
    #[error("the journal in {} holds {records} records, and not those of its checkpoint over {size}", path.display())]
    OtherRecords {
        /// The journal's folder.
        path: PathBuf,
        /// Records found.
        records: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// A checkpoint is not this journal's.
    #[error("{} is damaged", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CheckpointError,
    },
    /// What services wrote meanwhile hangs together in no cut past the last checkpoints.
    #[error("{system} was too busy for a consistent cut: try again")]
    Busy {
        /// The system.
        system: SystemName,
    },
    /// The backup is of another installation.
    #[error("{} is of another installation", path.display())]
    OtherInstallation {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a backup is not what its manifest names.
    #[error("{} is missing or not what the manifest says; a backup changes no file that is there", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// There is no such run.
    #[error("{} holds no complete run{}", path.display(), name.as_ref().map(|name| format!(" {name}")).unwrap_or_default())]
    NoRun {
        /// The backup's folder.
        path: PathBuf,
        /// The run asked for; the latest when none was.
        name: Option<String>,
    },
    /// The folder to restore into holds journals.
    #[error("{} holds journals already: restore into a new folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A checkpoint or receipt is newer than the backup: records that somebody can prove would be lost.
    #[error("{origin}: the backup holds {records} records, and {} proves {size}: restoring it loses acknowledged records", path.display())]
    Older {
        /// The journal.
        origin: String,
        /// Records in the backup.
        records: u64,
        /// The newer checkpoint's size.
        size: u64,
        /// Where it stands.
        path: PathBuf,
    },
    /// A checkpoint that somebody kept is of other records: one of the two histories is not the journal's.
    #[error("{origin}: the first {size} records are not those that {} proves", path.display())]
    Forked {
        /// The journal.
        origin: String,
        /// The checkpoint's size.
        size: u64,
        /// Where it stands.
        path: PathBuf,
    },
}

/// What a run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// How many records of each journal, in the order of systems and services.
    pub journals: Vec<(SystemName, Service, u64)>,
    /// Bytes that this run copied; what earlier runs had copied is shared.
    pub copied_bytes: u64,
}

/// Takes a run named `name` of the data folder `root` into the folder `to`, which holds earlier runs or nothing. The services may
/// be running, on this host or another.
pub fn backup(disk: &dyn Disk, root: &Path, to: &Path, name: &str) -> Result<Run, BackupError> {
    let installation = Installation::read(disk, root)?;
    let mut systems: Vec<Vec<Journal>> = Vec::new();
    for (system, service, folder) in Installation::journals(disk, root)? {
        let signer = installation.signer(&system, service);
        let journal = Journal::open(disk, system, service, folder, &signer)?;
        match systems.last_mut() {
            Some(last) if last[0].system == journal.system => last.push(journal),
            _ => systems.push(vec![journal]),
        }
    }
    let mut copying = Copying { disk, to, copied: 0, manifest: String::new() };
    let id = uuid::Uuid::from_bytes(installation.id());
    copying.line(format_args!("almoner backup 1"));
    copying.line(format_args!("installation {id}"));
    copying.installation(&root.join("installation"))?;
    let run = to.join("runs").join(name);
    let mut journals = Vec::new();
    for system in systems {
        let cuts = cut::consistent(disk, &system)?;
        for (journal, cut) in system.iter().zip(cuts) {
            copying.journal(journal, &cut, &run)?;
            journals.push((journal.system.clone(), journal.service, cut.records.get()));
        }
    }
    let end = Digest::of(copying.manifest.as_bytes());
    copying.line(format_args!("end {end}"));
    let (manifest, copied_bytes) = (copying.manifest.clone(), copying.copied);
    copying.put(&run.join("manifest"), manifest.as_bytes())?;
    Ok(Run { name: name.to_owned(), journals, copied_bytes })
}

struct Copying<'a> {
    disk: &'a dyn Disk,
    to: &'a Path,
    copied: u64,
    manifest: String,
}

impl Copying<'_> {
    fn line(&mut self, text: core::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.manifest, "{text}");
    }

    /// A backup folder is one installation's.
    fn installation(&mut self, from: &Path) -> Result<(), BackupError> {
        let (content, path) = (read(self.disk, from)?, self.to.join("installation"));
        match read(self.disk, &path) {
            Ok(found) if found == content => Ok(()),
            Ok(_) => Err(BackupError::OtherInstallation { path }),
            Err(_) => self.put(&path, &content),
        }
    }

    fn journal(&mut self, journal: &Journal, cut: &Cut, run: &Path) -> Result<(), BackupError> {
        let below = Path::new(journal.system.as_str()).join(journal.service.as_str());
        let records = cut.records.get();
        self.line(format_args!("journal {} {} {records}", journal.system, journal.service));
        for ordinal in 0..cut.ordinal {
            let name = format!("{ordinal:08}.segment");
            let folder = journal.folder.join("journal");
            let to = self.to.join(&below).join("segments").join(&name);
            let content = match read(self.disk, &folder.join(&name)) {
                Err(BackupError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    self.archived(&folder, ordinal, &to)?
                }
                content => content?,
            };
            self.line(format_args!("segment {}", Digest::of(&content)));
            self.share(&to, &content)?;
        }
        let last = journal.folder.join("journal").join(format!("{:08}.segment", cut.ordinal));
        let mut tail = read(self.disk, &last)?;
        let length = tail.len();
        tail.truncate(cut.bytes);
        self.line(format_args!("tail {} {length}", Digest::of(&tail)));
        self.put(&run.join(&below).join("tail"), &tail)?;
        self.line(format_args!("checkpoint {}", Digest::of(&journal.note)));
        self.put(&run.join(&below).join("checkpoint"), &journal.note)?;
        self.blobs(&journal.folder.join("blobs"), &self.to.join(&below).join("blobs"))
    }

    /// An archived segment: as an earlier run copied it, or from the archive.
    fn archived(&self, folder: &Path, ordinal: usize, copy: &Path) -> Result<Vec<u8>, BackupError> {
        let archived = archived(self.disk, folder, ordinal)?;
        let path = archived_path(Path::new(&archived.folder), folder, ordinal);
        for (path, last) in [(copy, false), (&path, true)] {
            match read(self.disk, path) {
                Ok(content) if Digest::of(&content) == archived.digest => return Ok(content),
                Ok(_) if last => break,
                Err(error) if last => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Err(BackupError::Altered { path })
    }

    /// Every blob that is there by now: a record names one only after it is durable.
    fn blobs(&mut self, from: &Path, to: &Path) -> Result<(), BackupError> {
        for part in list(self.disk, from)? {
            for name in list(self.disk, &from.join(&part))?.iter().filter(|name| name.len() == 64) {
                let path = from.join(&part).join(name);
                let content = read(self.disk, &path)?;
                if Digest::of(&content).to_string() != *name {
                    return Err(BackupError::Altered { path });
                }
                self.line(format_args!("blob {name}"));
                self.share(&to.join(&part).join(name), &content)?;
            }
        }
        Ok(())
    }

    /// Keeps what runs share. What is there and differs belongs to another history, or is damaged: earlier runs need it as it is.
    fn share(&mut self, path: &Path, content: &[u8]) -> Result<(), BackupError> {
        match read(self.disk, path) {
            Ok(found) if found == content => Ok(()),
            Ok(_) => Err(BackupError::Altered { path: path.to_owned() }),
            Err(_) => self.put(path, content),
        }
    }

    fn put(&mut self, path: &Path, content: &[u8]) -> Result<(), BackupError> {
        put(self.disk, path, content)?;
        self.copied = self.copied.saturating_add(content.len() as u64);
        Ok(())
    }
}

/// What is kept of an archived segment.
fn archived(disk: &dyn Disk, folder: &Path, ordinal: usize) -> Result<Archived, BackupError> {
    let path = segment_path(folder, ordinal);
    match read_archived(disk, &path) {
        Ok(Some(archived)) => Ok(archived),
        Ok(None) => Err(BackupError::Read { path, source: io::ErrorKind::NotFound.into() }),
        Err(source) => Err(BackupError::Read { path, source }),
    }
}

fn put(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<(), BackupError> {
    let failed = |source| BackupError::Write { path: path.to_owned(), source };
    disk.create_folder(path.parent().unwrap_or(path)).map_err(failed)?;
    replace(disk, path, content, Access::Create).map_err(failed)
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, BackupError> {
    let file = disk.open(path, Access::Read);
    let read = file.and_then(|file| read_whole(&*file));
    read.map_err(|source| BackupError::Read { path: path.to_owned(), source })
}

/// The names in a folder; none when there is no such folder.
fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, BackupError> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|source| BackupError::Read { path: folder.to_owned(), source }),
    }
}

impl Journal {
    /// Notes the checkpoint of a journal, below which no cut goes.
    fn open(
        disk: &dyn Disk,
        system: SystemName,
        service: Service,
        folder: PathBuf,
        signer: &CheckpointSigner,
    ) -> Result<Self, BackupError> {
        let path = folder.join("journal/checkpoint");
        let note = read(disk, &path)?;
        let checkpoint = core::str::from_utf8(&note)
            .map_err(|_| CheckpointError::Malformed)
            .and_then(|text| signer.verifier().verify(text))
            .map_err(|source| BackupError::Checkpoint { path, source })?;
        Ok(Self { system, service, folder, note, checkpoint })
    }
}
