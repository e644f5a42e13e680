//! Referrals from a file: an extract of the e-Referral Service, a triage service's list, or our own columns.
//!
//! A referral's request id follows from the file and its row, so that the same file sent again is answered as before, row by
//! row, and whatever interrupted it is taken up by sending it again. What is answered names no price and no budget: whoever
//! refers does not see them.

use super::source::{self, Sender, Source};
use crate::output;
use activity_files::{Choices, Contents, Field, Kind, Row, Understood};
use anyhow::{Context as _, bail, ensure};
use client::Connection;
use journal::{RequestId, derived_request_id};
use proto::referrals::v1;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

/// Referrals of one call: half of what the server takes.
const REFERRALS_PER_CALL: usize = 500;

/// Fewest referrals that say whose file it is.
const TELLING_ROWS_MIN: usize = 10;

/// How a file is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How<'a> {
    /// As new, although the same file was sent before.
    pub(crate) again: bool,
    /// Checked only.
    pub(crate) validate_only: bool,
    /// Although none of its first referrals is for a commissioner of this system.
    pub(crate) force: bool,
    /// Where each row's answer is written.
    pub(crate) answers: Option<&'a Path>,
}

/// What became of a file.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    recorded: u64,
    refused: u64,
    replayed: u64,
    first_refused: Option<u64>,
    reasons: BTreeMap<String, u64>,
    pending: bool,
    answers: Option<PathBuf>,
}

/// Sends a file that is headed by the names of our own fields.
pub(crate) async fn file(
    connection: &Connection,
    system: &str,
    path: &Path,
    validate_only: bool,
) -> anyhow::Result<Summary> {
    let mapping = source::mapping(Kind::Referrals, None)?;
    let source = Source::examine(path, mapping, Contents::Referrals, &Choices::default())?;
    send(connection, system, &source, &How { validate_only, ..How::default() }).await
}

/// Sends a file that can be used.
pub(super) async fn send(
    connection: &Connection,
    system: &str,
    source: &Source,
    how: &How<'_>,
) -> anyhow::Result<Summary> {
    let mut rows = Vec::new();
    source.each_row(|row| rows.push(read(row)))?;
    let base = base(source, how.again)?;
    let mut response = how.answers.map(|path| Response::create(path, &source.understood)).transpose()?;
    let (mut summary, mut progress) =
        (Summary::default(), super::progress::Progress::new(source.understood.rows));
    let ask = async |part: &[(u64, Sender, v1::ReferralSubmission)], validate_only| {
        let item = |(row, _, referral): &(u64, Sender, v1::ReferralSubmission)| v1::ReferralItem {
            request_id: derived_request_id("referral-row", base, &row.to_le_bytes()).to_string(),
            referral: Some(referral.clone()),
        };
        let items = part.iter().map(item).collect();
        let request = v1::RecordReferralsRequest { system: system.to_owned(), items, validate_only };
        connection.ask(request).await.context("the referrals were not recorded")
    };
    if let Some(first) = rows.chunks(REFERRALS_PER_CALL).next().filter(|_| !how.force) {
        is_of_this_system(system, &ask(first, true).await?.results)?;
    }
    for part in rows.chunks(REFERRALS_PER_CALL) {
        let answer = ask(part, how.validate_only).await?;
        summary.pending |= answer.posting() == v1::Posting::Pending;
        ensure!(answer.results.len() == part.len(), "the server answered another number of referrals");
        for ((row, sender, _), result) in part.iter().zip(&answer.results) {
            summary.count(*row, result);
            if let Some(response) = &mut response {
                response.write(*row, sender, result)?;
            }
        }
        progress.answered(part.len());
    }
    progress.done();
    summary.answers = response.map(Response::finish).transpose()?;
    Ok(summary)
}

/// What the ids of a file's rows are derived from: the file, and a day that it names.
fn base(source: &Source, again: bool) -> anyhow::Result<RequestId> {
    let day = source.understood.dates.as_ref().map(|dates| dates.read_as).unwrap_or_default();
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).context("its dates are none")?;
    let millisecond = u64::try_from(midnight.timestamp().as_millisecond()).unwrap_or(0);
    let mut hasher = Sha256::new().chain_update(b"referrals").chain_update(source.digest.0);
    if again {
        hasher.update(uuid::Uuid::new_v4().as_bytes());
    }
    let hash = hasher.finalize();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millisecond.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&hash[..10]);
    // RFC 9562 section 5.8: version 8 in the high nibble of octet 6, variant 10 in the top bits of octet 8.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(RequestId::from_bytes(bytes)?)
}

/// A row as it is sent. What cannot be read is sent all the same, so that it is answered with every fault at once.
fn read(row: &Row) -> (u64, Sender, v1::ReferralSubmission) {
    let text = |field| row.text(field).to_owned();
    let offered = row.text(Field::Offered).split([' ', ',', ';', '|']).filter(|code| !code.is_empty());
    let referral = v1::ReferralSubmission {
        nhs_number: text(Field::NhsNumber),
        ubrn: text(Field::Ubrn),
        treatment_function: text(Field::TreatmentFunction),
        // Another word stays unspecified, which the server answers as missing.
        source: match row.text(Field::Source).to_ascii_lowercase().as_str() {
            "gp" => v1::ReferralSource::Gp,
            "other" => v1::ReferralSource::Other,
            _ => v1::ReferralSource::Unspecified,
        }
        .into(),
        referred_on: source::date(row, Field::ReferredOn),
        practice: text(Field::Practice),
        offered: offered.map(str::to_owned).collect(),
        provider: text(Field::Provider),
        site: text(Field::Site),
        pathway_identifier: text(Field::Pathway),
        no_choice_reason: no_choice(row.text(Field::NoChoice)),
        clock_start_date: source::date(row, Field::ClockStart),
        residence: source::residence(row),
    };
    let reference =
        [row.text(Field::Reference), row.text(Field::Ubrn)].into_iter().find(|text| !text.is_empty());
    let sender = Sender { file_line: row.line, reference: reference.unwrap_or_default().to_owned() };
    (row.number, sender, referral)
}

/// Why there was no choice; -1, which is no reason, for another word.
fn no_choice(word: &str) -> i32 {
    let reason = match word.to_ascii_lowercase().as_str() {
        "" => v1::NoChoiceReason::Unspecified,
        "urgent" => v1::NoChoiceReason::Urgent,
        "maternity" => v1::NoChoiceReason::Maternity,
        "detained" => v1::NoChoiceReason::Detained,
        "armed-forces" => v1::NoChoiceReason::ArmedForces,
        "patient-asked-referrer" => v1::NoChoiceReason::PatientAskedReferrer,
        "one-provider" => v1::NoChoiceReason::OneProvider,
        _ => return -1,
    };
    reason.into()
}

/// Errors when none of the first referrals is for a commissioner of this system: the file is another system's.
fn is_of_this_system(system: &str, results: &[v1::ReferralResult]) -> anyhow::Result<()> {
    let elsewhere =
        |result: &v1::ReferralResult| result.problems.iter().any(|p| p.reason == "WRONG_COMMISSIONER");
    // What is malformed has not been looked at.
    let malformed = |result: &v1::ReferralResult| result.problems.iter().any(|p| !p.field.is_empty());
    let readable: Vec<_> = results.iter().filter(|result| elsewhere(result) || !malformed(result)).collect();
    ensure!(
        readable.len() < TELLING_ROWS_MIN || !readable.iter().all(|result| elsewhere(result)),
        "none of its first {} referrals is for a commissioner of {system}: it may be the file for another system. Nothing was \
         sent; pass --force to send it all the same",
        readable.len(),
    );
    Ok(())
}

impl Summary {
    fn count(&mut self, row: u64, result: &v1::ReferralResult) {
        self.replayed += u64::from(result.replayed);
        if result.problems.is_empty() {
            self.recorded += 1;
            return;
        }
        self.refused += 1;
        self.first_refused = self.first_refused.or(Some(row));
        for problem in &result.problems {
            *self.reasons.entry(problem.reason.clone()).or_default() += 1;
        }
    }

    /// Says what became of it. Errors when any referral was refused, after everything is said.
    pub(crate) fn told(self, validate_only: bool) -> anyhow::Result<()> {
        let Self { recorded, refused, replayed, first_refused, reasons, pending, answers } = self;
        let done = if validate_only { "could be recorded" } else { "recorded" };
        output::line(format_args!("{recorded} referrals {done}, {refused} refused"));
        for (reason, count) in reasons {
            output::line(format_args!("  {count} refused: {reason}"));
        }
        let total = recorded + refused;
        if replayed == total {
            output::line(format_args!("all {total} had been answered before, and nothing was recorded"));
        } else if replayed > 0 {
            output::line(format_args!("{replayed} of them had been answered before"));
        }
        if pending {
            output::line(format_args!("the ledger has not yet answered all of them; nothing has to be done"));
        }
        if let Some(path) = answers {
            output::line(format_args!("every referral's answer is in {}", path.display()));
        }
        match first_refused {
            Some(row) => bail!("{refused} referrals were refused, the first in row {row}"),
            None => Ok(()),
        }
    }
}

/// The response file. It has its name when it is complete.
struct Response {
    path: PathBuf,
    part: PathBuf,
    writer: csv::Writer<File>,
    /// The sender's heading of each field.
    headings: BTreeMap<&'static str, String>,
}

impl Response {
    fn create(path: &Path, understood: &Understood) -> anyhow::Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut writer =
            csv::Writer::from_path(&part).with_context(|| format!("{} cannot be written", part.display()))?;
        let head =
            ["row", "file_line", "reference", "answer", "payer", "codes", "reasons", "position", "replayed"];
        writer.write_record(head).with_context(|| format!("{} cannot be written", part.display()))?;
        let headings = understood.columns.iter().rev();
        let headings = headings.map(|column| (column.field.name(), column.heading.clone())).collect();
        Ok(Self { path: path.to_owned(), part, writer, headings })
    }

    fn write(&mut self, row: u64, sender: &Sender, result: &v1::ReferralResult) -> anyhow::Result<()> {
        let codes: Vec<&str> = result.problems.iter().map(|problem| problem.reason.as_str()).collect();
        let reasons: Vec<String> = result.problems.iter().map(|problem| self.reason(problem)).collect();
        let fields = [
            row.to_string(),
            sender.file_line.to_string(),
            sender.reference.clone(),
            if codes.is_empty() { "recorded" } else { "refused" }.to_owned(),
            result.payer.clone(),
            codes.join(" "),
            reasons.join(" "),
            result.position.map(|position| position.to_string()).unwrap_or_default(),
            if result.replayed { "yes" } else { "" }.to_owned(),
        ];
        self.writer.write_record(fields).with_context(|| format!("{} cannot be written", self.part.display()))
    }

    /// A reason in words, with the column of the sender's own file that it is about.
    fn reason(&self, problem: &proto::common::v1::Problem) -> String {
        let field = problem.field.strip_prefix("referral.").unwrap_or(&problem.field);
        let field = field.split('[').next().unwrap_or(field);
        let known = ::referrals::Reason::ALL.iter().find(|reason| reason.code() == problem.reason);
        // Where the field says it all, the message is about it; else the reason has words of its own.
        let words = match known {
            Some(reason) if !problem.field.starts_with("referral.") => reason.meaning(),
            _ => problem.message.as_str(),
        };
        let field = if field.is_empty() { known.map_or("", |reason| reason.field()) } else { field };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn examine(kind: Kind, text: &str) -> (Source, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mapping = source::mapping(kind, None).unwrap();
        (Source::examine(file.path(), mapping, Contents::Referrals, &Choices::default()).unwrap(), file)
    }

    fn rows(kind: Kind, text: &str) -> Vec<(u64, Sender, v1::ReferralSubmission)> {
        let mut rows = Vec::new();
        examine(kind, text).0.each_row(|row| rows.push(read(row))).unwrap();
        rows
    }

    #[test]
    fn each_shipped_mapping_makes_the_same_referral() {
        let own = "ubrn,nhs_number,treatment_function,source,referred_on,practice,offered,provider,site\n\
            000049382716,9434765919,110,gp,2017-06-13,K81001,NT344 RHW,NT3,NT344\n";
        let ers = "UBRN,Patient NHS Number,Referral Date,UBRN Conversion Date,Referring Org Code,TFC,Referrer Type,\
            Services Shortlisted,Provider Code,Location Code,Clinic Type\n\
            000049382716,9434765919,12/06/2017,13/06/2017,K81001,110,03,NT344|RHW,NT3,NT344,x\n";
        let triage = "NHS No;UBRN;Date Referred;GP Practice;Specialty;Referred By;Options Given;Chosen Provider;Chosen Site\n\
            943 476 5919;000049382716;13-Jun-2017;K81001;110;General Practitioner;NT344, RHW;NT3;NT344\n";
        let expected = rows(Kind::Referrals, own).remove(0).2;
        assert_eq!((expected.source(), expected.offered.len()), (v1::ReferralSource::Gp, 2));
        for (kind, text) in [(Kind::Ers, ers), (Kind::Triage, triage)] {
            let mut found = rows(kind, text).remove(0).2;
            found.nhs_number.retain(|c| c != ' ');
            assert_eq!(found, expected, "{kind:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_sent_as_such() {
        let text = "UBRN,NHS No,Date Referred,GP Practice,Specialty,Referrer,Chosen Provider\n\
            ,1,31/06/2017,?,x,Faith healer,\n,1,30/06/2017,?,x,MSK,RHW\n";
        let rows = rows(Kind::Triage, text);
        assert_eq!(rows[0].2.source(), v1::ReferralSource::Unspecified);
        assert!(rows[0].2.referred_on.is_some_and(|date| wire::common::date_from(date).is_none()));
        assert_eq!((rows[1].0, rows[1].1.file_line, rows[1].2.source()), (2, 3, v1::ReferralSource::Other));
    }

    #[test]
    fn the_same_file_has_the_same_ids_until_it_is_meant_as_new() {
        let text =
            "NHS No,Date Referred,GP Practice,Specialty,Referrer,Chosen Provider\n1,30/06/2017,?,x,GP,RHW\n";
        let (source, _file) = examine(Kind::Triage, text);
        let (same, _other_file) = examine(Kind::Triage, text);
        let (changed, _changed_file) = examine(Kind::Triage, &text.replace("RHW", "NT3"));
        let id = base(&source, false).unwrap();
        assert_eq!(id, base(&same, false).unwrap());
        assert_eq!(id.millisecond(), 1_498_780_800_000, "midnight of the day that it names");
        assert_ne!(id, base(&changed, false).unwrap());
        assert_ne!(id, base(&source, true).unwrap());
    }
}
