//! What a data folder, or a copy of one, holds.

use crate::{Finding, verify};
use journal::{Archived, Blobs, Digest, Service, SystemName};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journal's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalFolder {
    pub(crate) system: SystemName,
    pub(crate) service: Service,
    pub(crate) path: PathBuf,
}

/// In this order a journal's records are known before another's that follow from them.
const ORDER: [Service; 7] = [
    Service::Registry,
    Service::Identity,
    Service::Referrals,
    Service::HealthBudgets,
    Service::Settlement,
    Service::Reconciliation,
    Service::Ledger,
];

/// The journals under `root`, by system.
pub(crate) fn journals(root: &Path) -> Result<Vec<JournalFolder>, Finding> {
    let mut found = Vec::new();
    for name in verify::names(root)? {
        let Ok(system) = name.parse::<SystemName>() else { continue };
        for service in ORDER {
            let path = root.join(&name).join(service.as_str());
            if path.join("journal").is_dir() {
                found.push(JournalFolder { system: system.clone(), service, path });
            }
        }
    }
    Ok(found)
}

/// Where a segment is: in its journal's folder, or in an archive, with what is kept of it then.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) path: PathBuf,
    pub(crate) archived: Option<(PathBuf, Archived)>,
}

/// The segments of the journal in `folder` (`…/journal`), in order; a finding for each that is missing. An archived one is where it was
/// put.
pub(crate) fn segments(folder: &Path) -> Result<Vec<Result<SegmentFile, Finding>>, Finding> {
    let names = verify::names(folder)?;
    let number = |name: &String| {
        let (number, kind) = name.split_once('.')?;
        matches!(kind, "segment" | "archived").then(|| number.parse::<usize>().ok())?
    };
    let count = names.iter().filter_map(number).max().map_or(0, |last| last + 1);
    let one = |ordinal: usize| {
        let name = format!("{ordinal:08}.segment");
        let path = folder.join(&name);
        if names.contains(&name) {
            return Ok(SegmentFile { path, archived: None });
        }
        let note = path.with_extension("archived");
        if !note.exists() {
            return Err(Finding::SegmentMissing { path });
        }
        let bytes = std::fs::read(&note).map_err(|error| verify::unreadable(&note, &error))?;
        let kept = Archived::parse(&bytes).map_err(|_| Finding::Archived { path: note.clone() })?;
        let below: Vec<_> = folder.iter().rev().skip(1).take(2).collect();
        let below: PathBuf = below.into_iter().rev().collect();
        let path = Path::new(&kept.folder).join(below).join(name);
        Ok(SegmentFile { path, archived: Some((note, kept)) })
    };
    Ok((0..count).map(one).collect())
}

/// The blobs beside a journal. Each is checked against its name when it is read.
#[derive(Debug)]
pub(crate) struct FolderBlobs {
    pub(crate) folder: PathBuf,
}

impl Blobs for FolderBlobs {
    fn blob(&self, digest: Digest) -> Option<Arc<[u8]>> {
        let name = digest.to_string();
        let content = std::fs::read(self.folder.join(name.get(..2)?).join(&name)).ok()?;
        (Digest::of(&content) == digest).then(|| content.into())
    }
}
