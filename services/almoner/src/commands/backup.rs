//! `almoner backup` and `almoner restore`: on the host where the data folder lies.

use crate::output;
use anyhow::{Context as _, bail};
use clap::Args;
use server::journals::{Clock as _, SystemClock};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use storage::{FolderDisk, Installation, Known};

/// The options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Data folder; the server may be running
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// Folder for backups, on another device: holds every run, full segments and blobs once
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Name of this run; default: the time
    #[arg(long)]
    name: Option<String>,
}

/// The options of `restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Folder with backups
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// Which run; default: the latest
    #[arg(long)]
    run: Option<String>,
    /// Data folder to make
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// The installation's keys, which no backup holds: copied to the new data folder
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// A checkpoint or receipt that somebody holds, or a data folder that was lost: refused when it proves more than the backup has
    #[arg(long, value_name = "PATH")]
    known: Vec<PathBuf>,
    /// Restore although records that somebody can prove are lost
    #[arg(long)]
    accept_loss: bool,
}

pub(crate) fn backup(options: &Backup) -> anyhow::Result<()> {
    let Backup { data_dir, to, name } = options;
    let name = name.clone().unwrap_or_else(|| {
        // As it sorts: 20171122T150405.123456Z.
        SystemClock.now().to_string().replace(['-', ':'], "")
    });
    if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        || name.starts_with('.')
    {
        bail!("a run's name is of letters, digits, `-`, `_` and `.`");
    }
    let run = storage::backup(&FolderDisk, data_dir, to, &name)
        .with_context(|| format!("{} was not backed up", data_dir.display()))?;
    for (system, service, records) in &run.journals {
        output::line(format_args!("{system}/{service}: {records} records"));
    }
    output::line(format_args!("run {name} in {}: {} bytes copied", to.display(), run.copied_bytes));
    output::note(format_args!(
        "keys are not in a backup: keep {} elsewhere",
        data_dir.join("keys").display()
    ));
    Ok(())
}

pub(crate) fn restore(options: &Restore) -> anyhow::Result<()> {
    let Restore { from, run, data_dir, keys, known, accept_loss } = options;
    let mut proofs = Vec::new();
    for path in known {
        collect(path, &mut proofs).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    let restored = storage::restore(&FolderDisk, from, run.as_deref(), data_dir, &proofs, *accept_loss)
        .with_context(|| format!("{} was not restored", from.display()))?;
    if let Some(keys) = keys {
        copy_keys(keys, &data_dir.join("keys"))
            .with_context(|| format!("the keys in {} could not be copied", keys.display()))?;
    }
    for (system, service, records) in &restored.journals {
        output::line(format_args!("{system}/{service}: {records} records"));
    }
    for lost in &restored.lost {
        output::line(format_args!("lost: {lost}"));
    }
    output::line(format_args!("run {} restored into {}", restored.run, data_dir.display()));
    if keys.is_none() {
        output::note(format_args!(
            "put the installation's keys into {} before a start",
            data_dir.join("keys").display()
        ));
    }
    Ok(())
}

/// A file, or every checkpoint of a data folder.
fn collect(path: &Path, proofs: &mut Vec<Known>) -> anyhow::Result<()> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let journals = Installation::journals(&FolderDisk, path)?;
        files = journals.into_iter().map(|(_, _, folder)| folder.join("journal/checkpoint")).collect();
    }
    for path in files {
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        proofs.push(Known { path, text });
    }
    Ok(())
}

/// Copies files and folders, readable by their owner only.
fn copy_keys(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let (path, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_keys(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600))?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    fs::File::open(to)?.sync_all()
}
