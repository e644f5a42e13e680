//! `almoner submit`: the file that somebody's own system writes, sent and answered row by row: a provider's activity, a
//! commissioner's SUS extract, referrals.
//!
//! A mapping profile says what its columns are. The file is read twice and never held: what is under way is a few
//! batches. What cannot be read is sent all the same: the server answers it UNREADABLE with every fault, and it costs only
//! its own row.

mod answers;
mod progress;
pub(crate) mod referrals;
mod shown;
mod source;
mod stream;
mod sus;

use crate::{cli::Calling, output};
use activity_files::{Choices, Contents, Dates, Delimiter, Encoding, Kind};
use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use client::Connection;
use nhs::OdsCode;
use proto::referrals::v1;
use source::{Batch, Source};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use answers::{Summary, word};

/// How long it is tried to reach the server again, when nothing else is said.
const PATIENCE: Duration = Duration::from_secs(300);

/// Fewest lines that say whose file it is.
const TELLING_LINES_MIN: usize = 10;

/// The options of `submit`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// File of activity, of a SUS extract, or of referrals
    file: PathBuf,
    /// Provider whose activity it holds; the caller's own ODS code unless it is a SUS extract. Not for referrals
    #[arg(long)]
    provider: Option<OdsCode>,
    /// System; default: the profile's
    #[arg(long)]
    system: Option<String>,
    /// What kind of file it is: which mapping profile reads it
    #[arg(long, value_enum, default_value_t = FileKind::Native)]
    kind: FileKind,
    /// Month and cut of a SUS extract: 2017-06/flex or 2017-06/freeze
    #[arg(long, value_parser = super::activity::cut, required_if_eq("kind", "sus"))]
    cut: Option<v1::Cut>,
    /// Mapping profile of one's own instead of the kind's (TOML, docs/mapping-profiles.md)
    #[arg(long, value_name = "FILE")]
    profile_map: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Submit it as new although the same file was submitted before
    #[arg(long)]
    again: bool,
    /// Have every line checked and answered, but record nothing
    #[arg(long)]
    validate_only: bool,
    /// Send it although none of its first lines is for a commissioner of this system
    #[arg(long)]
    force: bool,
    /// Write each line's answer to this file (CSV), in the order of the rows
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Fetch the receipt of every line, accepted, contested or unreadable, into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "validate_only")]
    receipts: Option<PathBuf>,
    /// How long to try to reach the server again after the connection was cut
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    retry_for: u64,
}

/// How the file is read, where that cannot be recognised.
#[derive(Debug, Args)]
struct Reading {
    /// How its characters are written; default: as its mark says, else UTF-8
    #[arg(long, value_enum)]
    encoding: Option<EncodingName>,
    /// What stands between its values; default: recognised by the header
    #[arg(long, value_enum)]
    delimiter: Option<DelimiterName>,
    /// How its dates are written; default: recognised, where that can be told
    #[arg(long, value_enum)]
    dates: Option<DatesName>,
    /// Which row its header is, rows without any value not counted; default: the mapping profile's
    #[arg(long, value_name = "ROW")]
    header_row: Option<u32>,
}

/// A kind of file that has a mapping profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileKind {
    /// Headed by the names of our own fields
    Native,
    /// Patient-level contract monitoring
    Plcm,
    /// A local contract monitoring file
    Slam,
    /// The commissioner's pseudonymised SUS extract, to compare with
    Sus,
    /// Referrals headed by the names of our own fields
    Referrals,
    /// Referrals as an extract of the e-Referral Service has them
    Ers,
    /// Referrals as a triage service lists them
    Triage,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EncodingName {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "windows-1252")]
    Windows1252,
    #[value(name = "utf-16")]
    Utf16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DelimiterName {
    Comma,
    Tab,
    Semicolon,
    Pipe,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DatesName {
    /// 2017-06-12
    YearMonthDay,
    /// 12/06/2017
    DayMonthYear,
    /// 06/12/2017
    MonthDayYear,
    /// 12-Jun-2017
    DayNameYear,
    /// 20170612
    Compact,
}

impl From<FileKind> for Kind {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Native => Self::Native,
            FileKind::Plcm => Self::Plcm,
            FileKind::Slam => Self::Slam,
            FileKind::Sus => Self::Sus,
            FileKind::Referrals => Self::Referrals,
            FileKind::Ers => Self::Ers,
            FileKind::Triage => Self::Triage,
        }
    }
}

impl FileKind {
    const fn contents(self) -> Contents {
        match self {
            Self::Native | Self::Plcm | Self::Slam => Contents::Activity,
            Self::Sus => Contents::Sus,
            Self::Referrals | Self::Ers | Self::Triage => Contents::Referrals,
        }
    }
}

impl Reading {
    fn choices(&self, provider: Option<OdsCode>) -> Choices {
        Choices {
            provider,
            encoding: self.encoding.map(|encoding| match encoding {
                EncodingName::Utf8 => Encoding::Utf8,
                EncodingName::Windows1252 => Encoding::Windows1252,
                EncodingName::Utf16 => Encoding::Utf16,
            }),
            delimiter: self.delimiter.map(|delimiter| match delimiter {
                DelimiterName::Comma => Delimiter::Comma,
                DelimiterName::Tab => Delimiter::Tab,
                DelimiterName::Semicolon => Delimiter::Semicolon,
                DelimiterName::Pipe => Delimiter::Pipe,
            }),
            dates: self.dates.map(|dates| match dates {
                DatesName::YearMonthDay => Dates::YearMonthDay,
                DatesName::DayMonthYear => Dates::DayMonthYear,
                DatesName::MonthDayYear => Dates::MonthDayYear,
                DatesName::DayNameYear => Dates::DayNameYear,
                DatesName::Compact => Dates::Compact,
            }),
            header_row: self.header_row,
        }
    }
}

struct Submitter {
    connection: Connection,
    system: String,
    submission_id: String,
    patience: Duration,
}

pub(crate) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { file, provider, kind, profile_map, reading, again, validate_only, force, .. } = &options;
    let mapping = source::mapping((*kind).into(), profile_map.as_deref())?;
    let contents = kind.contents();
    // A commissioner's extract, and a list of referrals, may hold several providers.
    let choices = reading.choices(provider.filter(|_| contents == Contents::Activity));
    let source = Source::examine(file, mapping, contents, &choices)?;
    shown::show(&source.understood);
    let (connection, of_profile) = calling.connect()?;
    let system = options
        .system
        .clone()
        .or(of_profile)
        .context("say which system: --system <name>, or one in the profile")?;
    if contents == Contents::Referrals {
        let how = referrals::How {
            again: *again,
            validate_only: *validate_only,
            force: *force,
            answers: options.answers.as_deref(),
        };
        return referrals::send(&connection, &system, &source, &how).await?.told(*validate_only);
    }
    let provider = &provider.context("say whose activity it is: --provider <ODS code>")?;
    if let (Contents::Sus, Some(cut)) = (contents, options.cut.clone()) {
        let stored = sus::store(&connection, &system, *provider, &cut, &source).await?;
        if stored.others > 0 {
            output::note(format_args!("  {} rows of other providers passed over", stored.others));
        }
        if *validate_only {
            output::line(format_args!("{} rows checked only: nothing was adopted", stored.rows));
            return Ok(());
        }
        sus::summary(&sus::adopt(&connection, &system, *provider, cut, &source, stored).await?);
        return Ok(());
    }
    let patience = Duration::from_secs(options.retry_for);
    let (submitter, existing) =
        Submitter::open(connection, system, *provider, &source, *again, patience).await?;
    let known = if existing { ", known from before" } else { "" };
    output::line(format_args!("submission {}{known}", submitter.submission_id));
    if !force {
        submitter.is_of_this_system(&source).await?;
    }
    let mut answers = answers::Answers::default();
    if let Some(path) = &options.answers {
        answers.response = Some(answers::Response::create(path, &source.understood)?);
    }
    if let Some(folder) = &options.receipts {
        answers.receipts = Some(answers::Receipts::create(folder)?);
    }
    let mut progress = progress::Progress::new(source.understood.rows);
    let each = |batch: &Batch, lines: &[v1::LineAnswer], posting| {
        progress.answered(lines.len());
        answers.take(batch, lines, posting)
    };
    if *validate_only {
        submitter.validate(&source, each).await
    } else {
        submitter.stream(&source, each).await
    }?;
    progress.done();
    if *validate_only {
        output::line(format_args!("checked only: nothing was recorded"));
    }
    let (_, receipts) = answers.finish()?;
    if let (Some(receipts), Some(folder)) = (receipts, &options.receipts) {
        let system = submitter.system.parse()?;
        let written = receipts.fetch(&submitter.connection, &system, &submitter.submission_id).await?;
        output::line(format_args!("{written} receipts in {}", folder.display()));
    }
    Ok(())
}

/// Submits a provider's file over `connection` as the command does, and returns what became of it.
pub(crate) async fn send(
    connection: Connection,
    system: String,
    provider: OdsCode,
    path: &Path,
    kind: FileKind,
) -> anyhow::Result<Summary> {
    let choices = Choices { provider: Some(provider), ..Choices::default() };
    let source = Source::examine(path, source::mapping(kind.into(), None)?, Contents::Activity, &choices)?;
    let (submitter, _) = Submitter::open(connection, system, provider, &source, false, PATIENCE).await?;
    let mut answers = answers::Answers::default();
    submitter.stream(&source, |batch, lines, posting| answers.take(batch, lines, posting)).await?;
    Ok(answers.summary)
}

/// Has a commissioner's SUS extract adopted for a provider and cut, as the command does.
pub(crate) async fn send_extract(
    connection: &Connection,
    system: &str,
    provider: OdsCode,
    cut: v1::Cut,
    path: &Path,
) -> anyhow::Result<v1::AdoptExtractResponse> {
    let mapping = source::mapping(Kind::Sus, None)?;
    let source = Source::examine(path, mapping, Contents::Sus, &Choices::default())?;
    let stored = sus::store(connection, system, provider, &cut, &source).await?;
    sus::adopt(connection, system, provider, cut, &source, stored).await
}

impl Submitter {
    /// Opens the submission of a file; also whether it was open already.
    async fn open(
        connection: Connection,
        system: String,
        provider: OdsCode,
        source: &Source,
        again: bool,
        patience: Duration,
    ) -> anyhow::Result<(Self, bool)> {
        let request = v1::OpenSubmissionRequest {
            system: system.clone(),
            request_id: client::new_request_id(),
            provider: provider.to_string(),
            file_digest: source.digest.0.to_vec(),
            again,
        };
        let opened = connection.ask(request).await.context("the submission was not opened")?;
        Ok((Self { connection, system, submission_id: opened.submission_id, patience }, opened.existing))
    }

    /// Streams every line; a connection that was cut is taken up at the first row without an answer.
    async fn stream(
        &self,
        source: &Source,
        mut each: impl FnMut(&Batch, &[v1::LineAnswer], v1::Posting) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Self { connection, system, submission_id, patience } = self;
        let stream = stream::Stream { connection, system, submission_id, patience: *patience };
        stream
            .send(source.batches(), |batch, answer| {
                let posting = answer.posting();
                each(batch, &answer.answers, posting)
            })
            .await
    }

    async fn validate(
        &self,
        source: &Source,
        mut each: impl FnMut(&Batch, &[v1::LineAnswer], v1::Posting) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut batches = source.batches();
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            let answers = self.check(&batch).await?;
            each(&batch, &answers, v1::Posting::Unspecified)?;
        }
        Ok(())
    }

    async fn check(&self, batch: &Batch) -> anyhow::Result<Vec<v1::LineAnswer>> {
        let request = v1::SubmitActivityRequest {
            system: self.system.clone(),
            submission_id: self.submission_id.clone(),
            first_row: batch.first_row,
            lines: batch.lines.clone(),
            validate_only: true,
        };
        Ok(self.connection.ask(request).await.context("the lines were not checked")?.answers)
    }

    /// Errors when none of the first lines is for a commissioner of this system: each would be contested, and the file
    /// is another system's.
    async fn is_of_this_system(&self, source: &Source) -> anyhow::Result<()> {
        let Some(first) = source.batches().recv().await else { return Ok(()) };
        let answers = self.check(&first?).await?;
        let elsewhere = |answer: &v1::LineAnswer| {
            answer.findings.iter().any(|finding| finding.code == "WRONG_COMMISSIONER")
        };
        let readable: Vec<_> =
            answers.iter().filter(|answer| answer.answer() != v1::Answer::Unreadable).collect();
        ensure!(
            readable.len() < TELLING_LINES_MIN || !readable.iter().all(|answer| elsewhere(answer)),
            "none of its first {} lines is for a commissioner of {}: it may be the file for another system. Nothing was \
             sent; pass --force to send it all the same",
            readable.len(),
            self.system
        );
        Ok(())
    }
}
