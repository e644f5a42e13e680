//! The answers as the sender wants them: a response file in the order of its rows, a summary, receipts.

use super::source::{Batch, Sender};
use crate::output;
use activity_files::{Field, Understood};
use anyhow::Context as _;
use client::Connection;
use journal::SystemName;
use money::NetPence;
use proto::referrals::v1;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// An answer in a word.
pub(crate) const fn word(answer: v1::Answer) -> &'static str {
    match answer {
        v1::Answer::Unspecified => "",
        v1::Answer::Accepted => "accepted",
        v1::Answer::Contested => "contested",
        v1::Answer::Unreadable => "unreadable",
    }
}

/// The response file. It has its name when it is complete.
pub(super) struct Response {
    path: PathBuf,
    part: PathBuf,
    writer: csv::Writer<File>,
    /// The sender's heading of each field.
    headings: BTreeMap<&'static str, String>,
}

impl Response {
    /// Begins the response to a file.
    pub(super) fn create(path: &Path, understood: &Understood) -> anyhow::Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let unwritten = || format!("{} cannot be written", part.display());
        let mut writer = csv::Writer::from_path(&part).with_context(unwritten)?;
        writer
            .write_record([
                "row",
                "file_line",
                "reference",
                "answer",
                "claimed_gbp",
                "price_gbp",
                "difference_gbp",
                "codes",
                "reasons",
                "position",
                "replayed",
            ])
            .with_context(unwritten)?;
        let headings = understood.columns.iter().rev();
        let headings = headings.map(|column| (column.field.name(), column.heading.clone())).collect();
        Ok(Self { path: path.to_owned(), part, writer, headings })
    }

    fn write(
        &mut self,
        sender: &Sender,
        line: &v1::ActivityLine,
        answer: &v1::LineAnswer,
    ) -> anyhow::Result<()> {
        let accepted = answer.answer() == v1::Answer::Accepted;
        let readable = line.claimed_pence >= 0;
        let difference = answer.price_pence.saturating_sub(line.claimed_pence);
        let pounds = |pence: i64, shown: bool| if shown { plain_pounds(pence) } else { String::new() };
        let codes: Vec<&str> = answer.findings.iter().map(|finding| finding.code.as_str()).collect();
        let reasons: Vec<String> = answer.findings.iter().map(|finding| self.reason(finding)).collect();
        let row = [
            answer.row.to_string(),
            sender.file_line.to_string(),
            sender.reference.clone(),
            word(answer.answer()).to_owned(),
            pounds(line.claimed_pence, readable),
            pounds(answer.price_pence, accepted),
            pounds(difference, accepted && readable),
            codes.join(" "),
            reasons.join(" "),
            answer.position.map(|position| position.to_string()).unwrap_or_default(),
            if answer.replayed { "yes" } else { "" }.to_owned(),
        ];
        self.writer.write_record(row).with_context(|| format!("{} cannot be written", self.part.display()))
    }

    /// A reason in words, with the column of the sender's own file that it is about.
    fn reason(&self, finding: &v1::Finding) -> String {
        let known = referrals::Reason::ALL.iter().find(|reason| reason.code() == finding.code);
        let words = known.map_or(finding.code.as_str(), |reason| reason.meaning());
        let field = if finding.field == "claimed_pence" { Field::Claimed.name() } else { &finding.field };
        match self.headings.get(field) {
            Some(heading) => format!("{words} [{heading}]"),
            None => words.to_owned(),
        }
    }

    fn finish(mut self) -> anyhow::Result<PathBuf> {
        let unwritten = || format!("{} cannot be written", self.path.display());
        self.writer.flush().with_context(unwritten)?;
        std::fs::rename(&self.part, &self.path).with_context(unwritten)?;
        Ok(self.path)
    }
}

/// `-1205.03`: what a spreadsheet reads as a number.
fn plain_pounds(pence: i64) -> String {
    let (sign, magnitude) = (if pence < 0 { "-" } else { "" }, pence.unsigned_abs());
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

/// Row, position and leaf of each line, on disk until receipts are fetched: memory does not grow with the file.
pub(super) struct Receipts {
    folder: PathBuf,
    spool: PathBuf,
    writer: BufWriter<File>,
}

const SPOOLED_BYTES: usize = 48;

/// Receipts that are fetched at a time.
const RECEIPTS_PER_PART: usize = 5_000;

impl Receipts {
    /// Begins to collect.
    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let spool = folder.join(".answered");
        let file = File::create(&spool).with_context(|| format!("{} cannot be written", spool.display()))?;
        Ok(Self { folder: folder.to_owned(), spool, writer: BufWriter::new(file) })
    }

    fn note(&mut self, answer: &v1::LineAnswer) -> anyhow::Result<()> {
        let Some(position) = answer.position else { return Ok(()) };
        let mut row = [0; SPOOLED_BYTES];
        row[..8].copy_from_slice(&answer.row.to_le_bytes());
        row[8..16].copy_from_slice(&position.to_le_bytes());
        let leaf: [u8; 32] =
            answer.leaf_hash.as_slice().try_into().context("an answer has no leaf hash of 32 bytes")?;
        row[16..].copy_from_slice(&leaf);
        self.writer.write_all(&row).with_context(|| format!("{} cannot be written", self.spool.display()))
    }

    /// Fetches and writes all of them.
    pub(super) async fn fetch(
        mut self,
        connection: &Connection,
        system: &SystemName,
        submission: &str,
    ) -> anyhow::Result<usize> {
        let unread = || format!("{} cannot be read", self.spool.display());
        self.writer.flush().with_context(unread)?;
        let mut reader = BufReader::new(File::open(&self.spool).with_context(unread)?);
        let mut written = 0;
        loop {
            let mut bytes = Vec::new();
            let limit = u64::try_from(RECEIPTS_PER_PART * SPOOLED_BYTES)?;
            reader.by_ref().take(limit).read_to_end(&mut bytes).with_context(unread)?;
            if bytes.is_empty() {
                break;
            }
            let answers: Vec<v1::LineAnswer> =
                bytes.chunks_exact(SPOOLED_BYTES).filter_map(unspool).collect();
            written +=
                super::super::receipt::of_answers(connection, system, submission, &answers, &self.folder)
                    .await?;
        }
        std::fs::remove_file(&self.spool).with_context(unread)?;
        Ok(written)
    }
}

fn unspool(row: &[u8]) -> Option<v1::LineAnswer> {
    let (number, rest) = row.split_first_chunk::<8>()?;
    let (position, leaf) = rest.split_first_chunk::<8>()?;
    Some(v1::LineAnswer {
        row: u64::from_le_bytes(*number),
        position: Some(u64::from_le_bytes(*position)),
        leaf_hash: leaf.to_vec(),
        ..v1::LineAnswer::default()
    })
}

/// What is done with each answer as it comes.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) response: Option<Response>,
    pub(super) receipts: Option<Receipts>,
    pub(super) summary: Summary,
}

impl Answers {
    pub(super) fn take(
        &mut self,
        batch: &Batch,
        answers: &[v1::LineAnswer],
        posting: v1::Posting,
    ) -> anyhow::Result<()> {
        self.summary.pending |= posting == v1::Posting::Pending;
        for ((sender, line), answer) in batch.senders.iter().zip(&batch.lines).zip(answers) {
            self.summary.count(line, answer);
            if let Some(response) = &mut self.response {
                response.write(sender, line, answer)?;
            }
            if let Some(receipts) = &mut self.receipts {
                receipts.note(answer)?;
            }
        }
        Ok(())
    }

    /// Completes the response file and says what became of everything.
    pub(super) fn finish(self) -> anyhow::Result<(Summary, Option<Receipts>)> {
        let Self { response, receipts, summary } = self;
        summary.show();
        if let Some(response) = response {
            output::line(format_args!("every line's answer is in {}", response.finish()?.display()));
        }
        Ok((summary, receipts))
    }
}

/// What became of a file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Summary {
    lines: BTreeMap<&'static str, (u64, i64)>,
    reasons: BTreeMap<(&'static str, String), u64>,
    accepted: i64,
    difference: i64,
    replayed: u64,
    total: u64,
    pending: bool,
}

impl Summary {
    fn count(&mut self, line: &v1::ActivityLine, answer: &v1::LineAnswer) {
        let word = word(answer.answer());
        let readable = line.claimed_pence.max(0);
        let (count, claimed) = self.lines.entry(word).or_default();
        *count = count.saturating_add(1);
        *claimed = claimed.saturating_add(readable);
        for finding in &answer.findings {
            let count = self.reasons.entry((word, finding.code.clone())).or_default();
            *count = count.saturating_add(1);
        }
        if answer.answer() == v1::Answer::Accepted {
            self.accepted = self.accepted.saturating_add(answer.price_pence);
            self.difference = self.difference.saturating_add(answer.price_pence.saturating_sub(readable));
        }
        self.replayed = self.replayed.saturating_add(u64::from(answer.replayed));
        self.total = self.total.saturating_add(1);
    }

    /// Lines by answer.
    pub(crate) fn lines(&self, answer: v1::Answer) -> u64 {
        self.lines.get(word(answer)).map_or(0, |(count, _)| *count)
    }

    /// Lines by the word of their answer and what was found.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        self.reasons.iter().map(|((word, code), count)| (*word, code.as_str(), *count))
    }

    /// Lines in all.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    fn show(&self) {
        for (word, (count, claimed)) in &self.lines {
            output::line(format_args!("{count} {word}, claimed {}", NetPence::new(*claimed)));
        }
        let (accepted, difference) = (NetPence::new(self.accepted), NetPence::new(self.difference));
        output::line(format_args!("accepted at {accepted}, {difference} against what was claimed for it"));
        for ((word, code), count) in &self.reasons {
            output::line(format_args!("  {count} {word}: {code}"));
        }
        if self.replayed == self.total {
            output::line(format_args!(
                "all {} had been answered before, and nothing was recorded",
                self.total
            ));
        } else if self.replayed > 0 {
            output::line(format_args!("{} of them had been answered before", self.replayed));
        }
        if self.pending {
            output::line(format_args!("the ledger has not yet answered all of them; nothing has to be done"));
        }
    }
}
