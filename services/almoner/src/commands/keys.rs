//! `almoner keys`: the key that signs an installation's checkpoints, and its copy elsewhere.
//!
//! ```text
//! almoner keys escrow v1                          the copy: four lines and their SHA-256
//! installation 0192f0c1-2b3c-7d4e-8f90-123456789abc
//! checkpoints <Ed25519 seed, base64>
//! verifier <verifier key of national/registry>
//! sha256 <of the lines above, in hexadecimal>
//! ```

mod rotate;

use crate::output;
use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::{Args, Subcommand};
use journal::{CheckpointSigner, CheckpointVerifier, Digest, Origin, Service, SystemName};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use storage::{Access, Disk as _, FolderDisk, Installation};
use uuid::Uuid;

const TITLE: &str = "almoner keys escrow v1";

/// The options of `keys`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Data folder
    #[arg(long, global = true, value_name = "FOLDER", default_value = "almoner-data")]
    data_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the verifier key of every journal: what auditors and witnesses are given
    List,
    /// Make the installation and its key before the first start, and show its verifier key
    Make,
    /// Write a copy of the key, to be kept apart from every backup: who has it can sign as this installation
    Escrow {
        /// New file, readable by you alone; `-` for standard output, to be sealed by another program
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Change the key while nothing is served: every journal records it, and the next key signs from there on
    Rotate {
        /// New file for a copy of the next key, readable by you alone; written before anything is signed with it
        #[arg(long, value_name = "FILE")]
        escrow: PathBuf,
        /// The folder that keeps a second copy of every journal, when there is one
        #[arg(long, value_name = "FOLDER")]
        journal_mirror: Option<PathBuf>,
    },
    /// Show every change of key that the journals record, signed by both keys: what receipts of other years are checked with
    History {
        /// Only of this journal: `<system>/<service>`
        #[arg(long, value_name = "JOURNAL")]
        journal: Option<String>,
    },
    /// Put a lost key back from its copy, when it is the one that signed what is there
    Restore {
        /// The copy
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let Options { data_dir, command } = options;
    match command {
        Command::List => list(&opened(data_dir)?, data_dir),
        Command::Make => list(&Installation::open(&FolderDisk, data_dir)?, data_dir),
        Command::Escrow { out } => escrow(&opened(data_dir)?, out),
        Command::Rotate { escrow, journal_mirror } => {
            rotate::rotate(data_dir, escrow, journal_mirror.as_deref())
        }
        Command::History { journal } => rotate::history(data_dir, journal.as_deref()),
        Command::Restore { from } => restore(data_dir, from),
    }
}

/// The installation that is there; none is made.
fn opened(data_dir: &Path) -> anyhow::Result<Installation> {
    ensure!(
        data_dir.join("installation").exists(),
        "{} holds no installation: `almoner keys make` makes one",
        data_dir.display()
    );
    Ok(Installation::open(&FolderDisk, data_dir)?)
}

fn list(installation: &Installation, data_dir: &Path) -> anyhow::Result<()> {
    let mut journals = journals(data_dir)?;
    let national = (SystemName::national(), Service::Registry);
    if !journals.contains(&national) {
        journals.insert(0, national);
    }
    for (system, service) in journals {
        output::line(format_args!("{}", installation.signer(&system, service).verifier()));
    }
    Ok(())
}

/// The journals that the folder holds.
fn journals(data_dir: &Path) -> anyhow::Result<Vec<(SystemName, Service)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data_dir).with_context(|| format!("reading {}", data_dir.display()))? {
        let name = entry?.file_name();
        let Some(system) = name.to_str().and_then(|name| name.parse::<SystemName>().ok()) else { continue };
        let kept = |service: &Service| data_dir.join(&name).join(service.as_str()).join("journal").is_dir();
        found.extend(Service::ALL.into_iter().filter(kept).map(|service| (system.clone(), service)));
    }
    found.sort_by(|a, b| (&a.0, a.1.as_str()).cmp(&(&b.0, b.1.as_str())));
    Ok(found)
}

/// The copy of the installation's key.
fn copy_of(installation: &Installation) -> String {
    let lines = format!(
        "{TITLE}\ninstallation {}\ncheckpoints {}\nverifier {}\n",
        Uuid::from_bytes(installation.id()),
        BASE64.encode(installation.seed()),
        installation.signer(&SystemName::national(), Service::Registry).verifier()
    );
    format!("{lines}sha256 {}\n", Digest::of(lines.as_bytes()))
}

fn escrow(installation: &Installation, out: &Path) -> anyhow::Result<()> {
    let text = copy_of(installation);
    if out == Path::new("-") {
        output::line(format_args!("{}", text.trim_end()));
        return Ok(());
    }
    let writing = || format!("writing {}", out.display());
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).with_context(writing)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(writing)?;
    let signer = installation.signer(&SystemName::national(), Service::Registry);
    output::line(format_args!("{}", signer.verifier()));
    Ok(())
}

/// A copy of a key.
struct Copy {
    installation: Uuid,
    seed: [u8; 32],
}

impl Copy {
    fn parse(text: &str) -> Option<Self> {
        let (lines, digest) = text.strip_suffix('\n')?.rsplit_once("\nsha256 ")?;
        if Digest::of(format!("{lines}\n").as_bytes()).to_string() != digest {
            return None;
        }
        let mut lines = lines.strip_prefix(TITLE)?.strip_prefix('\n')?.split('\n');
        let installation = Uuid::try_parse(lines.next()?.strip_prefix("installation ")?).ok()?;
        let seed = BASE64.decode(lines.next()?.strip_prefix("checkpoints ")?).ok()?.try_into().ok()?;
        let copy = Self { installation, seed };
        let verifier = lines.next()?.strip_prefix("verifier ")?;
        (copy.verifier(&SystemName::national(), Service::Registry).to_string() == verifier).then_some(copy)
    }

    fn verifier(&self, system: &SystemName, service: Service) -> CheckpointVerifier {
        let origin = Origin::new(self.installation.into_bytes(), system, service);
        CheckpointSigner::new(origin, &self.seed).verifier().clone()
    }
}

fn restore(data_dir: &Path, from: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(from).with_context(|| format!("reading {}", from.display()))?;
    let copy = Copy::parse(&text)
        .with_context(|| format!("{} is no copy of a key, or is damaged", from.display()))?;
    let (id_path, keys) = (data_dir.join("installation"), data_dir.join("keys"));
    let key_path = keys.join("checkpoints");
    if id_path.exists() {
        let id = fs::read_to_string(&id_path).with_context(|| format!("reading {}", id_path.display()))?;
        ensure!(id.trim() == copy.installation.to_string(), "{} is of another installation", from.display());
    }
    if data_dir.exists() {
        for (system, service) in journals(data_dir)? {
            let path = data_dir.join(system.as_str()).join(service.as_str()).join("journal/checkpoint");
            let note = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let signed = copy.verifier(&system, service).verify(&note);
            signed.with_context(|| format!("the key did not sign {}", path.display()))?;
        }
    }
    let key = format!("{}\n", BASE64.encode(copy.seed));
    match fs::read_to_string(&key_path) {
        Ok(there) if there == key => {}
        Ok(_) => bail!("{} holds another key: move it away first", key_path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            FolderDisk.create_folder(&keys).with_context(|| format!("making {}", keys.display()))?;
            put(&key_path, key.as_bytes(), Access::CreatePrivate)?;
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", key_path.display())),
    }
    if !id_path.exists() {
        put(&id_path, format!("{}\n", copy.installation).as_bytes(), Access::Create)?;
    }
    output::line(format_args!("{}", copy.verifier(&SystemName::national(), Service::Registry)));
    Ok(())
}

/// Writes a file durably under its name.
fn put(path: &Path, content: &[u8], access: Access) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let written = FolderDisk.open(&new, access).and_then(|file| {
        file.write_all_at(content, 0)?;
        file.sync_data()?;
        FolderDisk.rename(&new, path)?;
        FolderDisk.sync_folder(path.parent().unwrap_or_else(|| Path::new(".")))
    });
    written.with_context(|| format!("writing {}", path.display()))
}
