//! `almoner journal`: the files of journals, on the host where they lie.

use crate::output;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use journal::CheckpointSigner;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{
    ArchiveError, Copies, Disk, FolderDisk, Installation, Mend, MirrorDisk, MirrorError, Moved, Way,
};

/// The options of `journal`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every journal and blob and name what is damaged; the server may be running
    Scrub(Folders),
    /// Mend each copy from the other; the server must be stopped
    Repair(Folders),
    /// Move old segments to another folder, from which they are read from then on; the server must be stopped
    Archive(Archive),
    /// Put archived segments back; the server must be stopped
    Unarchive(Unarchive),
}

#[derive(Debug, Args)]
struct Archive {
    #[command(flatten)]
    folders: Folders,
    /// Folder of the archive, on another device: from there old records are read from then on
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// How many full segments of each journal stay where they are
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    keep: usize,
}

#[derive(Debug, Args)]
struct Unarchive {
    #[command(flatten)]
    folders: Folders,
    /// Folder of the archive, when it is not where the segments were moved to
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Folders {
    /// Data folder
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// The mirror's folder, as in `serve`
    #[arg(long, value_name = "FOLDER")]
    journal_mirror: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    match &options.command {
        Command::Scrub(folders) => {
            let found = each(folders, storage::check_copies, ["to be copied", "to be cleared"])?;
            if found > 0 {
                bail!(
                    "the copies differ in {found} places: a start with the mirror, or `almoner journal repair`, mends them"
                );
            }
        }
        Command::Repair(folders) => {
            if folders.journal_mirror.is_none() {
                bail!("there is nothing to repair from: say where the mirror is with --journal-mirror");
            }
            let mended = each(folders, storage::mend_copies, ["copied", "cleared"])?;
            output::line(format_args!("{mended} places mended"));
        }
        Command::Archive(Archive { folders, to, keep }) => {
            let to = std::path::absolute(to).context("the archive's folder has no place")?;
            for folder in [Some(&folders.data_dir), folders.journal_mirror.as_ref()].into_iter().flatten() {
                if to.starts_with(std::path::absolute(folder).context("a folder has no place")?) {
                    bail!("an archive lies outside {}, on another device", folder.display());
                }
            }
            moved(folders, "archived", |disk, signer, folder| {
                storage::archive(disk, folder, signer, *keep, &to)
            })?;
        }
        Command::Unarchive(Unarchive { folders, from }) => {
            moved(folders, "put back", |disk, _, folder| storage::unarchive(disk, folder, from.as_deref()))?;
        }
    }
    Ok(())
}

/// Moves segments of every journal, in both copies, and says how many.
fn moved(
    folders: &Folders,
    how: &str,
    work: impl Fn(&Arc<dyn Disk>, CheckpointSigner, &Path) -> Result<Moved, ArchiveError>,
) -> anyhow::Result<()> {
    let root = &folders.data_dir;
    let installation = Installation::read(&FolderDisk, root)
        .with_context(|| format!("{} is not a data folder that can be read", root.display()))?;
    let (mut failed, mut all) = (0, 0);
    for (system, service, folder) in Installation::journals(&FolderDisk, root)? {
        let signer = installation.signer(&system, service);
        let mut disk: Arc<dyn Disk> = Arc::new(FolderDisk);
        let below = Path::new(system.as_str()).join(service.as_str());
        if let Some(second) = folders.journal_mirror.as_ref().map(|mirror| mirror.join(below)) {
            let copies =
                Copies { disk: &FolderDisk, first: &folder, second: &second, verifier: signer.verifier() };
            storage::mend_copies(&copies).with_context(|| format!("{system}/{service}"))?;
            disk = Arc::new(MirrorDisk::new(disk, &folder, &second)?);
        } else if folder.join("mirrored").exists() {
            bail!("{system}/{service} has a second copy: say where with --journal-mirror");
        }
        match work(&disk, signer, &folder) {
            Ok(Moved { segments: 0, .. }) => {}
            Ok(Moved { segments, bytes, records }) => {
                all += segments;
                output::line(format_args!(
                    "{system}/{service}: {segments} segments {how}: {records} records, {bytes} bytes"
                ));
            }
            Err(error) => {
                failed += 1;
                output::error(&anyhow::Error::from(error).context(format!("{system}/{service}")));
            }
        }
    }
    if failed > 0 {
        bail!("of {failed} journals not everything was {how}; what was is complete");
    }
    output::line(format_args!("{all} segments {how} in all"));
    Ok(())
}

/// Does `work` on every journal, says what it found, and returns how many places differ or differed. Errors when anything is
/// damaged and no copy is sound.
fn each(
    folders: &Folders,
    work: impl Fn(&Copies<'_>) -> Result<Vec<Mend>, MirrorError>,
    [copied, cleared]: [&str; 2],
) -> anyhow::Result<usize> {
    let (disk, root) = (FolderDisk, &folders.data_dir);
    let installation = Installation::read(&disk, root)
        .with_context(|| format!("{} is not a data folder that can be read", root.display()))?;
    let journals = Installation::journals(&disk, root)?;
    let (mut damaged, mut differ) = (0, 0);
    for (system, service, first) in &journals {
        let mirror = folders.journal_mirror.as_ref();
        let second = mirror
            .map_or_else(|| first.clone(), |mirror| mirror.join(system.as_str()).join(service.as_str()));
        let signer = installation.signer(system, *service);
        let copies = Copies { disk: &disk, first, second: &second, verifier: signer.verifier() };
        match work(&copies) {
            Ok(mends) if mends.is_empty() => output::line(format_args!("{system}/{service}: sound")),
            Ok(mends) => {
                differ += mends.len();
                for Mend { path, offset, bytes, position, way } in mends {
                    let from =
                        position.map(|position| format!(", from record {position}")).unwrap_or_default();
                    let how = if way == Way::Copied { copied } else { cleared };
                    output::line(format_args!(
                        "{system}/{service}: {} at byte {offset}, {bytes} bytes{from}: {how}",
                        path.display()
                    ));
                }
            }
            Err(error) => {
                damaged += 1;
                output::error(&anyhow::Error::from(error).context(format!("{system}/{service} is damaged")));
            }
        }
    }
    if damaged > 0 {
        bail!("{damaged} of {} journals are damaged", journals.len());
    }
    Ok(differ)
}
