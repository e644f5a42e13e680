//! What the files for a ledger of record share: the coding string, the channel, and cells that arrive as they left.

use crate::{FileBytes, WriteError};
use core::fmt;
use money::TotalPence;

/// How a payer's money leaves, as a ledger of record must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// By a payment file to its bank: the ledger of record is told, and must not pay again.
    Bank,
    /// By the ledger of record's own accounts payable.
    LedgerOfRecord,
}

impl Channel {
    /// What stands in the `information` column of every row.
    #[must_use]
    pub const fn information(self) -> &'static str {
        match self {
            Self::Bank => "already paid by bank",
            Self::LedgerOfRecord => "",
        }
    }
}

/// The longest segment of a coding string.
pub const CODING_SEGMENT_CHARACTERS_MAX: usize = 15;

/// A segment of a coding string is not 1 to 15 capital letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {segment} segment of a coding string is 1 to 15 capital letters and digits")]
pub struct CodingError {
    /// Which segment.
    pub segment: &'static str,
}

/// Where a row stands in the ledger of record: five segments (NHS practice, unverified; configurable).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Coding([String; 5]);

impl Coding {
    /// The names of the segments, in order; they are the columns' names.
    pub const SEGMENTS: [&'static str; 5] =
        ["entity", "cost_centre", "subjective", "analysis_1", "analysis_2"];

    /// A coding string of entity, cost centre, subjective, analysis 1 and analysis 2.
    ///
    /// # Errors
    /// When a segment is not 1 to 15 capital letters and digits.
    pub fn new(segments: [&str; 5]) -> Result<Self, CodingError> {
        for (segment, name) in segments.iter().zip(Self::SEGMENTS) {
            let plain = segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            if !plain || !(1..=CODING_SEGMENT_CHARACTERS_MAX).contains(&segment.len()) {
                return Err(CodingError { segment: name });
            }
        }
        Ok(Self(segments.map(str::to_owned)))
    }

    /// The five segments.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The segments joined by full stops.
impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join("."))
    }
}

impl fmt::Debug for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coding({self})")
    }
}

/// A finished CSV file and what a person signs off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCsv {
    /// The bytes and their SHA-256.
    pub file: FileBytes,
    /// Rows below the header.
    pub rows: u32,
    /// The run total, as the rows make it.
    pub total: TotalPence,
}

/// Rows under a header; RFC 4180 quoting, line feeds, UTF-8.
pub(crate) struct Table {
    writer: csv::Writer<Vec<u8>>,
    rows: u32,
}

impl Table {
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self { writer: csv::Writer::from_writer(Vec::new()), rows: 0 };
        table.write(columns);
        table.rows = 0;
        table
    }

    /// Adds a row. Rows are built in code with one cell per column, into memory, so nothing can fail.
    pub(crate) fn write<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let written = self.writer.write_record(cells);
        debug_assert!(written.is_ok(), "a row has as many cells as the header");
        self.rows = self.rows.saturating_add(1);
    }

    pub(crate) const fn rows(&self) -> u32 {
        self.rows
    }

    pub(crate) fn finish(self) -> FileBytes {
        FileBytes::new(self.writer.into_inner().unwrap_or_default())
    }
}

/// Checks a text that a person wrote: it fits, holds no control character, has no white space at its ends, and does not
/// begin as a formula that a spreadsheet would run.
pub(crate) fn check_cell(text: &str, max: usize, at: impl FnOnce() -> String) -> Result<(), WriteError> {
    let found = text.chars().count();
    if found > max {
        return Err(WriteError::TextTooLong { at: at(), found, max });
    }
    if text.is_empty() {
        return Err(WriteError::Empty { at: at() });
    }
    let problem = if text.chars().any(char::is_control) {
        "a control character"
    } else if text.trim() != text {
        "white space at an end"
    } else if text.starts_with(['=', '+', '-', '@']) {
        "the beginning of a spreadsheet formula"
    } else {
        return Ok(());
    };
    Err(WriteError::TextRefused { at: at(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_string_has_five_plain_segments() {
        let coding = Coding::new(["10M", "922001", "52161020", "00000", "00000"]).unwrap();
        assert_eq!(coding.to_string(), "10M.922001.52161020.00000.00000");
        for (at, segment) in Coding::SEGMENTS.into_iter().enumerate() {
            for bad in ["", "10m", "1 0", "=1", "1234567890123456", "é"] {
                let mut segments = ["10M", "922001", "52161020", "00000", "00000"];
                segments[at] = bad;
                assert_eq!(Coding::new(segments), Err(CodingError { segment }), "{bad:?}");
            }
        }
    }

    #[test]
    fn cells_arrive_as_they_left() {
        let table = [
            ("Spire, \"Dunedin\"", None),
            ("=HYPERLINK(1)", Some("TEXT_REFUSED")),
            ("+1", Some("TEXT_REFUSED")),
            ("-1", Some("TEXT_REFUSED")),
            ("@x", Some("TEXT_REFUSED")),
            ("a\nb", Some("TEXT_REFUSED")),
            (" a", Some("TEXT_REFUSED")),
            ("", Some("EMPTY")),
            ("12345678901234567", Some("TEXT_TOO_LONG")),
        ];
        for (text, reason) in table {
            let checked = check_cell(text, 16, || "cell".to_owned());
            assert_eq!(checked.err().map(|error| error.reason()), reason, "{text:?}");
        }
    }
}
