//! The first reading: what a file is, and whether it can be used.

use crate::{
    Dates, Delimiter, Encoding, Field, Mapping, Place, Plan, Row, Unusable, Value,
    bytes::Decoded,
    dates::Recogniser,
    rows::{RawRows, marked},
};
use nhs::OdsCode;
use std::{collections::BTreeMap, io::Read, sync::Arc};

/// What the caller says, beside the mapping: it goes before what the mapping says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices {
    /// Whose file it is. None: nobody's in particular, as a commissioner's extract.
    pub provider: Option<OdsCode>,
    /// How characters are written.
    pub encoding: Option<Encoding>,
    /// What stands between values.
    pub delimiter: Option<Delimiter>,
    /// How dates are written.
    pub dates: Option<Dates>,
    /// Line of the header.
    pub header_row: Option<u32>,
}

/// One column that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUsed {
    /// Its number in the file, counted from 1.
    pub number: usize,
    /// Its heading in the file.
    pub heading: String,
    /// What it means.
    pub field: Field,
}

/// What the dates of a file look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatesSeen {
    /// How they are written.
    pub way: Dates,
    /// Whether that was recognised rather than said.
    pub recognised: bool,
    /// A value, the one that settled it where it was recognised.
    pub example: String,
    /// What it is read as.
    pub read_as: jiff::civil::Date,
    /// Where it stands.
    pub place: Place,
}

/// What was understood of a file.
#[derive(Debug, Clone)]
pub struct Understood {
    /// How to read its rows.
    pub plan: Plan,
    /// Rows with a value.
    pub rows: u64,
    /// Rows without any, passed over.
    pub blank_rows: u64,
    /// Whether a mark at its beginning said how characters are written.
    pub marked: bool,
    /// Whether it holds any character beyond ASCII.
    pub beyond_ascii: bool,
    /// Columns that are used, in the order of the file.
    pub columns: Vec<ColumnUsed>,
    /// Columns that are not.
    pub ignored: Vec<String>,
    /// Its dates; none when it has none.
    pub dates: Option<DatesSeen>,
    /// Dates that cannot be read.
    pub bad_dates: u64,
    /// The first amount: as written, in pence.
    pub amount: Option<(String, i64)>,
    /// Amounts that were rounded to the penny.
    pub rounded: u64,
    /// Amounts that cannot be read.
    pub bad_amounts: u64,
    /// How many rows each commissioner has, those of at most fifty; one that is no code counts under the empty text.
    pub commissioners: BTreeMap<String, u64>,
}

/// Commissioners that are counted apart.
const COMMISSIONERS_MAX: usize = 50;

/// Reads a file through once. Errors when it cannot be used.
pub fn examine<R: Read>(
    reader: R,
    mapping: &Arc<Mapping>,
    choices: &Choices,
) -> Result<Understood, Unusable> {
    let said = choices.encoding.or(mapping.encoding);
    let mut beyond_ascii = false;
    let watched = Watched { inner: reader, beyond_ascii: &mut beyond_ascii };
    let (decoded, mark) = Decoded::new(watched, said)?;
    let encoding = decoded.encoding();
    let header_row = choices.header_row.unwrap_or(mapping.header_row);
    let delimiter = choices.delimiter.or(mapping.delimiter);
    let mut raw = RawRows::after_header(decoded, mapping, delimiter, header_row)?;
    let provider = choices.provider.map(|code| format!("{:0<5}", code.as_str())).unwrap_or_default();
    let dates = choices.dates.or(mapping.dates);
    let delimiter = raw.delimiter;
    let plan = Plan { mapping: Arc::clone(mapping), encoding, delimiter, header_row, dates, provider };
    let columns = raw.header.placed.iter().filter_map(|placed| {
        let heading = raw.header.heading(placed.at).to_owned();
        let field = mapping.columns.get(placed.column)?.field;
        Some(ColumnUsed { number: placed.at.saturating_add(1), heading, field })
    });
    let mut columns: Vec<ColumnUsed> = columns.collect();
    columns.sort_by_key(|column| column.number);
    let ignored = raw.header.ignored().map(|(_, heading)| heading.to_owned()).collect();
    let mut understood = Understood {
        plan,
        rows: 0,
        blank_rows: 0,
        marked: marked(mark),
        beyond_ascii: false,
        columns,
        ignored,
        dates: None,
        bad_dates: 0,
        amount: None,
        rounded: 0,
        bad_amounts: 0,
        commissioners: BTreeMap::new(),
    };
    let mut looking = Looking { expected: choices.provider, ..Looking::default() };
    let plan = understood.plan.clone();
    while let Some(row) = raw.next_row(&plan)? {
        understood.rows = row.number;
        looking.look(&mut understood, &row, |field| raw.place_of(mapping, field, row.line))?;
    }
    understood.blank_rows = raw.blank;
    drop(raw);
    understood.beyond_ascii = beyond_ascii;
    looking.conclude(&mut understood)?;
    Ok(understood)
}

/// What is remembered from row to row.
#[derive(Debug, Default)]
struct Looking {
    expected: Option<OdsCode>,
    recogniser: Recogniser,
    said: Option<DatesSeen>,
    own_identifier: bool,
    other_identifier: Option<(OdsCode, Place)>,
}

impl Looking {
    fn look(
        &mut self,
        understood: &mut Understood,
        row: &Row,
        place: impl Fn(Field) -> Place,
    ) -> Result<(), Unusable> {
        self.look_at_dates(understood, row, &place);
        match row.claimed_pence() {
            Value::Good(pence) if understood.amount.is_none() => {
                understood.amount = Some((row.text(Field::Claimed).to_owned(), pence));
            }
            Value::Bad => understood.bad_amounts = understood.bad_amounts.saturating_add(1),
            Value::Good(_) | Value::Blank => {}
        }
        understood.rounded = understood.rounded.saturating_add(u64::from(row.is_rounded()));
        let commissioner = row.text(Field::Commissioner).parse::<OdsCode>();
        let commissioner = commissioner.map(|code| code.to_string()).unwrap_or_default();
        let counted = understood.commissioners.len();
        if counted < COMMISSIONERS_MAX || understood.commissioners.contains_key(&commissioner) {
            let count = understood.commissioners.entry(commissioner).or_default();
            *count = count.saturating_add(1);
        }
        self.look_at_provider(row, &place)
    }

    fn look_at_dates(&mut self, understood: &mut Understood, row: &Row, place: &impl Fn(Field) -> Place) {
        for field in Field::ALL.iter().copied().filter(|field| field.is_date()) {
            let text = row.text(field);
            if text.is_empty() {
                continue;
            }
            match (understood.plan.dates, row.date(field)) {
                (None, _) => self.recogniser.look(text, || place(field)),
                (Some(way), Value::Good(read_as)) if self.said.is_none() => {
                    let (example, place) = (text.to_owned(), place(field));
                    self.said = Some(DatesSeen { way, recognised: false, example, read_as, place });
                }
                (Some(_), Value::Bad) => understood.bad_dates = understood.bad_dates.saturating_add(1),
                (Some(_), Value::Good(_) | Value::Blank) => {}
            }
        }
    }

    /// A file of another provider says so in a column, or in all of its CDS identifiers.
    fn look_at_provider(&mut self, row: &Row, place: &impl Fn(Field) -> Place) -> Result<(), Unusable> {
        let Some(expected) = self.expected else { return Ok(()) };
        if let Ok(found) = row.text(Field::Provider).parse::<OdsCode>()
            && found.organisation() != expected.organisation()
        {
            return Err(other(place(Field::Provider), found, expected));
        }
        let of = row.text(Field::CdsIdentifier).strip_prefix('B').and_then(|rest| rest.get(..5));
        match of.and_then(|code| code.parse::<OdsCode>().ok()) {
            Some(found) if found.organisation() != expected.organisation() && !self.own_identifier => {
                let differs = self.other_identifier.as_ref().is_some_and(|(first, _)| *first != found);
                self.own_identifier = differs;
                if self.other_identifier.is_none() {
                    self.other_identifier = Some((found, place(Field::CdsIdentifier)));
                }
            }
            Some(_) | None => self.own_identifier = true,
        }
        Ok(())
    }

    fn conclude(self, understood: &mut Understood) -> Result<(), Unusable> {
        if understood.rows == 0 {
            return Err(Unusable::NoRows);
        }
        if let Some(((found, place), expected)) = self.other_identifier.zip(self.expected)
            && !self.own_identifier
        {
            return Err(other(place, found, expected));
        }
        understood.dates = self.said;
        if understood.plan.dates.is_none()
            && let Some(found) = self.recogniser.settle()?
        {
            understood.plan.dates = Some(found.dates);
            if let Value::Good(read_as) = found.dates.read(&found.example.text) {
                let (way, example, place) = (found.dates, found.example.text, found.example.place);
                understood.dates = Some(DatesSeen { way, recognised: true, example, read_as, place });
            }
            understood.bad_dates = found.bad;
        }
        Ok(())
    }
}

fn other(place: Place, found: OdsCode, expected: OdsCode) -> Unusable {
    Unusable::OtherProvider { place, found: found.to_string(), expected: expected.to_string() }
}

/// Sees whether there is any byte beyond ASCII.
struct Watched<'a, R> {
    inner: R,
    beyond_ascii: &'a mut bool,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(out)?;
        *self.beyond_ascii |= !out.get(..count).unwrap_or_default().is_ascii();
        Ok(count)
    }
}
