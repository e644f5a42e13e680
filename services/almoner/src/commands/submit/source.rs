//! The file: looked at once, then read row by row on a thread of its own.

use activity_files::{Choices, Contents, Field, Kind, Mapping, Plan, Row, Understood, Value};
use anyhow::{Context as _, bail, ensure};
use core::ops::ControlFlow;
use journal::Digest;
use nhs::PostcodeDistrict;
use proto::{google::r#type::Date, referrals::v1};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Lines of one batch: half of what the server takes.
pub(super) const LINES_PER_BATCH: usize = 1_000;

/// Batches that wait between the file and the stream.
const BATCHES_AHEAD: usize = 2;

/// Sent for an amount that cannot be read: the server answers that it is none.
pub(super) const UNREADABLE: i64 = -1;

/// A file that can be used.
#[derive(Debug, Clone)]
pub(super) struct Source {
    path: PathBuf,
    /// What was understood of it.
    pub(super) understood: Understood,
    /// SHA-256 of its bytes: the same file is the same submission.
    pub(super) digest: Digest,
}

/// What the sender wants back with each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sender {
    /// The line of the file.
    pub(super) file_line: u64,
    /// The sender's own reference.
    pub(super) reference: String,
}

/// Rows in a row.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) first_row: u64,
    pub(super) lines: Vec<v1::ActivityLine>,
    pub(super) senders: Vec<Sender>,
}

/// Batches as they are read; an error ends them.
pub(super) type Batches = mpsc::Receiver<anyhow::Result<Batch>>;

/// The mapping to read by: a file's, or the shipped one of that kind.
pub(super) fn mapping(kind: Kind, file: Option<&Path>) -> anyhow::Result<Mapping> {
    let Some(path) = file else { return Ok(Mapping::shipped(kind)?) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Mapping::parse(&text).with_context(|| format!("{} is not a mapping profile", path.display()))
}

impl Source {
    /// Reads the file through once. Errors when it cannot be used, before anything is sent.
    pub(super) fn examine(
        path: &Path,
        mapping: Mapping,
        contents: Contents,
        choices: &Choices,
    ) -> anyhow::Result<Self> {
        if mapping.contents != contents {
            let (name, words) = (&mapping.name, |contents| match contents {
                Contents::Activity => "activity",
                Contents::Sus => "SUS extracts: pass --kind sus",
                Contents::Referrals => "referrals: pass --kind referrals",
            });
            bail!("the mapping {name} is of {}", words(mapping.contents));
        }
        let mut hashed = Hashed::open(path)?;
        let examined = activity_files::examine(&mut hashed, &Arc::new(mapping), choices);
        let understood = examined.with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(Self { path: path.to_owned(), understood, digest: hashed.finish()? })
    }

    /// Gives every row of the file to `each`, in order.
    pub(super) fn each_row(&self, mut each: impl FnMut(&Row)) -> anyhow::Result<()> {
        self.rows_until(|row| {
            each(row);
            ControlFlow::Continue(())
        })
    }

    /// Gives the rows of the file to `each`, in order, until that breaks off.
    pub(super) fn rows_until(&self, mut each: impl FnMut(&Row) -> ControlFlow<()>) -> anyhow::Result<()> {
        let mut hashed = Hashed::open(&self.path)?;
        for row in self.understood.plan.rows(&mut hashed)? {
            if each(&row?).is_break() {
                return Ok(());
            }
        }
        ensure!(hashed.finish()? == self.digest, activity_files::Unusable::Changed);
        Ok(())
    }

    /// Reads the file again, batch by batch, no further ahead than the stream can use.
    pub(super) fn batches(&self) -> Batches {
        let (batches, receiver) = mpsc::channel(BATCHES_AHEAD);
        let (path, plan, digest) = (self.path.clone(), self.understood.plan.clone(), self.digest);
        let rows = self.understood.rows;
        tokio::task::spawn_blocking(move || {
            // A stream that was given up reads no more.
            if let Err(error) = send_batches(&path, &plan, digest, rows, &batches) {
                let error = error.context(format!("{} cannot be used", path.display()));
                let _ = batches.blocking_send(Err(error));
            }
        });
        receiver
    }
}

fn send_batches(
    path: &Path,
    plan: &Plan,
    digest: Digest,
    rows: u64,
    batches: &mpsc::Sender<anyhow::Result<Batch>>,
) -> anyhow::Result<()> {
    let mut hashed = Hashed::open(path)?;
    let mut batch = Batch::new(1);
    let mut count = 0;
    for row in plan.rows(&mut hashed)? {
        let row = row?;
        count = row.number;
        batch.push(&row);
        if batch.lines.len() == LINES_PER_BATCH {
            let full = std::mem::replace(&mut batch, Batch::new(row.number.saturating_add(1)));
            if batches.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    if !batch.lines.is_empty() {
        let _ = batches.blocking_send(Ok(batch));
    }
    ensure!(count == rows && hashed.finish()? == digest, activity_files::Unusable::Changed);
    Ok(())
}

impl Batch {
    fn new(first_row: u64) -> Self {
        Self { first_row, lines: Vec::new(), senders: Vec::new() }
    }

    fn push(&mut self, row: &Row) {
        self.lines.push(line(row));
        self.senders.push(Sender { file_line: row.line, reference: row.reference().to_owned() });
    }
}

/// A row as it is sent. What cannot be read is sent all the same, so that it is answered with every fault at once.
fn line(row: &Row) -> v1::ActivityLine {
    let text = |field| row.text(field).to_owned();
    let excluded = row.text(Field::ExcludedDays);
    v1::ActivityLine {
        cds_identifier: text(Field::CdsIdentifier),
        nhs_number: text(Field::NhsNumber),
        site: text(Field::Site),
        practice: text(Field::Practice),
        commissioner: text(Field::Commissioner),
        treatment_function: text(Field::TreatmentFunction),
        point_of_delivery: text(Field::PointOfDelivery),
        start_date: date(row, Field::StartDate),
        end_date: date(row, Field::EndDate),
        claimed_pence: match row.claimed_pence() {
            Value::Good(pence) => pence,
            Value::Blank | Value::Bad => UNREADABLE,
        },
        hrg: text(Field::Hrg),
        first_attendance: text(Field::FirstAttendance),
        attended: text(Field::Attended),
        admission_method: text(Field::AdmissionMethod),
        patient_classification: text(Field::PatientClassification),
        ubrn: text(Field::Ubrn),
        administrative_category: text(Field::AdministrativeCategory),
        local_identifier: text(Field::LocalIdentifier),
        claimed_mff: text(Field::MarketForcesFactor),
        pathway_identifier: text(Field::Pathway),
        residence: residence(row),
        overseas_visitor: text(Field::OverseasVisitor),
        // More days than any stay has: what is no number is refused as such.
        excluded_days: if excluded.is_empty() { 0 } else { excluded.parse().unwrap_or(u32::MAX) },
    }
}

/// The outward part of a postcode: the rest names a street, and is not sent. What is no postcode is sent as a sign of that.
pub(super) fn residence(row: &Row) -> String {
    let text = row.text(Field::Residence).to_uppercase();
    let district = text.parse::<PostcodeDistrict>().or_else(|_| PostcodeDistrict::of_postcode(&text));
    match district {
        Ok(district) => district.to_string(),
        Err(_) if text.is_empty() => text,
        Err(_) => "?".to_owned(),
    }
}

/// What is no date is sent as one that does not exist, so that it is answered as such; nothing is sent as nothing.
pub(super) fn date(row: &Row, field: Field) -> Option<Date> {
    match row.date(field) {
        Value::Blank => None,
        Value::Bad => Some(Date { year: 0, month: 0, day: 0 }),
        Value::Good(date) => Some(wire::common::date(date)),
    }
}

/// A file whose digest is taken as it is read.
struct Hashed {
    file: File,
    hasher: Sha256,
}

impl Hashed {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self { file, hasher: Sha256::new() })
    }

    /// The digest of all of it.
    fn finish(mut self) -> anyhow::Result<Digest> {
        io::copy(&mut self, &mut io::sink()).context("the file cannot be read")?;
        Ok(Digest(self.hasher.finalize().into()))
    }
}

impl Read for Hashed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.hasher.update(out.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "cds_identifier,nhs_number,site,practice,commissioner,treatment_function,point_of_delivery,\
        start_date,claimed_gbp,excluded_days\n";

    fn examine(text: &str) -> anyhow::Result<(Source, tempfile::NamedTempFile)> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        let choices = Choices { provider: Some("NT3".parse()?), ..Choices::default() };
        Ok((Source::examine(file.path(), mapping(Kind::Native, None)?, Contents::Activity, &choices)?, file))
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_sent_as_such() {
        let rows = "A1,,,,,,,2017-06-12,166.72,\nA2,,,,,,,12/06/2017,£x,two\nA3\n";
        let (source, _file) = examine(&format!("{HEADER}{rows}")).unwrap();
        let batch = source.batches().recv().await.unwrap().unwrap();
        let date = |line: &v1::ActivityLine| {
            line.start_date.and_then(wire::common::date_from).map(|d| d.to_string())
        };
        let seen: Vec<_> =
            batch.lines.iter().map(|line| (date(line), line.claimed_pence, line.excluded_days)).collect();
        assert_eq!(seen, [(Some("2017-06-12".into()), 16_672, 0), (None, -1, u32::MAX), (None, -1, 0)]);
        assert!(batch.lines[1].start_date.is_some() && batch.lines[2].start_date.is_none());
        assert_eq!(batch.senders[2], Sender { file_line: 4, reference: "A3".into() });
        for bad in ["", "a,b\n1,2\n", HEADER] {
            assert!(examine(bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn batches_follow_one_another_and_a_changed_file_is_noticed() {
        let rows: String = (0..2_500).map(|row| format!("A{row},,,,,,,2017-06-12,1,\n")).collect();
        let (source, file) = examine(&format!("{HEADER}{rows}")).unwrap();
        let mut batches = source.batches();
        let mut seen = Vec::new();
        while let Some(batch) = batches.recv().await {
            let batch = batch.unwrap();
            seen.push((batch.first_row, batch.lines.len()));
        }
        assert_eq!(seen, [(1, 1_000), (1_001, 1_000), (2_001, 500)]);
        let other = format!("{HEADER}{}", rows.replace("A2499", "B2499"));
        std::fs::write(file.path(), other).unwrap();
        let mut batches = source.batches();
        let mut last = Ok(Batch::new(0));
        while let Some(batch) = batches.recv().await {
            last = batch;
        }
        assert!(format!("{:#}", last.unwrap_err()).contains("changed while it was read"));
    }
}
