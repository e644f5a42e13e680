//! A commissioner's SUS extract: its rows in parts, then its adoption.
//!
//! The file is read by a mapping profile; the shipped one also knows the fields' names as in `almoner.referrals.v1.SusRow`. A row
//! that is wrong stops the whole: what is compared must be what the commissioner sent.

use super::source::{self, Source};
use crate::output;
use activity_files::{Field, Row, Value};
use anyhow::{Context as _, ensure};
use client::Connection;
use core::ops::ControlFlow;
use nhs::OdsCode;
use proto::referrals::v1;
use tokio::sync::mpsc;

/// Rows of one part: what the server takes.
const ROWS_PER_PART: usize = 2_000;

/// Problems that are written out; the rest are counted.
const PROBLEMS_SHOWN: usize = 50;

/// Parts that wait between the file and the server.
const PARTS_AHEAD: usize = 1;

/// Rows in a row, as they are sent.
#[derive(Debug, Default)]
struct Part {
    rows: Vec<v1::SusRow>,
    /// The line of the file of each.
    file_lines: Vec<u64>,
    /// How many rows of other providers were passed over by then.
    others: u64,
}

/// The rows of `provider`, where the file says whose each is, part by part and no further ahead than they are sent. The last part may be
/// empty.
fn parts(source: &Source, provider: OdsCode) -> mpsc::Receiver<anyhow::Result<Part>> {
    let (parts, receiver) = mpsc::channel(PARTS_AHEAD);
    let source = source.clone();
    tokio::task::spawn_blocking(move || {
        let mut part = Part::default();
        let read = source.rows_until(|row| {
            match row.text(Field::Provider).parse::<OdsCode>() {
                Ok(other) if other.organisation() != provider.organisation() => part.others += 1,
                Ok(_) | Err(_) => {
                    part.rows.push(sus_row(row));
                    part.file_lines.push(row.line);
                }
            }
            if part.rows.len() < ROWS_PER_PART {
                return ControlFlow::Continue(());
            }
            let next = Part { others: part.others, ..Part::default() };
            match parts.blocking_send(Ok(core::mem::replace(&mut part, next))) {
                Ok(()) => ControlFlow::Continue(()),
                // Whoever sends has given up.
                Err(_) => ControlFlow::Break(()),
            }
        });
        let _ = parts.blocking_send(read.map(|()| part));
    });
    receiver
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

/// Rows that the server keeps.
#[derive(Debug)]
pub(super) struct Stored {
    parts: Vec<Vec<u8>>,
    /// How many.
    pub(super) rows: u64,
    /// Rows of other providers, which were passed over.
    pub(super) others: u64,
}

/// What the server takes of a file, part by part.
#[derive(Debug, Default)]
struct Taken {
    parts: Vec<Vec<u8>>,
    rows: u64,
    others: u64,
    problems: usize,
}

impl Taken {
    /// Notes what the server said of a part, and shows what is wrong with its rows.
    fn note(&mut self, part: &Part, stored: v1::StoreExtractRowsResponse) {
        for v1::RowProblem { row, problem } in stored.problems {
            let index =
                row.checked_sub(self.rows.saturating_add(1)).and_then(|index| usize::try_from(index).ok());
            let line = index.and_then(|index| part.file_lines.get(index)).copied().unwrap_or_default();
            if self.problems < PROBLEMS_SHOWN {
                let problem = problem.unwrap_or_default();
                let (field, reason, message) = (problem.field, problem.reason, problem.message);
                output::note(format_args!("line {line}: {field} {reason}: {message}"));
            }
            self.problems += 1;
        }
        self.parts.push(stored.part);
        self.rows = self.rows.saturating_add(part.rows.len() as u64);
    }
}

/// Sends the rows of `provider` in a file over `connection`, to be adopted with [`adopt`]. Errors when a row is wrong.
pub(super) async fn store(
    connection: &Connection,
    system: &str,
    provider: OdsCode,
    cut: &v1::Cut,
    source: &Source,
) -> anyhow::Result<Stored> {
    let mut taken = Taken::default();
    let mut parts = parts(source, provider);
    while let Some(part) = parts.recv().await {
        let part = part?;
        taken.others = part.others;
        if part.rows.is_empty() {
            continue;
        }
        let request = v1::StoreExtractRowsRequest {
            system: system.to_owned(),
            provider: provider.to_string(),
            period: cut.period.clone(),
            first_row: taken.rows.saturating_add(1),
            rows: part.rows.clone(),
        };
        let stored = connection.ask(request).await.context("the rows were not taken")?;
        taken.note(&part, stored);
    }
    let Taken { parts, rows, others, problems } = taken;
    ensure!(rows > 0, "none of its {others} rows is of provider {provider}");
    ensure!(problems == 0, "the extract was not adopted: {problems} problems in its rows");
    Ok(Stored { parts, rows, others })
}

/// Has what was stored of a file adopted for the provider and cut.
pub(super) async fn adopt(
    connection: &Connection,
    system: &str,
    provider: OdsCode,
    cut: v1::Cut,
    source: &Source,
    stored: Stored,
) -> anyhow::Result<v1::AdoptExtractResponse> {
    let request = v1::AdoptExtractRequest {
        system: system.to_owned(),
        request_id: client::new_request_id(),
        provider: provider.to_string(),
        cut: Some(cut),
        file_digest: source.digest.0.to_vec(),
        parts: stored.parts,
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

    /// The rows of NT3 as they are sent, and how many were passed over.
    async fn read(text: &str) -> anyhow::Result<(Vec<Vec<v1::SusRow>>, u64)> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        let mapping = source::mapping(Kind::Sus, None)?;
        let source = Source::examine(file.path(), mapping, Contents::Sus, &Choices::default())?;
        let (mut sent, mut others, mut parts) = (Vec::new(), 0, parts(&source, "NT3".parse()?));
        while let Some(part) = parts.recv().await {
            let part = part?;
            assert_eq!(part.rows.len(), part.file_lines.len());
            sent.push(part.rows);
            others = part.others;
        }
        Ok((sent, others))
    }

    #[tokio::test]
    async fn normalised_and_local_headings_are_read_and_an_amount_that_is_none_is_sent_as_such() {
        let ours = "cds_identifier,activity_date,price_gbp,commissioner,point_of_delivery\n\
            A1,2017-06-12,166.72,10M,OPFASPCL\nA2,2017-06-31,x,10M,DC\n";
        let (parts, _) = read(ours).await.unwrap();
        let prices: Vec<_> = parts[0].iter().map(|row| row.price_pence).collect();
        assert_eq!(prices, [166_72, -1]);
        let local = "Provider;Spell Number;Start Date;Discharge Date;PbR Final Tariff;Commissioner Code;POD;NHS Number\n\
            RHW00;S0;12/06/2017;13/06/2017;1;10M00;DC;\nNT300;S1;12/06/2017;13/06/2017;1,205.03;10M00;DC;9434765919\n";
        let (parts, others) = read(local).await.unwrap();
        let row = &parts[0][0];
        assert_eq!((row.local_identifier.as_str(), row.price_pence, others), ("S1", 1_205_03, 1));
        assert_eq!(row.activity_date.map(|date| date.day), Some(13));
        assert!(!format!("{row:?}").contains("943476"), "no patient identity");
        let lacking = read("cds_identifier,nhs_number\nA1,1\n").await.unwrap_err();
        assert!(format!("{lacking:#}").contains("Price Pence (for claimed)"), "{lacking:#}");
    }

    #[tokio::test]
    async fn a_long_extract_is_never_whole_in_memory() {
        let mut text =
            "provider,cds_identifier,activity_date,price_gbp,commissioner,point_of_delivery\n".to_owned();
        for n in 0..4_500 {
            let provider = if n % 3 == 0 { "RHW" } else { "NT3" };
            text.push_str(&format!("{provider},A{n},2017-06-12,1.00,10M,DC\n"));
        }
        let (parts, others) = read(&text).await.unwrap();
        assert_eq!((parts.iter().map(Vec::len).collect::<Vec<_>>(), others), (vec![2_000, 1_000], 1_500));
    }
}
