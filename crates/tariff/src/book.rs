//! A price book: one list, for one financial year, in one order, with one byte form.

use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};
use nhs::{FinancialYear, Hrg, TreatmentFunction};

/// The name of a price book: 1 to 40 lower-case letters, digits and hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BookId([u8; 40]);

/// A price book is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// A name has characters or a length that it may not have.
    #[error("a price book's name is 1 to 40 lower-case letters, digits and hyphens")]
    Name,
    /// Rows do not ascend strictly by code.
    #[error("the rows of price book `{0}` do not ascend by code, each code once")]
    Order(BookId),
    /// There is nothing to price with.
    #[error("price book `{0}` has no rows")]
    Empty(BookId),
    /// The bytes are not a price book.
    #[error("the bytes are not a price book: {0}")]
    Encoding(String),
    /// The bytes are a price book, but not in its one byte form.
    #[error("the bytes are not the canonical form of price book `{0}`")]
    NotCanonical(BookId),
}

/// A list of prices for one financial year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBook {
    id: BookId,
    financial_year: FinancialYear,
    illustrative: bool,
    source: String,
    content: Content,
}

/// What a book prices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Content {
    /// Admitted care and outpatient procedures, by HRG.
    #[n(0)]
    Admitted(#[n(0)] AdmittedPrices),
    /// Outpatient attendances, by treatment function.
    #[n(1)]
    Attendance(#[n(0)] AttendancePrices),
}

/// One HRG's row. Prices are in whole pence; `None` means no price in that setting, never zero.
///
/// Source: NHS Improvement, National Tariff Payment System 2017/18 and 2018/19, Annex A.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AdmittedRow {
    /// The group.
    #[n(0)]
    pub hrg: Hrg,
    /// Its published name.
    #[n(1)]
    pub name: String,
    /// Done as an outpatient procedure.
    #[n(2)]
    pub procedure_pence: Option<u32>,
    /// Day case or ordinary elective spell, one price for both.
    #[n(3)]
    pub combined_pence: Option<u32>,
    /// Day case spell, where the two are priced apart.
    #[n(4)]
    pub day_case_pence: Option<u32>,
    /// Ordinary elective spell, where the two are priced apart.
    #[n(5)]
    pub ordinary_pence: Option<u32>,
    /// The last day of an ordinary elective stay that earns no long-stay payment.
    #[n(6)]
    pub elective_trim_days: Option<u16>,
    /// Non-elective spell. Held for the list's totals; never a price of elective care.
    #[n(7)]
    pub non_elective_pence: Option<u32>,
    /// The trim point of non-elective stays. Held as the price beside it.
    #[n(8)]
    pub non_elective_trim_days: Option<u16>,
    /// For each day beyond the trim point.
    #[n(9)]
    pub per_day_pence: Option<u32>,
}

/// The rows of admitted care and procedures, by HRG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedPrices {
    /// The rows' look-up keys: a search in them touches a few cache lines, where the rows themselves span hundreds.
    keys: Vec<u32>,
    rows: Vec<AdmittedRow>,
}

/// Which kind of attendance a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttendanceColumn {
    /// First, face to face, one professional.
    FirstSingle,
    /// First, face to face, several professionals.
    FirstMulti,
    /// Follow-up, face to face, one professional.
    FollowUpSingle,
    /// Follow-up, face to face, several professionals.
    FollowUpMulti,
    /// First, not face to face.
    RemoteFirst,
    /// Follow-up, not face to face.
    RemoteFollowUp,
}

/// One treatment function's attendance prices in whole pence; `None` means no price, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AttendanceRow {
    /// First, face to face, one professional.
    #[n(0)]
    pub first_single_pence: Option<u32>,
    /// First, face to face, several professionals.
    #[n(1)]
    pub first_multi_pence: Option<u32>,
    /// Follow-up, face to face, one professional.
    #[n(2)]
    pub follow_up_single_pence: Option<u32>,
    /// Follow-up, face to face, several professionals.
    #[n(3)]
    pub follow_up_multi_pence: Option<u32>,
    /// First, not face to face.
    #[n(4)]
    pub remote_first_pence: Option<u32>,
    /// Follow-up, not face to face.
    #[n(5)]
    pub remote_follow_up_pence: Option<u32>,
}

/// The attendance prices by treatment function, with a row for the functions that have none of their own, if any.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AttendancePrices {
    #[n(0)]
    default: Option<AttendanceRow>,
    #[n(1)]
    rows: Vec<(TreatmentFunction, AttendanceRow)>,
}

/// The byte form: a CBOR array in this order.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    id: BookId,
    #[n(1)]
    financial_year: FinancialYear,
    #[n(2)]
    illustrative: bool,
    #[n(3)]
    source: String,
    #[n(4)]
    content: Content,
}

impl PriceBook {
    /// Makes a book. Errors when it has no rows, or when they do not ascend by code.
    pub fn new(
        id: BookId,
        financial_year: FinancialYear,
        illustrative: bool,
        source: String,
        content: Content,
    ) -> Result<Self, BookError> {
        let (ordered, empty) = match &content {
            Content::Admitted(prices) => (prices.keys.is_sorted_by(|a, b| a < b), prices.rows.is_empty()),
            Content::Attendance(prices) => (
                prices.rows.is_sorted_by(|a, b| a.0 < b.0),
                prices.rows.is_empty() && prices.default.is_none(),
            ),
        };
        if empty {
            return Err(BookError::Empty(id));
        }
        if !ordered {
            return Err(BookError::Order(id));
        }
        Ok(Self { id, financial_year, illustrative, source, content })
    }

    /// The book's name.
    #[must_use]
    pub const fn id(&self) -> BookId {
        self.id
    }

    /// The financial year whose activity it prices.
    #[must_use]
    pub const fn financial_year(&self) -> FinancialYear {
        self.financial_year
    }

    /// Whether its prices were made for demonstration; shown wherever one of them is.
    #[must_use]
    pub const fn is_illustrative(&self) -> bool {
        self.illustrative
    }

    /// The publication it was taken from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The prices.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Admitted(prices) => prices.rows.len(),
            Content::Attendance(prices) => prices.rows.len(),
        }
    }

    /// Whether it has only a default row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The book's one byte form: CBOR in core deterministic encoding. A digest of the book is a digest of these bytes.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let stored = Stored {
            id: self.id,
            financial_year: self.financial_year,
            illustrative: self.illustrative,
            source: self.source.clone(),
            content: self.content.clone(),
        };
        // Writing to a vector cannot fail, and no part of a book has an encoder that refuses.
        let written = minicbor::encode(&stored, &mut bytes);
        debug_assert!(written.is_ok(), "a price book did not encode");
        bytes
    }

    /// Reads a book from its one byte form. Errors for anything else, other encodings of the same book included, so
    /// that one book has one digest.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, BookError> {
        let stored: Stored =
            minicbor::decode(bytes).map_err(|error| BookError::Encoding(error.to_string()))?;
        let Stored { id, financial_year, illustrative, source, content } = stored;
        let book = Self::new(id, financial_year, illustrative, source, content)?;
        if book.to_cbor() == bytes { Ok(book) } else { Err(BookError::NotCanonical(id)) }
    }
}

impl AdmittedPrices {
    /// The rows, in the order given.
    #[must_use]
    pub fn new(rows: Vec<AdmittedRow>) -> Self {
        Self { keys: rows.iter().map(|row| row.hrg.key()).collect(), rows }
    }

    /// The row of `hrg`.
    #[must_use]
    pub fn get(&self, hrg: Hrg) -> Option<&AdmittedRow> {
        self.rows.get(self.keys.binary_search(&hrg.key()).ok()?)
    }

    /// Every row, by HRG.
    #[must_use]
    pub fn rows(&self) -> &[AdmittedRow] {
        &self.rows
    }
}

impl AttendancePrices {
    /// The rows, in the order given, and the one for functions without a row.
    #[must_use]
    pub const fn new(default: Option<AttendanceRow>, rows: Vec<(TreatmentFunction, AttendanceRow)>) -> Self {
        Self { default, rows }
    }

    /// The row that prices `function`, and whether it is the default row.
    #[must_use]
    pub fn get(&self, function: TreatmentFunction) -> Option<(&AttendanceRow, bool)> {
        match self.rows.binary_search_by_key(&function, |row| row.0) {
            Ok(index) => self.rows.get(index).map(|(_, row)| (row, false)),
            Err(_) => self.default.as_ref().map(|row| (row, true)),
        }
    }

    /// The row for functions without one, if there is one.
    #[must_use]
    pub const fn default_row(&self) -> Option<&AttendanceRow> {
        self.default.as_ref()
    }

    /// Every row of a function of its own, by code.
    #[must_use]
    pub fn rows(&self) -> &[(TreatmentFunction, AttendanceRow)] {
        &self.rows
    }
}

impl AttendanceColumn {
    /// Every column, in the order of a row.
    pub const ALL: &'static [Self] = &[
        Self::FirstSingle,
        Self::FirstMulti,
        Self::FollowUpSingle,
        Self::FollowUpMulti,
        Self::RemoteFirst,
        Self::RemoteFollowUp,
    ];

    /// Its name in the shipped list.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstSingle => "first_single_gbp",
            Self::FirstMulti => "first_multi_gbp",
            Self::FollowUpSingle => "follow_up_single_gbp",
            Self::FollowUpMulti => "follow_up_multi_gbp",
            Self::RemoteFirst => "remote_first_gbp",
            Self::RemoteFollowUp => "remote_follow_up_gbp",
        }
    }
}

impl AttendanceRow {
    /// The price in pence of one kind of attendance.
    #[must_use]
    pub const fn get(&self, column: AttendanceColumn) -> Option<u32> {
        match column {
            AttendanceColumn::FirstSingle => self.first_single_pence,
            AttendanceColumn::FirstMulti => self.first_multi_pence,
            AttendanceColumn::FollowUpSingle => self.follow_up_single_pence,
            AttendanceColumn::FollowUpMulti => self.follow_up_multi_pence,
            AttendanceColumn::RemoteFirst => self.remote_first_pence,
            AttendanceColumn::RemoteFollowUp => self.remote_follow_up_pence,
        }
    }
}

impl<C> Encode<C> for AdmittedPrices {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.rows.encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for AdmittedPrices {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        Vec::decode(d, ctx).map(Self::new)
    }
}

impl BookId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        self.0.get(..length).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl FromStr for BookId {
    type Err = BookError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let mut held = [0; 40];
        if text.is_empty() || text.len() > held.len() || !text.bytes().all(good) {
            return Err(BookError::Name);
        }
        held.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte);
        Ok(Self(held))
    }
}

impl fmt::Display for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BookId({self})")
    }
}

impl<C> Encode<C> for BookId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for BookId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}
