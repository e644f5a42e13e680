//! A data folder from a run of a backup.

use super::{BackupError, list, put, read};
use crate::{Disk, Installation};
use journal::{Chain, Digest, Scan, Service, Step, SystemName, Tree, leaf_hash};
use std::path::{Path, PathBuf};

/// A checkpoint that somebody holds: in an older data folder, at an auditor's, in a receipt.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it stands.
    pub path: PathBuf,
    /// Its signed note, or a proof file with the note in it.
    pub text: String,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The run.
    pub run: String,
    /// How many records of each journal.
    pub journals: Vec<(SystemName, Service, u64)>,
    /// Newer checkpoints that were passed over because the loss was accepted.
    pub lost: Vec<String>,
}

/// The complete runs in the backup folder `from`, oldest first by name.
pub fn runs(disk: &dyn Disk, from: &Path) -> Result<Vec<String>, BackupError> {
    let folder = from.join("runs");
    let names = list(disk, &folder)?;
    Ok(names.into_iter().filter(|name| read(disk, &folder.join(name).join("manifest")).is_ok()).collect())
}

/// Restores the run `name` (the latest when none is named) of the backup `from` into the data folder `to`, which must hold no
/// journal. Every file is checked against the manifest, every record against the signed checkpoint and what is `known`; unless
/// `accept_loss`, a newer checkpoint among those refuses it. Keys are put back by whoever keeps them, before or after.
pub fn restore(
    disk: &dyn Disk,
    from: &Path,
    name: Option<&str>,
    to: &Path,
    known: &[Known],
    accept_loss: bool,
) -> Result<Restored, BackupError> {
    let none = || BackupError::NoRun { path: from.to_owned(), name: name.map(str::to_owned) };
    let complete = runs(disk, from)?;
    let run = match name {
        Some(name) => complete.iter().find(|found| *found == name).cloned(),
        None => complete.last().cloned(),
    };
    let run = run.ok_or_else(none)?;
    let _ = disk.create_folder(to);
    if disk.list(to).is_ok() && !Installation::journals(disk, to)?.is_empty() {
        return Err(BackupError::NotEmpty { path: to.to_owned() });
    }
    let manifest = from.join("runs").join(&run).join("manifest");
    let journals = parse(&String::from_utf8_lossy(&read(disk, &manifest)?))
        .ok_or_else(|| BackupError::Altered { path: manifest.clone() })?;
    let mut work =
        Restoring { disk, from, run: from.join("runs").join(&run), known, accept_loss, lost: Vec::new() };
    // Everything is checked before anything is written.
    for journal in &journals {
        work.journal(journal, None)?;
    }
    for journal in &journals {
        work.journal(journal, Some(to))?;
    }
    put(disk, &to.join("installation"), &read(disk, &from.join("installation"))?)?;
    let journals = journals.into_iter().map(|entry| (entry.system, entry.service, entry.records)).collect();
    work.lost.sort();
    work.lost.dedup();
    Ok(Restored { run, journals, lost: work.lost })
}

/// A journal as a manifest names it.
struct Entry {
    system: SystemName,
    service: Service,
    records: u64,
    segments: Vec<String>,
    tail: (String, usize),
    checkpoint: String,
    blobs: Vec<String>,
}

/// Reads a manifest whose last line is the digest of the others.
fn parse(text: &str) -> Option<Vec<Entry>> {
    let (body, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let body = format!("{body}\n");
    (end.strip_prefix("end ")? == Digest::of(body.as_bytes()).to_string()).then_some(())?;
    let mut lines = body.lines();
    (lines.next()? == "almoner backup 1").then_some(())?;
    lines.next()?.strip_prefix("installation ")?;
    let mut journals: Vec<Entry> = Vec::new();
    for line in lines {
        let mut words = line.split(' ');
        match (words.next()?, words.next()?) {
            ("journal", system) => journals.push(Entry {
                system: system.parse().ok()?,
                service: words.next()?.parse().ok()?,
                records: words.next()?.parse().ok()?,
                segments: Vec::new(),
                tail: (String::new(), 0),
                checkpoint: String::new(),
                blobs: Vec::new(),
            }),
            ("segment", digest) => journals.last_mut()?.segments.push(digest.to_owned()),
            ("tail", digest) => journals.last_mut()?.tail = (digest.to_owned(), words.next()?.parse().ok()?),
            ("checkpoint", digest) => digest.clone_into(&mut journals.last_mut()?.checkpoint),
            ("blob", digest) => journals.last_mut()?.blobs.push(digest.to_owned()),
            _ => return None,
        }
    }
    Some(journals)
}

struct Restoring<'a> {
    disk: &'a dyn Disk,
    from: &'a Path,
    run: PathBuf,
    known: &'a [Known],
    accept_loss: bool,
    lost: Vec<String>,
}

impl Restoring<'_> {
    /// Checks a journal, or writes it.
    fn journal(&mut self, entry: &Entry, to: Option<&Path>) -> Result<(), BackupError> {
        let below = Path::new(entry.system.as_str()).join(entry.service.as_str());
        let (pool, own) = (self.from.join(&below), self.run.join(&below));
        let target = to.map(|to| to.join(&below));
        let note = self.checked(&own.join("checkpoint"), &entry.checkpoint)?;
        let mut proofs = Proofs::new(&note, &own.join("checkpoint"), self.known);
        let (mut chain, mut tree, mut ordinal) = (Chain::START, Tree::new(), 0);
        for digest in entry.segments.iter().chain([&entry.tail.0]) {
            let name = format!("{ordinal:08}.segment");
            let last = ordinal == entry.segments.len();
            let path = if last { own.join("tail") } else { pool.join("segments").join(&name) };
            let mut bytes = self.checked(&path, digest)?;
            let mut scan = Scan::new(&bytes, chain);
            let mut buffer = Vec::new();
            while let Ok(Step::Group(group)) = scan.step() {
                for record in group.records(&mut buffer).into_iter().flatten() {
                    tree.append(leaf_hash(record));
                    proofs.check(&tree)?;
                }
                chain = scan.chain();
            }
            if last {
                bytes.resize(entry.tail.1, 0);
            }
            if let Some(target) = &target {
                put(self.disk, &target.join("journal").join(&name), &bytes)?;
            }
            ordinal += 1;
        }
        if tree.size() != entry.records {
            return Err(BackupError::OtherRecords { path: own, records: tree.size(), size: entry.records });
        }
        for (size, path) in proofs.beyond() {
            if !self.accept_loss {
                let records = tree.size();
                return Err(BackupError::Older { origin: proofs.origin, records, size, path });
            }
            self.lost.push(format!("{}: {} of {size} records are restored", proofs.origin, tree.size()));
        }
        for name in &entry.blobs {
            let part = Path::new("blobs").join(name.get(..2).unwrap_or_default()).join(name);
            let content = self.checked(&pool.join(&part), name)?;
            if let Some(target) = &target {
                put(self.disk, &target.join(&part), &content)?;
            }
        }
        if let Some(target) = &target {
            put(self.disk, &target.join("journal/checkpoint"), &note)?;
        }
        Ok(())
    }

    fn checked(&self, path: &Path, digest: &str) -> Result<Vec<u8>, BackupError> {
        let altered = || BackupError::Altered { path: path.to_owned() };
        let content = read(self.disk, path).map_err(|_| altered())?;
        if Digest::of(&content).to_string() == digest { Ok(content) } else { Err(altered()) }
    }
}

/// The checkpoints that a journal's records must lead to.
struct Proofs {
    origin: String,
    /// Size, root as it is written, where it stands.
    waiting: Vec<(u64, String, PathBuf)>,
}

impl Proofs {
    /// The backup's own note and, of the same journal, what is known. Signatures are for a start to check: what is claimed here only
    /// refuses.
    fn new(note: &[u8], path: &Path, known: &[Known]) -> Self {
        let own = String::from_utf8_lossy(note).into_owned();
        let origin = own.lines().next().unwrap_or_default().to_owned();
        let mut waiting = Vec::new();
        let texts = known.iter().map(|known| (&known.text, known.path.as_path())).chain([(&own, path)]);
        for (text, path) in texts {
            let mut lines = text.lines().skip_while(|line| *line != origin).skip(1);
            if let (Some(Ok(size)), Some(root)) = (lines.next().map(str::parse::<u64>), lines.next()) {
                waiting.push((size, root.to_owned(), path.to_owned()));
            }
        }
        Self { origin, waiting }
    }

    fn check(&mut self, tree: &Tree) -> Result<(), BackupError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
        if self.waiting.iter().all(|(size, _, _)| *size != tree.size()) {
            return Ok(());
        }
        let root = BASE64.encode(tree.root().0);
        for (size, expected, path) in self.waiting.extract_if(.., |(size, _, _)| *size == tree.size()) {
            if expected != root {
                return Err(BackupError::Forked { origin: self.origin.clone(), size, path });
            }
        }
        Ok(())
    }

    /// What was not reached.
    fn beyond(&mut self) -> Vec<(u64, PathBuf)> {
        let waiting = core::mem::take(&mut self.waiting);
        waiting.into_iter().filter(|(size, _, _)| *size > 0).map(|(size, _, path)| (size, path)).collect()
    }
}
