//! Why a file cannot be used.

use crate::{Dates, Delimiter, Encoding, Field};
use core::fmt;

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Row, counted from 1 after the header, rows without any value left out.
    pub row: u64,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// Column, counted from 1.
    pub column: usize,
    /// The column's heading, as the file has it; empty when it has none.
    pub heading: String,
}

impl Place {
    pub(crate) fn new(row: u64, line: u64, column: usize, heading: &str) -> Self {
        Self { row, line, column, heading: heading.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, line, column, heading } = self;
        match row {
            0 => write!(f, "line {line} (the header), column {column}")?,
            _ => write!(f, "row {row} (line {line} of the file), column {column}")?,
        }
        if heading.is_empty() { Ok(()) } else { write!(f, " ({heading})") }
    }
}

/// Two dates of one file that are written in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatesMixed {
    /// One date, where, and how it is written.
    pub one: (String, Place, Dates),
    /// Another.
    pub other: (String, Place, Dates),
}

impl fmt::Display for DatesMixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, one_place, one_way) = &self.one;
        let (other, other_place, other_way) = &self.other;
        write!(
            f,
            "its dates are written in two ways: {one} in {one_place} is {one_way}, {other} in {other_place} is \
             {other_way}. A spreadsheet may have turned some round: correct the file, or pass --dates, and the others \
             are answered unreadable"
        )
    }
}

/// A file cannot be used, and nothing of it is. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
    /// It holds nothing.
    #[error("it is empty")]
    Empty,
    /// It has a header and nothing else.
    #[error("it has a header and no rows")]
    NoRows,
    /// A byte that the encoding does not have.
    #[error(
        "{place}: byte {byte:02X} is no {encoding}. Saved by Excel as CSV the file is probably windows-1252, where the \
         byte is {would_be:?}: if that is right, pass --encoding windows-1252"
    )]
    NotUtf8 {
        /// Where.
        place: Place,
        /// The byte.
        byte: u8,
        /// What it would be in Windows-1252.
        would_be: char,
        /// The encoding that the file was taken for.
        encoding: Encoding,
    },
    /// Not the encoding that was said.
    #[error("it is not {encoding}, at about byte {byte}")]
    Malformed {
        /// The encoding that was said.
        encoding: Encoding,
        /// Where, counted from 0.
        byte: u64,
    },
    /// A mark at the beginning contradicts the encoding said.
    #[error("it begins with the mark of {found}, and {said} was said")]
    EncodingContradicted {
        /// What the mark says.
        found: Encoding,
        /// What the caller or the mapping says.
        said: Encoding,
    },
    /// Zero bytes.
    #[error(
        "it holds zero bytes within its first lines: it is a workbook or another binary file, or UTF-16 without its \
         mark: then pass --encoding utf-16"
    )]
    Binary,
    /// No column is known.
    #[error(
        "row {line} has none of the columns of the mapping {mapping}, such as {expected}{hint}",
        hint = header_hint(*elsewhere)
    )]
    NoHeader {
        /// Where the header was looked for.
        line: u32,
        /// The mapping's name.
        mapping: String,
        /// A column that should be there.
        expected: String,
        /// Where the header seems to stand.
        elsewhere: Option<u32>,
    },
    /// The header fits with two delimiters.
    #[error("its columns may be separated by {one} or by {other}: pass --delimiter")]
    DelimiterAmbiguous {
        /// One that fits.
        one: Delimiter,
        /// Another that fits as well.
        other: Delimiter,
    },
    /// Columns are missing, each named.
    #[error("its header, line {line}, lacks {}{hint}", list(columns), hint = header_hint(*elsewhere))]
    ColumnsMissing {
        /// Where the header stands.
        line: u64,
        /// What is missing, with the field that it is for.
        columns: Vec<String>,
        /// Where another line looks more like the header.
        elsewhere: Option<u32>,
    },
    /// A column is there twice.
    #[error(
        "its header, line {line}, has {heading} twice, in columns {first} and {second}: which one is meant cannot be told"
    )]
    ColumnDoubled {
        /// Where the header stands.
        line: u64,
        /// The heading.
        heading: String,
        /// The one.
        first: usize,
        /// The other.
        second: usize,
    },
    /// A column that the mapping does not know, where it asks for none.
    #[error("{place}: the mapping {mapping} knows no such column")]
    ColumnUnknown {
        /// Which.
        place: Place,
        /// The mapping's name.
        mapping: String,
    },
    /// A field that nobody wrote by hand.
    #[error(
        "{place}: a value of {length} characters, where {max} are the most: a quotation mark may not be closed"
    )]
    FieldTooLong {
        /// Where.
        place: Place,
        /// How long.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// A row that never ends.
    #[error(
        "row {row} (line {line} of the file) is longer than {max} bytes: a quotation mark may not be closed"
    )]
    RowTooLong {
        /// Which row.
        row: u64,
        /// The line that it begins in.
        line: u64,
        /// How long it may be.
        max: u64,
    },
    /// A value runs over the end of its line.
    #[error("{place}: the value goes on in the next line: a quotation mark is not closed")]
    LineBreak {
        /// Where.
        place: Place,
    },
    /// More values than columns.
    #[error(
        "row {row} (line {line} of the file) has {found} values under {expected} columns: a value with the delimiter in \
         it must stand between quotation marks"
    )]
    TooManyValues {
        /// Which row.
        row: u64,
        /// Its line.
        line: u64,
        /// How many values.
        found: usize,
        /// How many columns.
        expected: usize,
    },
    /// Somebody else's file.
    #[error("{place}: it is a file of provider {found}, and {expected} sends it")]
    OtherProvider {
        /// Where it says so.
        place: Place,
        /// Whose it is.
        found: String,
        /// Who sends it.
        expected: String,
    },
    /// Day and month cannot be told apart.
    #[error(
        "{place}: {text} may be day and month or month and day, and no date of the file settles it ({count} like it): \
         pass --dates day-month-year or --dates month-day-year"
    )]
    DatesAmbiguous {
        /// One of them.
        text: String,
        /// Where.
        place: Place,
        /// How many such there are.
        count: u64,
    },
    /// Dates are written in two ways.
    #[error("{0}")]
    DatesMixed(Box<DatesMixed>),
    /// No value of a date column is a date.
    #[error(
        "{place}: {text} is not written as any date that is known: years have four digits, as in 12/06/2017"
    )]
    DatesUnknown {
        /// One of them.
        text: String,
        /// Where.
        place: Place,
    },
    /// The second reading met another file than the first.
    #[error("it was changed while it was read")]
    Changed,
}

fn list(columns: &[String]) -> String {
    columns.join("; ")
}

fn header_hint(elsewhere: Option<u32>) -> String {
    elsewhere
        .map(|row| format!(". The header seems to be row {row}: pass --header-row {row}"))
        .unwrap_or_default()
}

impl Unusable {
    /// A column that is missing, for [`Unusable::ColumnsMissing`].
    pub(crate) fn missing(heading: &str, field: Field) -> String {
        format!("{heading} (for {field})")
    }
}
