//! What a data folder, or a copy of one, holds.

use crate::{Finding, verify};
use journal::{Blobs, Digest, Service, SystemName};
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
