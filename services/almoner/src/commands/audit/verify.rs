//! `almoner audit verify`: the offline verifier, and what it says.

mod json;
mod text;

use crate::output;
use anyhow::{Context as _, bail};
use audit::{Given, Outcome};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::Args;
use journal::{CheckpointSigner, CheckpointVerifier, Origin, Service, SystemName};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The options of `audit verify`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Data folder of a stopped server, or a copy of it
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// Key that signs the installation's checkpoints: a verifier key of any of its journals, or a file with one.
    /// Default: the one in the folder itself, which proves less
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Receipt that somebody kept; may be given several times, and a folder of them too
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
    /// Signed checkpoint that somebody kept; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Where the key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeySource {
    Given,
    Folder,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let (verifier, source) = match &options.key {
        Some(key) => (given_key(key)?, KeySource::Given),
        None => (key_of(&options.from)?, KeySource::Folder),
    };
    let mut receipts = Vec::new();
    for path in &options.receipt {
        receipts.extend(texts(path)?);
    }
    let mut checkpoints = Vec::new();
    for path in &options.checkpoint {
        checkpoints.extend(texts(path)?);
    }
    let given = Given { verifier, receipts, checkpoints };
    let verification = audit::examine(&options.from, &given, |system, service| {
        output::note(format_args!("Reading {system}/{service}…"));
    })?;
    if options.json {
        output::line(format_args!("{}", json::of(&verification, &given, source)));
    } else {
        output::line(format_args!("{}", text::Shown { verification: &verification, given: &given, source }));
    }
    match verification.outcome() {
        Outcome::Proved => Ok(()),
        Outcome::Incomplete => bail!("not everything could be proved"),
        Outcome::Wrong => bail!("something is wrong"),
    }
}

/// The key as somebody gave it: the text, or a file with it.
pub(crate) fn given_key(key: &str) -> anyhow::Result<CheckpointVerifier> {
    let path = Path::new(key);
    let text = if path.is_file() { read(path)? } else { key.to_owned() };
    text.trim().parse().context("this is not a verifier key (c2sp.org/signed-note): <origin>+<id>+<key>")
}

/// The key that the folder itself says it signs with.
fn key_of(folder: &Path) -> anyhow::Result<CheckpointVerifier> {
    let hint = "say with which key the checkpoints are signed: --key";
    let id = read(&folder.join("installation")).context(hint)?;
    let id = Uuid::try_parse(id.trim()).context("the folder's installation is not a UUID")?;
    let seed = read(&folder.join("keys/checkpoints")).context(hint)?;
    let seed = BASE64.decode(seed.trim()).ok().and_then(|seed| <[u8; 32]>::try_from(seed).ok());
    let seed = seed.context("the folder's key is damaged")?;
    let origin = Origin::new(id.into_bytes(), &SystemName::national(), Service::Registry);
    Ok(CheckpointSigner::new(origin, &seed).verifier().clone())
}

/// The files that `path` names, with their texts: itself, or those in it.
fn texts(path: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    if !path.is_dir() {
        return Ok(vec![(path.to_owned(), read(path)?)]);
    }
    let listed = std::fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut paths = listed.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    paths.into_iter().map(|path| read(&path).map(|text| (path, text))).collect()
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
