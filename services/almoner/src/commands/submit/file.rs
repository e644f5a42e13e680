//! The activity file.

use anyhow::{Context as _, bail, ensure};
use csv::StringRecord;
use journal::Digest;
use proto::{google::r#type::Date, referrals::v1};
use std::{fs, path::Path};

/// An activity file as it is sent.
#[derive(Debug)]
pub(super) struct ActivityFile {
    /// SHA-256 of its bytes: the same file is the same submission.
    pub(super) digest: Digest,
    /// Its lines; row 1 is the first after the header.
    pub(super) lines: Vec<v1::ActivityLine>,
}

/// Where each field stands, by its name in the header.
type Setter = fn(&mut v1::ActivityLine, &str);

impl ActivityFile {
    /// Reads a file. Errors when it has no header that fits; never for what a line says.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is not an activity file", path.display()))
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let setters: Vec<Setter> = reader.headers()?.iter().map(setter).collect::<anyhow::Result<_>>()?;
        ensure!(!setters.is_empty(), "it has no header");
        let mut lines = Vec::new();
        for record in reader.records() {
            lines.push(line(&record?, &setters));
        }
        ensure!(!lines.is_empty(), "it has no lines");
        Ok(Self { digest: Digest::of(bytes), lines })
    }
}

fn line(record: &StringRecord, setters: &[Setter]) -> v1::ActivityLine {
    let mut line = v1::ActivityLine { claimed_pence: UNREADABLE, ..v1::ActivityLine::default() };
    for (set, text) in setters.iter().zip(record) {
        set(&mut line, text);
    }
    line
}

/// Sent for an amount that cannot be read: the server answers that it is none.
pub(super) const UNREADABLE: i64 = -1;

fn setter(heading: &str) -> anyhow::Result<Setter> {
    Ok(match heading {
        "cds_identifier" => |line, text| line.cds_identifier = text.into(),
        "nhs_number" => |line, text| line.nhs_number = text.into(),
        "site" => |line, text| line.site = text.into(),
        "practice" => |line, text| line.practice = text.into(),
        "commissioner" => |line, text| line.commissioner = text.into(),
        "treatment_function" => |line, text| line.treatment_function = text.into(),
        "point_of_delivery" => |line, text| line.point_of_delivery = text.into(),
        "start_date" => |line, text| line.start_date = date(text),
        "end_date" => |line, text| line.end_date = date(text),
        "claimed_pence" => |line, text| line.claimed_pence = text.parse().unwrap_or(UNREADABLE),
        "claimed_gbp" => |line, text| line.claimed_pence = pounds(text).unwrap_or(UNREADABLE),
        "hrg" => |line, text| line.hrg = text.into(),
        "first_attendance" => |line, text| line.first_attendance = text.into(),
        "attended" => |line, text| line.attended = text.into(),
        "admission_method" => |line, text| line.admission_method = text.into(),
        "patient_classification" => |line, text| line.patient_classification = text.into(),
        "ubrn" => |line, text| line.ubrn = text.into(),
        "administrative_category" => |line, text| line.administrative_category = text.into(),
        "local_identifier" => |line, text| line.local_identifier = text.into(),
        "claimed_mff" => |line, text| line.claimed_mff = text.into(),
        // More days than any stay has: what is no number is refused as such.
        "excluded_days" => |line, text| {
            line.excluded_days = if text.is_empty() { 0 } else { text.parse().unwrap_or(u32::MAX) };
        },
        other => bail!("its header has a column that is not known: {other}"),
    })
}

/// A date as `2017-06-12`. What is none is sent as one that does not exist, so that it is answered as such; nothing is
/// sent as nothing.
pub(super) fn date(text: &str) -> Option<Date> {
    let none = Date { year: 0, month: 0, day: 0 };
    let parsed = text.parse::<jiff::civil::Date>();
    if text.is_empty() { None } else { Some(parsed.map_or(none, wire::common::date)) }
}

/// Pounds with at most two decimals, as pence.
pub(super) fn pounds(text: &str) -> Option<i64> {
    let (pounds, pence) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(pounds) || !digits(pence) || pence.len() > 2 {
        return None;
    }
    let tens = if pence.len() == 1 { 10 } else { 1 };
    let pence = pence.parse::<i64>().ok()?.checked_mul(tens)?;
    pounds.parse::<i64>().ok()?.checked_mul(100)?.checked_add(pence)
}

/// Writes each line's answer, one row for each row of the file.
pub(super) fn write_answers(path: &Path, answers: &[v1::LineAnswer]) -> anyhow::Result<()> {
    let unwritten = || format!("{} cannot be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(unwritten)?;
    writer.write_record(["row", "answer", "price_pence", "findings", "position"]).with_context(unwritten)?;
    for answer in answers {
        let findings: Vec<_> = answer.findings.iter().map(|finding| finding.code.as_str()).collect();
        let row = [
            answer.row.to_string(),
            super::word(answer.answer()).to_owned(),
            answer.price_pence.to_string(),
            findings.join(" "),
            answer.position.map(|position| position.to_string()).unwrap_or_default(),
        ];
        writer.write_record(row).with_context(unwritten)?;
    }
    writer.flush().with_context(unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_sent_as_such() {
        let text = "cds_identifier,start_date,claimed_gbp,excluded_days\nA1,2017-06-12,166.72,\nA2,12/06/2017,£3,two\nA3\n";
        let file = ActivityFile::parse(text.as_bytes()).unwrap();
        let date = |line: &v1::ActivityLine| {
            line.start_date.and_then(wire::common::date_from).map(|d| d.to_string())
        };
        let seen: Vec<_> =
            file.lines.iter().map(|line| (date(line), line.claimed_pence, line.excluded_days)).collect();
        assert_eq!(seen, [(Some("2017-06-12".into()), 16_672, 0), (None, -1, u32::MAX), (None, -1, 0)]);
        assert!(file.lines[1].start_date.is_some() && file.lines[2].start_date.is_none());
        for bad in ["", "a,b\n1,2\n", "cds_identifier\n"] {
            assert!(ActivityFile::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn pounds_have_at_most_two_decimals() {
        for (text, expected) in [
            ("0", Some(0)),
            ("166.7", Some(166_70)),
            ("166.72", Some(166_72)),
            ("1,000", None),
            ("1.234", None),
            (".5", None),
            ("-1", None),
            ("92233720368547758.08", None),
        ] {
            assert_eq!(pounds(text), expected, "{text}");
        }
    }
}
