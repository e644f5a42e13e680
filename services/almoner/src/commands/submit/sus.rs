//! A commissioner's SUS extract: its rows in parts, then its adoption.
//!
//! The file is read by a mapping profile; the shipped one also knows the fields' names as in `almoner.referrals.v1.SusRow`. A row
//! that is wrong stops the whole: what is compared must be what the commissioner sent.

use super::source::{self, Source};
use crate::output;
use activity_files::{Field, Row, Value};
use anyhow::{Context as _, bail, ensure};
use client::Connection;
use journal::Digest;
use nhs::OdsCode;
use proto::referrals::v1;

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

impl ExtractFile {
    /// Reads the rows of a file that can be used: where it says whose each row is, those of `provider`.
    pub(super) fn of(source: &Source, provider: OdsCode) -> anyhow::Result<Self> {
        let (mut rows, mut others) = (Vec::new(), 0_u64);
        source.each_row(|row| match row.text(Field::Provider).parse::<OdsCode>() {
            Ok(other) if other.organisation() != provider.organisation() => others += 1,
            Ok(_) | Err(_) => rows.push(sus_row(row)),
        })?;
        ensure!(!rows.is_empty(), "none of its {others} rows is of provider {provider}");
        if others > 0 {
            output::note(format_args!("  {others} rows of other providers passed over"));
        }
        Ok(Self { digest: source.digest, rows })
    }
}

/// A row as it is sent: what it is compared by, and nothing about the patient.
fn sus_row(row: &Row) -> v1::SusRow {
    let text = |field| row.text(field).to_owned();
    let discharged = source::date(row, Field::EndDate);
    v1::SusRow {
        cds_identifier: text(Field::CdsIdentifier),
        local_identifier: text(Field::LocalIdentifier),
        activity_date: discharged.or_else(|| source::date(row, Field::StartDate)),
        commissioner: text(Field::Commissioner),
        point_of_delivery: text(Field::PointOfDelivery),
        hrg: text(Field::Hrg),
        mff: text(Field::MarketForcesFactor),
        price_pence: match row.claimed_pence() {
            Value::Good(pence) => pence,
            Value::Blank | Value::Bad => source::UNREADABLE,
        },
    }
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
    use activity_files::{Choices, Contents, Kind};

    #[test]
    fn normalised_and_local_headings_are_read_and_an_amount_that_is_none_is_sent_as_such() {
        let read = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let mapping = source::mapping(Kind::Sus, None).unwrap();
            let source = Source::examine(file.path(), mapping, Contents::Sus, &Choices::default())?;
            ExtractFile::of(&source, "NT3".parse().unwrap())
        };
        let ours = "cds_identifier,activity_date,price_gbp,commissioner,point_of_delivery\n\
            A1,2017-06-12,166.72,10M,OPFASPCL\nA2,2017-06-31,x,10M,DC\n";
        let extract = read(ours).unwrap();
        let prices: Vec<_> = extract.rows.iter().map(|row| row.price_pence).collect();
        assert_eq!(prices, [166_72, -1]);
        let local = "Provider;Spell Number;Start Date;Discharge Date;PbR Final Tariff;Commissioner Code;POD;NHS Number\n\
            RHW00;S0;12/06/2017;13/06/2017;1;10M00;DC;\nNT300;S1;12/06/2017;13/06/2017;1,205.03;10M00;DC;9434765919\n";
        let row = &read(local).unwrap().rows[0];
        assert_eq!((row.local_identifier.as_str(), row.price_pence), ("S1", 1_205_03));
        assert_eq!(row.activity_date.map(|date| date.day), Some(13));
        assert!(!format!("{row:?}").contains("943476"), "no patient identity");
        let lacking = read("cds_identifier,nhs_number\nA1,1\n").unwrap_err();
        assert!(format!("{lacking:#}").contains("Price Pence (for claimed)"), "{lacking:#}");
    }
}
