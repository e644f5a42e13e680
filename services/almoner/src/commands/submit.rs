//! `almoner submit`: a provider's activity file, streamed and answered line by line.
//!
//! The file is CSV with a header of the fields' names as in `almoner.referrals.v1.ActivityLine`; the amount stands in
//! `claimed_pence`, or in pounds in `claimed_gbp`. What cannot be read is sent all the same: the server answers it
//! UNREADABLE with every fault, and it costs only its own row.

mod file;
pub(crate) mod sus;

use crate::{cli::Calling, output};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use client::Connection;
use file::ActivityFile;
use proto::referrals::v1::{self, referrals_service_client::ReferralsServiceClient};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tonic::{Code, Status};

/// Lines of one batch: half of what the server takes.
const LINES_PER_BATCH: usize = 1_000;

/// The options of `submit`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Activity file (CSV)
    file: PathBuf,
    /// Provider whose activity it holds; the caller's own ODS code unless it is a SUS extract
    #[arg(long)]
    provider: String,
    /// What the file is
    #[arg(long, value_enum, default_value_t = Kind::Activity)]
    kind: Kind,
    /// Month and cut of a SUS extract: 2017-06/flex or 2017-06/freeze
    #[arg(long, value_parser = super::activity::cut, required_if_eq("kind", "sus"))]
    cut: Option<v1::Cut>,
    /// System; default: the profile's
    #[arg(long)]
    system: Option<String>,
    /// Submit it as new although the same file was submitted before
    #[arg(long)]
    again: bool,
    /// Have every line checked and answered, but record nothing
    #[arg(long)]
    validate_only: bool,
    /// Write each line's answer to this file (CSV)
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Fetch the receipt of every line, accepted, contested or unreadable, into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "validate_only")]
    receipts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// What a provider claims for, by the provider
    Activity,
    /// The commissioner's pseudonymised SUS extract, to compare with
    Sus,
}

struct Submitter {
    connection: Connection,
    system: String,
    submission_id: String,
}

/// The answers so far, in the order of the rows: where a broken stream goes on.
#[derive(Debug, Default)]
struct Progress {
    answers: Vec<v1::LineAnswer>,
    pending: bool,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { file, provider, kind, cut, system, again, validate_only, answers, receipts } = options;
    if let (Kind::Sus, Some(cut)) = (kind, cut) {
        let extract = sus::ExtractFile::read(&file)?;
        let (connection, of_profile) = calling.connect()?;
        let system =
            system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
        sus::summary(&sus::send(&connection, &system, &provider, cut, &extract).await?);
        return Ok(());
    }
    let activity = ActivityFile::read(&file)?;
    let (connection, of_profile) = calling.connect()?;
    let system = system.or(of_profile).context("say which system: --system <name>, or one in the profile")?;
    let (submitter, existing) = Submitter::open(connection, system, provider, &activity, again).await?;
    let known = if existing { ", known from before" } else { "" };
    output::line(format_args!("submission {}{known}", submitter.submission_id));
    let progress = if validate_only {
        submitter.validate(&activity.lines).await?
    } else {
        submitter.stream(&activity.lines).await?
    };
    if let Some(path) = answers {
        file::write_answers(&path, &progress.answers)?;
    }
    summary(&activity, &progress);
    if let Some(folder) = receipts {
        let system = submitter.system.parse()?;
        let (connection, submission) = (&submitter.connection, &submitter.submission_id);
        let written =
            super::receipt::of_answers(connection, &system, submission, &progress.answers, &folder).await?;
        output::line(format_args!("{written} receipts in {}", folder.display()));
    }
    Ok(())
}

/// Submits a provider's file over `connection`, and returns the answers in the order of its rows.
pub(crate) async fn send(
    connection: Connection,
    system: String,
    provider: String,
    path: &Path,
) -> anyhow::Result<Vec<v1::LineAnswer>> {
    let activity = ActivityFile::read(path)?;
    let (submitter, _) = Submitter::open(connection, system, provider, &activity, false).await?;
    Ok(submitter.stream(&activity.lines).await?.answers)
}

impl Submitter {
    /// Opens the submission of `activity`; also whether it was open already.
    async fn open(
        connection: Connection,
        system: String,
        provider: String,
        activity: &ActivityFile,
        again: bool,
    ) -> anyhow::Result<(Self, bool)> {
        let request = v1::OpenSubmissionRequest {
            system: system.clone(),
            request_id: client::new_request_id(),
            provider,
            file_digest: activity.digest.0.to_vec(),
            again,
        };
        let opened = connection.ask(request).await.context("the submission was not opened")?;
        Ok((Self { connection, system, submission_id: opened.submission_id }, opened.existing))
    }

    /// Streams every line; a stream that breaks goes on at the first row without an answer.
    async fn stream(&self, lines: &[v1::ActivityLine]) -> anyhow::Result<Progress> {
        let progress = Mutex::new(Progress::default());
        let tries = self.connection.retry().run(|| self.stream_once(lines, &progress));
        let ended = tries.await;
        let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        let next = progress.answers.len() + 1;
        ended.with_context(|| format!("rows from {next} on were not answered: submit the file again"))?;
        Ok(progress)
    }

    async fn stream_once(
        &self,
        lines: &[v1::ActivityLine],
        progress: &Mutex<Progress>,
    ) -> Result<(), Status> {
        let from = lock(progress).answers.len();
        let rest = lines.get(from..).unwrap_or_default().to_vec();
        let (system, submission_id) = (self.system.clone(), self.submission_id.clone());
        let batches: Vec<_> = rest
            .chunks(LINES_PER_BATCH)
            .zip((from..).step_by(LINES_PER_BATCH))
            .map(|(batch, before)| v1::StreamActivityRequest {
                system: system.clone(),
                submission_id: submission_id.clone(),
                first_row: row_after(before),
                lines: batch.to_vec(),
            })
            .collect();
        let mut client = client::calling!(ReferralsServiceClient, self.connection.channel());
        let mut answers = client.stream_activity(tokio_stream::iter(batches)).await?.into_inner();
        while let Some(answer) = answers.message().await.map_err(broken)? {
            let mut progress = lock(progress);
            progress.pending |= answer.posting() == v1::Posting::Pending;
            progress.answers.extend(answer.answers);
        }
        if lock(progress).answers.len() == lines.len() {
            Ok(())
        } else {
            Err(Status::unavailable("the stream ended before every line was answered"))
        }
    }

    async fn validate(&self, lines: &[v1::ActivityLine]) -> anyhow::Result<Progress> {
        let mut progress = Progress::default();
        for batch in lines.chunks(LINES_PER_BATCH) {
            let request = v1::SubmitActivityRequest {
                system: self.system.clone(),
                submission_id: self.submission_id.clone(),
                first_row: row_after(progress.answers.len()),
                lines: batch.to_vec(),
                validate_only: true,
            };
            let answer = self.connection.ask(request).await.context("the lines were not checked")?;
            progress.answers.extend(answer.answers);
        }
        Ok(progress)
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that broke says UNKNOWN or CANCELLED, and no reason: what was sent may have been recorded. Each line's id
/// follows from its row and content, so the rows without an answer are sent again.
fn broken(status: Status) -> Status {
    let lost = matches!(status.code(), Code::Unknown | Code::Cancelled);
    if lost && wire::status::reason_of(&status).is_none() {
        return Status::unavailable("the stream broke");
    }
    status
}

/// The row that follows so many rows.
fn row_after(before: usize) -> u64 {
    u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
}

fn summary(activity: &ActivityFile, progress: &Progress) {
    let mut lines: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (line, answer) in activity.lines.iter().zip(&progress.answers) {
        let word = word(answer.answer());
        let (count, claimed) = lines.entry(word).or_default();
        *count += 1;
        *claimed = claimed.saturating_add(line.claimed_pence.max(0));
        for finding in &answer.findings {
            *reasons.entry((word, &finding.code)).or_default() += 1;
        }
    }
    let accepted = progress.answers.iter().map(|answer| answer.price_pence).fold(0_i64, i64::saturating_add);
    let replayed = progress.answers.iter().filter(|answer| answer.replayed).count();
    for (word, (count, claimed)) in lines {
        output::line(format_args!("{count} {word}, claimed {}", money::NetPence::new(claimed)));
    }
    output::line(format_args!("accepted at {}", money::NetPence::new(accepted)));
    for ((word, code), count) in reasons {
        output::line(format_args!("  {count} {word}: {code}"));
    }
    if replayed > 0 {
        output::line(format_args!("{replayed} of them had been answered before"));
    }
    if progress.pending {
        output::line(format_args!("the ledger has not yet answered all of them; nothing has to be done"));
    }
}

/// An answer in a word.
pub(crate) const fn word(answer: v1::Answer) -> &'static str {
    match answer {
        v1::Answer::Unspecified => "",
        v1::Answer::Accepted => "accepted",
        v1::Answer::Contested => "contested",
        v1::Answer::Unreadable => "unreadable",
    }
}
