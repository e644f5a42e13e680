//! `almoner journal`: the files of journals, on the host where they lie.

use crate::output;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use storage::{Copies, FolderDisk, Installation, Mend, MirrorError, Way};

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
    }
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
