//! A commissioner's SUS extract: its rows in parts, then its adoption.
//!
//! The file is CSV with a header of the fields' names as in `almoner.referrals.v1.SusRow`; the price stands in `price_pence`,
//! or in pounds in `price_gbp`. A row that is wrong stops the whole: what is compared must be what the commissioner sent.

use super::file;
use crate::output;
use anyhow::{Context as _, bail, ensure};
use client::Connection;
use csv::StringRecord;
use journal::Digest;
use proto::referrals::v1;
use std::{fs, path::Path};

/// Rows of one part: what the server takes.
const ROWS_PER_PART: usize = 2_000;

/// Problems that are written out; the rest are counted.
const PROBLEMS_SHOWN: usize = 50;

/// An extract as it is sent.
#[derive(Debug)]
pub(crate) struct ExtractFile {
    /// SHA-256 of the file's bytes.
    pub(crate) digest: Digest,
    /// Its rows; row 1 is the first after the header.
    pub(crate) rows: Vec<v1::SusRow>,
}

/// Where each field stands, by its name in the header.
type Setter = fn(&mut v1::SusRow, &str);

impl ExtractFile {
    /// Reads a file. Errors when it has no header that fits; never for what a row says.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is not a SUS extract", path.display()))
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let setters: Vec<Setter> = reader.headers()?.iter().map(setter).collect::<anyhow::Result<_>>()?;
        ensure!(!setters.is_empty(), "it has no header");
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(row(&record?, &setters));
        }
        ensure!(!rows.is_empty(), "it has no rows");
        Ok(Self { digest: Digest::of(bytes), rows })
    }
}

fn row(record: &StringRecord, setters: &[Setter]) -> v1::SusRow {
    let mut row = v1::SusRow { price_pence: file::UNREADABLE, ..v1::SusRow::default() };
    for (set, text) in setters.iter().zip(record) {
        set(&mut row, text);
    }
    row
}

fn setter(heading: &str) -> anyhow::Result<Setter> {
    Ok(match heading {
        "cds_identifier" => |row, text| row.cds_identifier = text.into(),
        "local_identifier" => |row, text| row.local_identifier = text.into(),
        "activity_date" => |row, text| row.activity_date = file::date(text),
        "commissioner" => |row, text| row.commissioner = text.into(),
        "point_of_delivery" => |row, text| row.point_of_delivery = text.into(),
        "hrg" => |row, text| row.hrg = text.into(),
        "mff" => |row, text| row.mff = text.into(),
        "price_pence" => |row, text| row.price_pence = text.parse().unwrap_or(file::UNREADABLE),
        "price_gbp" => |row, text| row.price_pence = file::pounds(text).unwrap_or(file::UNREADABLE),
        other => bail!("its header has a column that is not known: {other}"),
    })
}

/// Sends an extract over `connection` and has it adopted for the provider and cut.
pub(crate) async fn send(
    connection: &Connection,
    system: &str,
    provider: &str,
    cut: v1::Cut,
    extract: &ExtractFile,
) -> anyhow::Result<v1::AdoptExtractResponse> {
    let mut parts = Vec::new();
    let mut problems = Vec::new();
    for (rows, before) in extract.rows.chunks(ROWS_PER_PART).zip((0_u64..).step_by(ROWS_PER_PART)) {
        let request = v1::StoreExtractRowsRequest {
            system: system.to_owned(),
            provider: provider.to_owned(),
            period: cut.period.clone(),
            first_row: before.saturating_add(1),
            rows: rows.to_vec(),
        };
        let stored = connection.ask(request).await.context("the rows were not taken")?;
        parts.push(stored.part);
        problems.extend(stored.problems);
    }
    if !problems.is_empty() {
        for v1::RowProblem { row, problem } in problems.iter().take(PROBLEMS_SHOWN) {
            let problem = problem.clone().unwrap_or_default();
            output::note(format_args!(
                "row {row}: {} {}: {}",
                problem.field, problem.reason, problem.message
            ));
        }
        bail!("the extract was not adopted: {} problems in its rows", problems.len());
    }
    let request = v1::AdoptExtractRequest {
        system: system.to_owned(),
        request_id: client::new_request_id(),
        provider: provider.to_owned(),
        cut: Some(cut),
        file_digest: extract.digest.0.to_vec(),
        parts,
    };
    connection.ask(request).await.context("the extract was not adopted")
}

/// Says what was adopted.
pub(super) fn summary(adopted: &v1::AdoptExtractResponse) {
    let extract = adopted.extract.clone().unwrap_or_default();
    let known = if adopted.existing { ", in force before" } else { "" };
    output::line(format_args!(
        "extract {}, version {}{known}: {} rows, {}",
        extract.position,
        extract.version,
        extract.rows,
        money::NetPence::new(extract.total_pence)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_not_known_is_named_and_an_amount_that_is_none_is_sent_as_such() {
        let text = "cds_identifier,activity_date,price_gbp\nA1,2017-06-12,166.72\nA2,2017-06-31,£3\n";
        let extract = ExtractFile::parse(text.as_bytes()).unwrap();
        let prices: Vec<_> = extract.rows.iter().map(|row| row.price_pence).collect();
        assert_eq!(prices, [166_72, -1]);
        let refused = ExtractFile::parse(b"cds_identifier,nhs_number\nA1,1\n").unwrap_err();
        assert!(refused.to_string().contains("nhs_number"));
        assert!(ExtractFile::parse(b"cds_identifier\n").is_err(), "no rows");
    }
}
