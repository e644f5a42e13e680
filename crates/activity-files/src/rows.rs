//! Rows, one by one.

use crate::{
    Care, Column, Dates, Delimiter, Encoding, Field, Mapping, Place, Unit, Unusable,
    amount::{self, Amount},
    bytes::{Bound, Bounded, Decoded, Mark, explained, windows_1252},
    header::{Header, likeness},
};
use csv::ByteRecord;
use jiff::civil::Date;
use nhs::PointOfDelivery;
use std::{
    io::{Chain, Cursor, Read},
    sync::Arc,
};

/// The longest value that is read: no field of any of these files has more than a few dozen characters.
pub(crate) const FIELD_CHARS_MAX: usize = 1_000;

/// How many lines are looked at for a header that stands elsewhere.
const HEADER_SEARCH_MAX: u32 = 30;

/// A value that was read, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<T> {
    /// There is none.
    Blank,
    /// There is one, and it cannot be read.
    Bad,
    /// This.
    Good(T),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1 after the header; rows without any value are not counted.
    pub number: u64,
    /// The line of the file, from 1.
    pub line: u64,
    texts: Vec<String>,
    amounts: [Value<i64>; 1],
    rounded: bool,
    dates: Option<Dates>,
}

impl Row {
    /// The text of a field, without spaces around it, translated; empty when there is none.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        self.texts.get(field as usize).map_or("", String::as_str)
    }

    /// The date of a field.
    #[must_use]
    pub fn date(&self, field: Field) -> Value<Date> {
        let text = self.text(field);
        match self.dates {
            Some(dates) => dates.read(text),
            None if text.is_empty() => Value::Blank,
            None => Value::Bad,
        }
    }

    /// What is claimed, in pence, or what an extract says that it costs. It may be negative.
    #[must_use]
    pub fn claimed_pence(&self) -> Value<i64> {
        let [claimed] = self.amounts;
        claimed
    }

    /// Whether the amount had more decimals than pence have, and was rounded.
    #[must_use]
    pub const fn is_rounded(&self) -> bool {
        self.rounded
    }

    /// The sender's own reference: the column for it, else the CDS identifier.
    #[must_use]
    pub fn reference(&self) -> &str {
        let reference = self.text(Field::Reference);
        if reference.is_empty() { self.text(Field::CdsIdentifier) } else { reference }
    }
}

/// How a file is read: everything about it is settled.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: Delimiter,
    pub(crate) header_row: u32,
    pub(crate) dates: Option<Dates>,
    /// The sender's code in five characters.
    pub(crate) provider: String,
}

impl Plan {
    /// The mapping.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// How characters are written.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What stands between values.
    #[must_use]
    pub const fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// Line of the header.
    #[must_use]
    pub const fn header_row(&self) -> u32 {
        self.header_row
    }

    /// Reads the rows of the file that the plan was made for, from its beginning. Errors when it is another file by now.
    pub fn rows<R: Read>(&self, reader: R) -> Result<Rows<R>, Unusable> {
        let (decoded, _) = Decoded::new(reader, Some(self.encoding))?;
        let raw = RawRows::after_header(decoded, &self.mapping, Some(self.delimiter), self.header_row)?;
        Ok(Rows { raw, plan: self.clone(), ended: false })
    }
}

/// The rows of a file in order. After an error there are no more.
pub struct Rows<R> {
    raw: RawRows<R>,
    plan: Plan,
    ended: bool,
}

impl<R> core::fmt::Debug for Rows<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Rows").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, Unusable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.raw.next_row(&self.plan).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// A file as UTF-8, its beginning read before.
type Text<R> = Chain<Cursor<Vec<u8>>, Decoded<R>>;

/// Rows before their dates are settled.
pub(crate) struct RawRows<R> {
    csv: csv::Reader<Bounded<Text<R>>>,
    bound: Bound,
    record: ByteRecord,
    pub(crate) header: Header,
    pub(crate) delimiter: Delimiter,
    row: u64,
    pub(crate) blank: u64,
}

fn reader<R: Read>(inner: R, delimiter: Delimiter) -> csv::Reader<R> {
    let mut builder = csv::ReaderBuilder::new();
    builder.flexible(true).has_headers(false).delimiter(delimiter.byte()).buffer_capacity(64 << 10);
    // A carriage return before it is a space at the end of the last value, and lines are counted right.
    builder.terminator(csv::Terminator::Any(b'\n'));
    builder.from_reader(inner)
}

fn is_blank(record: &ByteRecord) -> bool {
    record.iter().all(|field| field.trim_ascii().is_empty())
}

/// The first rows of a file under one delimiter, as far as they are whole.
fn first_rows(prefix: &[u8], delimiter: Delimiter) -> Vec<Vec<String>> {
    let limit = usize::try_from(HEADER_SEARCH_MAX.max(100)).unwrap_or(100);
    let records = reader(prefix, delimiter).into_byte_records().take(limit);
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
    let rows = records.map_while(Result::ok).filter(|record| !is_blank(record));
    rows.map(|record| record.iter().map(text).collect()).collect()
}

impl<R: Read> RawRows<R> {
    /// Finds the header, with the delimiter under which it has most of the mapping's columns.
    pub(crate) fn after_header(
        mut decoded: Decoded<R>,
        mapping: &Mapping,
        delimiter: Option<Delimiter>,
        header_row: u32,
    ) -> Result<Self, Unusable> {
        let mut prefix = Vec::new();
        let limit = u64::try_from(crate::bytes::PREFIX_BYTES).unwrap_or(u64::MAX);
        decoded.by_ref().take(limit).read_to_end(&mut prefix).map_err(|error| explained(error, 0, 1))?;
        let candidates = delimiter.map_or_else(|| Delimiter::ALL.to_vec(), |one| vec![one]);
        let at = usize::try_from(header_row.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut best: Vec<(usize, Delimiter, Vec<Vec<String>>)> = candidates
            .into_iter()
            .map(|delimiter| {
                let rows = first_rows(&prefix, delimiter);
                let like = rows.get(at).map_or(0, |row| likeness(mapping, row.iter().map(String::as_str)));
                (like, delimiter, rows)
            })
            .collect();
        best.sort_by_key(|(like, delimiter, _)| (core::cmp::Reverse(*like), *delimiter));
        let mut best = best.into_iter();
        let Some((like, delimiter, rows)) = best.next() else { return Err(Unusable::Empty) };
        let elsewhere = elsewhere(mapping, &rows, at, like);
        if like == 0 {
            let other = best.find_map(|(_, _, rows)| self::elsewhere(mapping, &rows, at, 0));
            let expected = mapping.columns.first().map(|column| column.heading.clone()).unwrap_or_default();
            let mapping = mapping.name.clone();
            let elsewhere = elsewhere.or(other);
            return Err(Unusable::NoHeader { line: header_row, mapping, expected, elsewhere });
        }
        if let Some((_, other, _)) = best.next().filter(|(other, ..)| *other == like) {
            return Err(Unusable::DelimiterAmbiguous { one: delimiter, other });
        }
        let headings = rows.get(at).cloned().unwrap_or_default();
        let (bounded, bound) = Bounded::new(Cursor::new(prefix).chain(decoded));
        let mut csv = reader(bounded, delimiter);
        let mut record = ByteRecord::new();
        let mut passed = 0;
        while passed < header_row
            && csv.read_byte_record(&mut record).map_err(|error| from_csv(error, 0, 1))?
        {
            passed = passed.saturating_add(u32::from(!is_blank(&record)));
        }
        let line = record.position().map_or(1, csv::Position::line);
        if let Some((at, error)) =
            record.iter().enumerate().find_map(|(at, field)| Some((at, core::str::from_utf8(field).err()?)))
        {
            let byte =
                record.get(at).and_then(|field| field.get(error.valid_up_to())).copied().unwrap_or_default();
            let place = Place::new(0, line, at.saturating_add(1), "");
            return Err(not_utf8(place, byte));
        }
        let header = Header::find(mapping, headings, line, elsewhere)?;
        Ok(Self { csv, bound, record, header, delimiter, row: 0, blank: 0 })
    }

    /// The next row that has a value, checked as a whole.
    fn next_record(&mut self) -> Result<Option<u64>, Unusable> {
        loop {
            let from = self.csv.position().clone();
            self.bound.row_at(from.byte());
            let next = self.row.saturating_add(1);
            let more = self.csv.read_byte_record(&mut self.record);
            if !more.map_err(|error| from_csv(error, next, from.line()))? {
                return Ok(None);
            }
            let line = self.record.position().map_or_else(|| from.line(), csv::Position::line);
            if is_blank(&self.record) {
                self.blank = self.blank.saturating_add(1);
                continue;
            }
            self.row = next;
            self.check(line)?;
            return Ok(Some(line));
        }
    }

    fn place(&self, line: u64, at: usize) -> Place {
        Place::new(self.row, line, at.saturating_add(1), self.header.heading(at))
    }

    fn check(&self, line: u64) -> Result<(), Unusable> {
        let expected = self.header.headings.len();
        let given = self.record.iter().rposition(|field| !field.trim_ascii().is_empty());
        let found = given.map_or(0, |last| last.saturating_add(1));
        let mut broken = None;
        for (at, field) in self.record.iter().enumerate() {
            if field.len() > FIELD_CHARS_MAX {
                let (place, length) = (self.place(line, at), String::from_utf8_lossy(field).chars().count());
                return Err(Unusable::FieldTooLong { place, length, max: FIELD_CHARS_MAX });
            }
            if let Err(error) = core::str::from_utf8(field) {
                let byte = field.get(error.valid_up_to()).copied().unwrap_or_default();
                return Err(not_utf8(self.place(line, at), byte));
            }
            let used = self.header.placed.iter().any(|placed| placed.at == at);
            if field.contains(&b'\n') && (used || self.record.len() != expected) {
                broken = broken.or(Some(at));
            }
        }
        if let Some(at) = broken {
            return Err(Unusable::LineBreak { place: self.place(line, at) });
        }
        if found > expected {
            return Err(Unusable::TooManyValues { row: self.row, line, found, expected });
        }
        Ok(())
    }

    pub(crate) fn next_row(&mut self, plan: &Plan) -> Result<Option<Row>, Unusable> {
        let Some(line) = self.next_record()? else { return Ok(None) };
        let mut row = Row {
            number: self.row,
            line,
            texts: vec![String::new(); Field::ALL.len()],
            amounts: [Value::Blank],
            rounded: false,
            dates: plan.dates,
        };
        for (field, text) in &plan.mapping.constants {
            set(&mut row, *field, text.clone());
        }
        // What care it is decides which of the other columns count.
        let (pods, others): (Vec<_>, Vec<_>) =
            self.columns(&plan.mapping).partition(|(column, _)| column.field == Field::PointOfDelivery);
        let mut care = None;
        for (column, text) in pods.into_iter().chain(others) {
            if column.field != Field::PointOfDelivery && care.is_none() {
                care = Some(care_of(row.text(Field::PointOfDelivery)));
            }
            let counts = column.only.is_none_or(|only| care.flatten().is_none_or(|care| care == only));
            if text.is_empty() || !counts || !row.text(column.field).is_empty() {
                continue;
            }
            if column.field.is_amount() {
                let unit = column.unit.unwrap_or(Unit::Pence);
                let read = amount::read(text, unit, column.decimals);
                row.rounded = matches!(read, Value::Good(Amount { rounded: true, .. }));
                row.amounts = [match read {
                    Value::Good(amount) => Value::Good(amount.pence),
                    Value::Bad => Value::Bad,
                    Value::Blank => Value::Blank,
                }];
            }
            let translated = column.codes.get(text).map_or(text, String::as_str);
            let prefix = column.prefix.replace("{provider}", &plan.provider);
            set(&mut row, column.field, format!("{prefix}{translated}"));
        }
        Ok(Some(row))
    }

    /// The mapping's columns in its order, with their values in this row.
    fn columns<'a>(&'a self, mapping: &'a Mapping) -> impl Iterator<Item = (&'a Column, &'a str)> {
        self.header.placed.iter().filter_map(|placed| {
            let column = mapping.columns.get(placed.column)?;
            let text = core::str::from_utf8(self.record.get(placed.at).unwrap_or_default()).ok()?;
            Some((column, text.trim()))
        })
    }

    /// The column in which that field's value stands.
    pub(crate) fn place_of(&self, mapping: &Mapping, field: Field, line: u64) -> Place {
        let of = |placed: &&crate::header::Placed| {
            let value = self.record.get(placed.at).is_some_and(|value| !value.trim_ascii().is_empty());
            value && mapping.columns.get(placed.column).is_some_and(|column| column.field == field)
        };
        let at = self.header.placed.iter().find(of).map_or(0, |placed| placed.at);
        self.place(line, at)
    }
}

fn not_utf8(place: Place, byte: u8) -> Unusable {
    Unusable::NotUtf8 { place, byte, would_be: windows_1252(byte), encoding: Encoding::Utf8 }
}

fn set(row: &mut Row, field: Field, text: String) {
    if let Some(slot) = row.texts.get_mut(field as usize) {
        *slot = text;
    }
}

fn care_of(pod: &str) -> Option<Care> {
    let pod: PointOfDelivery = pod.parse().ok()?;
    Some(if pod.is_admitted() { Care::Admitted } else { Care::Outpatient })
}

/// The row that looks more like the header than the one said to be it.
fn elsewhere(mapping: &Mapping, rows: &[Vec<String>], at: usize, like: usize) -> Option<u32> {
    let search = rows.iter().take(usize::try_from(HEADER_SEARCH_MAX).unwrap_or(usize::MAX));
    let counted =
        search.enumerate().map(|(row, cells)| (likeness(mapping, cells.iter().map(String::as_str)), row));
    let (best, row) = counted.max_by_key(|(like, row)| (*like, core::cmp::Reverse(*row)))?;
    let better = row != at && best > like && best > 1;
    better.then(|| u32::try_from(row.saturating_add(1)).ok()).flatten()
}

fn from_csv(error: csv::Error, row: u64, line: u64) -> Unusable {
    let kind = error.into_kind();
    if let csv::ErrorKind::Io(error) = kind {
        return explained(error, row, line);
    }
    Unusable::Read(std::io::Error::other(format!("{kind:?}")))
}

/// Whether the encoding was said by a mark, for the account of what was understood.
pub(crate) fn marked(mark: Mark) -> bool {
    mark.0.is_some()
}
