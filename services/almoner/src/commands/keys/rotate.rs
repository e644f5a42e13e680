//! `almoner keys rotate` and `history`: another key signs from now on, and both keys say so in every journal.

use super::{copy_of, escrow};
use crate::output;
use anyhow::{Context as _, bail, ensure};
use journal::{Instant, Service, SystemName};
use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use storage::{
    Copies, Disk, FolderDisk, Installation, MirrorDisk, Options, Rotation, SegmentStore, key_history,
    mend_copies, rotate_journal, unmirrored,
};

/// Changes the key of the data folder, or ends a change that was interrupted.
pub(super) fn rotate(data_dir: &Path, copy: &Path, mirror: Option<&Path>) -> anyhow::Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk);
    let journals = Installation::journals(&*disk, data_dir)?;
    ensure!(!journals.is_empty(), "{} holds no journal whose key could be changed", data_dir.display());
    if copy.exists() && !Rotation::is_begun(&*disk, data_dir)? {
        bail!("{} holds something else than the next key", copy.display());
    }
    let rotation = Rotation::begin(Arc::clone(&disk), data_dir)?;
    keep(rotation.new_key(), copy)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let now = Instant::from_micros(i64::try_from(now.as_micros()).context("the clock is wrong")?);
    for (system, service, folder) in &journals {
        let (old, new) =
            (rotation.old().signer(system, *service), rotation.new_key().signer(system, *service));
        let second = mirror.map(|mirror| mirror.join(system.as_str()).join(service.as_str()));
        let written: Arc<dyn Disk> = match &second {
            None => {
                unmirrored(&*disk, folder)?;
                Arc::clone(&disk)
            }
            Some(second) => {
                let mend = |verifier| mend_copies(&Copies { disk: &*disk, first: folder, second, verifier });
                // One that was done before an interruption is signed for by the next key.
                mend(old.verifier()).or_else(|_| mend(new.verifier()))?;
                let copies = MirrorDisk::new(Arc::clone(&disk), folder, second);
                Arc::new(copies.with_context(|| format!("opening {}", second.display()))?)
            }
        };
        let rotated = rotate_journal(&written, Arc::clone(&disk), folder, (&old, &new), now);
        match rotated.with_context(|| format!("changing the key of {system}/{service}"))? {
            Some(rotation) => output::line(format_args!(
                "{system}/{service}: changed by record {}: {}",
                rotation.position(),
                new.verifier()
            )),
            None => output::line(format_args!("{system}/{service}: changed before")),
        }
    }
    rotation.finish()?;
    output::note(format_args!(
        "Give auditors and witnesses the new keys (`almoner keys list`), and keep the old copy with the backups that it signed."
    ));
    Ok(())
}

/// Writes the copy of the next key, once.
fn keep(installation: &Installation, copy: &Path) -> anyhow::Result<()> {
    match std::fs::read_to_string(copy) {
        Ok(there) if there == copy_of(installation) => Ok(()),
        Ok(_) => bail!("{} holds something else than the next key", copy.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => escrow(installation, copy),
        Err(error) => Err(error).with_context(|| format!("reading {}", copy.display())),
    }
}

/// Prints every change of key, one signed note after another.
pub(super) fn history(data_dir: &Path, of: Option<&str>) -> anyhow::Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk);
    let installation = Installation::read(&*disk, data_dir)?;
    let journals = Installation::journals(&*disk, data_dir)?;
    let named =
        |system: &SystemName, service: Service| of.is_none_or(|of| of == format!("{system}/{service}"));
    for (system, service, folder) in journals.iter().filter(|(system, service, _)| named(system, *service)) {
        let signer = installation.signer(system, *service);
        let journal = folder.join("journal");
        let opened = SegmentStore::open(Arc::clone(&disk), &journal, signer, Options::default());
        let opened = opened.and_then(storage::Recovery::finish);
        let (store, _) = opened.with_context(|| format!("reading {system}/{service}"))?;
        let history = key_history(folder, &store.reader())?;
        if !history.rotations().is_empty() {
            output::line(format_args!("{}", history.to_string().trim_end()));
        }
    }
    Ok(())
}
