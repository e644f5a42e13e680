//! `almoner receipt`: small files that prove, offline and for ever, what stands in a journal.

use crate::{cli::Calling, output};
use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::{Args, Subcommand};
use client::Connection;
use journal::{
    Checkpoint, CheckpointVerifier, Digest, KeyHistory, KeyRotation, Position, Receipt, Service, SystemName,
};
use proto::journal::v1::GetCheckpointRequest;
use proto::referrals::v1::LineAnswer;
use std::path::{Path, PathBuf};

/// The options of `receipt`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check receipts offline: with the key alone, or with the record too
    Verify(Verify),
    /// Fetch the receipts of records in a row
    Fetch(Fetch),
    /// Fetch a journal's signed checkpoint, to keep
    Checkpoint(Signed),
    /// Check that a newer checkpoint's journal begins with an older one's
    Consistency(Consistency),
}

#[derive(Debug, Args)]
struct Verify {
    /// Receipts (c2sp.org/tlog-proof)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Key that signs the installation's checkpoints: a verifier key of any of its journals, or a file with one
    #[arg(long, env = "ALMONER_KEY", value_name = "KEY")]
    key: String,
    /// File with the changes of key since, as `almoner keys history` shows them: then any of the keys will do
    #[arg(long, value_name = "FILE")]
    key_history: Option<PathBuf>,
    /// File with the record itself; the receipt must be of exactly these bytes
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Journal {
    /// Service whose journal is meant
    #[arg(long, default_value = "referrals")]
    service: Service,
    /// System; default: the profile's
    #[arg(long)]
    system: Option<SystemName>,
}

#[derive(Debug, Args)]
struct Fetch {
    /// Position of the first record
    position: u64,
    /// How many records
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Folder to write them to
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    journal: Journal,
}

#[derive(Debug, Args)]
struct Signed {
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    journal: Journal,
}

#[derive(Debug, Args)]
struct Consistency {
    /// Older checkpoint, or a receipt with one
    old: PathBuf,
    /// Newer checkpoint, or a receipt with one
    new: PathBuf,
    /// Key that signs the installation's checkpoints: a verifier key of any of its journals, or a file with one
    #[arg(long, env = "ALMONER_KEY", value_name = "KEY")]
    key: String,
    /// File with the proof: read when it is there, which needs no server; else written
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    match options.command {
        Command::Verify(options) => verify(&options),
        Command::Fetch(options) => fetch(options, calling).await,
        Command::Checkpoint(options) => checkpoint(options, calling).await,
        Command::Consistency(options) => consistency(&options, calling).await,
    }
}

fn verify(options: &Verify) -> anyhow::Result<()> {
    let verifier = super::audit::given_key(&options.key)?;
    let rotations = rotations(options.key_history.as_deref())?;
    let record =
        options.record.as_ref().map(std::fs::read).transpose().context("the record cannot be read")?;
    let mut wrong = 0_usize;
    for path in &options.files {
        match check(path, &verifier, &rotations, record.as_deref()) {
            Ok((receipt, checkpoint, origin)) => output::line(format_args!(
                "{}: record {} of {origin}, leaf {}, is one of the {} that the checkpoint signs for",
                path.display(),
                receipt.position,
                receipt.leaf.map_or_else(|| "of the record given".to_owned(), |leaf| leaf.to_string()),
                checkpoint.size
            )),
            Err(error) => {
                wrong += 1;
                output::line(format_args!("{}: DOES NOT HOLD: {error:#}", path.display()));
            }
        }
    }
    ensure!(wrong == 0, "{wrong} of {} receipts do not hold", options.files.len());
    Ok(())
}

fn check(
    path: &Path,
    verifier: &CheckpointVerifier,
    rotations: &[KeyRotation],
    record: Option<&[u8]>,
) -> anyhow::Result<(Receipt, Checkpoint, journal::Origin)> {
    let receipt: Receipt = read(path)?.parse()?;
    let trusted = of_note(verifier, &receipt.checkpoint)?;
    let mut history = KeyHistory::default();
    for rotation in rotations.iter().filter(|rotation| rotation.old().origin() == trusted.origin()) {
        history.push(rotation.clone())?;
    }
    let size = Checkpoint::claimed(&receipt.checkpoint)?.1.size;
    let verifier = history.verifier_at(&trusted, size).clone();
    let checkpoint = match record {
        Some(record) => receipt.verify(record, &verifier)?,
        None => receipt.verify_alone(&verifier)?,
    };
    Ok((receipt, checkpoint, verifier.origin().clone()))
}

/// The changes of key in a file.
fn rotations(path: Option<&Path>) -> anyhow::Result<Vec<KeyRotation>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    journal::read_rotations(&read(path)?).with_context(|| format!("{} is no history of keys", path.display()))
}

/// The verifier of whichever of the installation's journals the note is of.
fn of_note(verifier: &CheckpointVerifier, note: &str) -> anyhow::Result<CheckpointVerifier> {
    let (origin, _) = Checkpoint::claimed(note)?;
    ensure!(
        origin.installation() == verifier.origin().installation(),
        "it is of another installation than the key, {origin}"
    );
    Ok(verifier.for_origin(origin))
}

async fn fetch(options: Fetch, calling: &Calling) -> anyhow::Result<()> {
    let Fetch { position, count, out, journal } = options;
    let (connection, system) = journal.connect(calling)?;
    ensure!(count > 0, "ask for one record at least");
    let (mut first, mut left) = (position, count);
    while left > 0 {
        let part = left.min(client::RECORDS_PER_CALL_MAX);
        let receipts = connection.receipts(&system, journal.service, Position::new(first), part).await?;
        for receipt in &receipts {
            write(&out, &format!("{system}-{}-{}", journal.service, receipt.position), receipt)?;
        }
        (first, left) = (first.saturating_add(u64::from(part)), left - part);
    }
    output::line(format_args!("{count} receipts in {}", out.display()));
    Ok(())
}

async fn checkpoint(options: Signed, calling: &Calling) -> anyhow::Result<()> {
    let Signed { out, journal } = options;
    let (connection, system) = journal.connect(calling)?;
    let request = GetCheckpointRequest {
        system: system.to_string(),
        service: journal.service.to_string(),
        current: false,
    };
    let note = connection.ask(request).await.context("the server gave no checkpoint")?.note;
    let (origin, checkpoint) = Checkpoint::claimed(&note)?;
    std::fs::write(&out, note).with_context(|| format!("{} cannot be written", out.display()))?;
    output::line(format_args!("{}: {} records of {origin}", out.display(), checkpoint.size));
    Ok(())
}

async fn consistency(options: &Consistency, calling: &Calling) -> anyhow::Result<()> {
    let verifier = super::audit::given_key(&options.key)?;
    let (old_of, old) = signed(&options.old, &verifier)?;
    let (new_of, new) = signed(&options.new, &verifier)?;
    ensure!(old_of == new_of, "they are of two journals, {old_of} and {new_of}");
    ensure!(old.size <= new.size, "the newer checkpoint has fewer records: {} after {}", new.size, old.size);
    let kept = options.proof.as_ref().filter(|path| path.exists());
    let proof = if let Some(path) = kept {
        parse_proof(&read(path)?).with_context(|| format!("{} is not a proof", path.display()))?
    } else {
        let (connection, _) = calling.connect()?;
        let (system, service) = parts(&old_of)?;
        let proof = connection.consistency_proof(&system, service, old.size, new.size).await?;
        if let Some(path) = &options.proof {
            let text: String = proof.iter().map(|hash| BASE64.encode(hash.0) + "\n").collect();
            std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        proof
    };
    if !journal::verify_consistency(&old, &new, &proof) {
        bail!(
            "the journal of {} records does not begin with that of {}: it was rewritten",
            new.size,
            old.size
        );
    }
    output::line(format_args!(
        "{old_of}: the first {} of {} records are those that the older checkpoint signs for",
        old.size, new.size
    ));
    Ok(())
}

/// System and service of an origin: `almoner.<installation>/<system>/<service>`.
fn parts(origin: &journal::Origin) -> anyhow::Result<(SystemName, Service)> {
    let mut parts = origin.as_str().split('/').skip(1);
    let (system, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Ok((system.parse()?, service.parse()?))
}

/// The signed checkpoint in a file: a note, or a receipt that ends with one.
fn signed(path: &Path, verifier: &CheckpointVerifier) -> anyhow::Result<(journal::Origin, Checkpoint)> {
    let text = read(path)?;
    let note = text.parse::<Receipt>().map_or(text, |receipt| receipt.checkpoint);
    let verifier = of_note(verifier, &note).with_context(|| path.display().to_string())?;
    let checkpoint = verifier.verify(&note).with_context(|| path.display().to_string())?;
    Ok((verifier.origin().clone(), checkpoint))
}

fn parse_proof(text: &str) -> Option<Vec<Digest>> {
    text.lines().map(|line| BASE64.decode(line).ok()?.try_into().ok().map(Digest)).collect()
}

impl Journal {
    fn connect(&self, calling: &Calling) -> anyhow::Result<(Connection, SystemName)> {
        let (connection, of_profile) = calling.connect()?;
        let system = match (&self.system, of_profile) {
            (Some(system), _) => system.clone(),
            (None, Some(system)) => system.parse()?,
            (None, None) => bail!("say which system: --system <name>, or one in the profile"),
        };
        Ok((connection, system))
    }
}

/// Writes the receipt of every answered line to `folder`, one file each, named by its row. Each is of the leaf that the
/// answer gave.
pub(crate) async fn of_answers(
    connection: &Connection,
    system: &SystemName,
    submission: &str,
    answers: &[LineAnswer],
    folder: &Path,
) -> anyhow::Result<usize> {
    let mut answered: Vec<(u64, &LineAnswer)> =
        answers.iter().filter_map(|answer| Some((answer.position?, answer))).collect();
    answered.sort_by_key(|(position, _)| *position);
    let mut written = 0;
    let mut rest = answered.as_slice();
    while let Some((first, _)) = rest.first() {
        // One call for what stands close together: other callers' records lie between.
        let reach = first.saturating_add(u64::from(client::RECORDS_PER_CALL_MAX));
        let (these, after) = rest.split_at(rest.partition_point(|(position, _)| *position < reach));
        let last = these.last().map_or(*first, |(position, _)| *position);
        let count = u32::try_from(last - first + 1)?;
        let receipts = connection.receipts(system, Service::Referrals, Position::new(*first), count).await?;
        for (position, answer) in these {
            let at = usize::try_from(position - first)?;
            let receipt = receipts.get(at).context("a receipt is missing")?;
            ensure!(
                receipt.leaf.is_some_and(|leaf| leaf.0[..] == answer.leaf_hash[..]),
                "the receipt of row {} is of another record than the one answered",
                answer.row
            );
            write(folder, &format!("{submission}-{}", answer.row), receipt)?;
            written += 1;
        }
        rest = after;
    }
    Ok(written)
}

fn write(folder: &Path, name: &str, receipt: &Receipt) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(format!("{name}.tlog-proof"));
    std::fs::write(&path, receipt.to_string())
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
