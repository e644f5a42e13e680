//! The file in which a provider answers challenges.

use anyhow::{Context as _, ensure};
use proto::referrals::v1;
use std::path::Path;

const HEADS: [&str; 9] = [
    "challenge",
    "cds_identifier",
    "line",
    "grounds",
    "contested_pence",
    "state",
    "answer_by",
    "conceded_pence",
    "answer_text",
];

/// One answer of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its row, from 1.
    pub(crate) row: usize,
    pub(crate) challenge: u64,
    pub(crate) conceded_pence: i64,
    pub(crate) text: String,
}

/// Writes challenges, one a row; the last two columns are the provider's to fill in.
pub(crate) fn write(path: &Path, challenges: &[v1::Challenge]) -> anyhow::Result<()> {
    let unwritten = || format!("{} cannot be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(unwritten)?;
    writer.write_record(HEADS).with_context(unwritten)?;
    for row in challenges {
        let conceded = row.conceded_pence.map(|pence| pence.to_string()).unwrap_or_default();
        let cells = [
            row.challenge.to_string(),
            row.cds_identifier.clone(),
            row.line.to_string(),
            row.grounds.join(" "),
            row.amount_pence.to_string(),
            super::word(row.state()),
            crate::output::date(row.answer_by_date),
            conceded,
            String::new(),
        ];
        writer.write_record(cells).with_context(unwritten)?;
    }
    writer.flush().with_context(unwritten)
}

/// Reads the answers of a file; rows without one are passed over.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Answer>> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&bytes).with_context(|| format!("{} is not a file of challenges", path.display()))
}

fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Answer>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let heads = reader.headers()?.clone();
    let column = |name: &str| heads.iter().position(|head| head == name);
    let challenge = column("challenge").context("it has no column challenge")?;
    let conceded = column("conceded_pence").context("it has no column conceded_pence")?;
    let text = column("answer_text");
    let mut answers = Vec::new();
    for (row, record) in (1..).zip(reader.records()) {
        let record = record.with_context(|| format!("row {row} cannot be read"))?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        if cell(conceded).is_empty() {
            continue;
        }
        let conceded_pence: i64 =
            cell(conceded).parse().ok().with_context(|| format!("row {row}: conceded_pence is no amount"))?;
        ensure!(conceded_pence >= 0, "row {row}: conceded_pence is negative");
        let challenge =
            cell(challenge).parse().ok().with_context(|| format!("row {row}: challenge is no number"))?;
        let text = text.map(cell).unwrap_or_default().to_owned();
        answers.push(Answer { row, challenge, conceded_pence, text });
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_when_it_is_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("challenges.csv");
        let row =
            |challenge, conceded_pence| v1::Challenge { challenge, conceded_pence, ..Default::default() };
        write(&path, &[row(7, None), row(8, Some(500))]).unwrap();
        let answer =
            |row, challenge, text: &str| Answer { row, challenge, conceded_pence: 500, text: text.into() };
        assert_eq!(read(&path).unwrap(), [answer(2, 8, "")], "what has no answer is passed over");
        let filled = "challenge,conceded_pence,answer_text\n7,500,\"twice, by mistake\"\n8,,\n";
        assert_eq!(parse(filled.as_bytes()).unwrap(), [answer(1, 7, "twice, by mistake")]);
        for bad in
            ["", "challenge\n1\n", "challenge,conceded_pence\n1,£5\n", "challenge,conceded_pence\nx,5\n"]
        {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
