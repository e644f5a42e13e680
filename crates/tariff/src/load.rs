//! Reading price lists and factor tables from CSV: pure functions of bytes that report every bad row at once.
//!
//! The published workbooks, saved as CSV, have traps that are met here: `-` and blank mean *no price*; numbers may be
//! text with thousands commas; headings differ a little between years; titles may stand above the heading.

use crate::{
    AdmittedPrices, AdmittedRow, AttendanceColumn, AttendancePrices, AttendanceRow, BookError, BookId,
    Content, PriceBook,
};
use core::str::FromStr;
use csv::{ByteRecord, ReaderBuilder, Trim};
use money::Pence;
use nhs::{FinancialYear, TreatmentFunction};

/// The largest list that is read: the published ones have 0.4 MB.
pub const LIST_BYTES_MAX: usize = 4 << 20;
/// How far down the heading may stand.
const HEADING_ROWS_MAX: usize = 12;

/// A list cannot be used: every reason, by row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list has {} faults; the first: {}", faults.len(), first(faults))]
pub struct LoadError {
    /// Each fault, in the order of the file; never empty.
    pub faults: Vec<Fault>,
}

/// One fault of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {column}: {problem}")]
pub struct Fault {
    /// The line of the file, from 1; 0 for the file as a whole.
    pub line: u64,
    /// The column concerned, by this crate's name for it.
    pub column: &'static str,
    /// What is wrong.
    pub problem: FaultProblem,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultProblem {
    /// The bytes are not CSV in UTF-8.
    #[error("not readable as CSV in UTF-8")]
    Unreadable,
    /// The list is larger than any published one.
    #[error("the list is larger than {LIST_BYTES_MAX} bytes")]
    TooLarge,
    /// No row looks like the heading.
    #[error("no heading names this column in the first {HEADING_ROWS_MAX} rows")]
    NoColumn,
    /// The heading names a column twice.
    #[error("the heading names this column twice")]
    ColumnTwice,
    /// A code is malformed or unknown.
    #[error("{0}")]
    Code(#[from] nhs::ParseError),
    /// Not an amount.
    #[error("`{0}` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price")]
    Amount(String),
    /// Not a number of days.
    #[error("`{0}` is not a whole number of days, nor `-` for none")]
    Days(String),
    /// Not a factor.
    #[error("{0}")]
    Factor(#[from] money::FactorError),
    /// Not one of the words that the column may hold.
    #[error("`{0}` is not a word that may stand here")]
    Word(String),
    /// The code has a row already.
    #[error("the code has a row already")]
    Twice,
    /// A combined price and a separate one: they exclude each other.
    #[error("a combined price and a separate day case or ordinary price exclude each other")]
    CombinedAndSeparate,
    /// The list as a whole cannot be a price book.
    #[error("{0}")]
    Book(BookError),
}

fn first(faults: &[Fault]) -> String {
    faults.first().map(ToString::to_string).unwrap_or_default()
}

/// What a book is called and where it comes from: what its rows do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title<'a> {
    /// The book's name.
    pub id: BookId,
    /// The financial year whose activity it prices.
    pub financial_year: FinancialYear,
    /// Whether its prices were made for demonstration.
    pub illustrative: bool,
    /// The publication it was taken from.
    pub source: &'a str,
}

const ADMITTED: [&str; 10] = [
    "hrg",
    "name",
    "outpatient_procedure_gbp",
    "combined_daycase_ordinary_elective_gbp",
    "day_case_gbp",
    "ordinary_elective_gbp",
    "elective_trim_days",
    "non_elective_gbp",
    "non_elective_trim_days",
    "per_day_long_stay_gbp",
];

const ATTENDANCE: [&str; 7] = [
    "treatment_function",
    "first_single_gbp",
    "first_multi_gbp",
    "follow_up_single_gbp",
    "follow_up_multi_gbp",
    "remote_first_gbp",
    "remote_follow_up_gbp",
];

/// What every attendance list has: the published ones price nothing that is not face to face.
const ATTENDANCE_NEEDED: &[&str] = ATTENDANCE.split_at(5).0;

/// This crate's name for a column of Annex A, whatever its heading is called this year.
fn admitted_column(heading: &str) -> Option<&'static str> {
    // Longer beginnings stand before the shorter ones that they begin with.
    const BEGINNINGS: [(&str, &str); 10] = [
        ("outpatientprocedure", "outpatient_procedure_gbp"),
        ("combineddaycase", "combined_daycase_ordinary_elective_gbp"),
        ("daycase", "day_case_gbp"),
        ("ordinaryelectivelongstay", "elective_trim_days"),
        ("ordinaryelective", "ordinary_elective_gbp"),
        ("electivetrim", "elective_trim_days"),
        ("nonelectivelongstay", "non_elective_trim_days"),
        ("nonelectivetrim", "non_elective_trim_days"),
        ("nonelective", "non_elective_gbp"),
        ("perdaylongstay", "per_day_long_stay_gbp"),
    ];
    let plain = plain(heading);
    match plain.as_str() {
        "hrg" | "hrgcode" => Some("hrg"),
        "name" | "hrgname" => Some("name"),
        _ => BEGINNINGS.iter().find(|(beginning, _)| plain.starts_with(beginning)).map(|(_, column)| *column),
    }
}

/// This crate's name for a column of an attendance list: its own, or one that names the attendance group that it prices.
/// The letters run the other way round from what one would think: A is follow-up, B is first.
fn attendance_column(heading: &str) -> Option<&'static str> {
    const GROUPS: [(&str, AttendanceColumn); 6] = [
        ("wf01b", AttendanceColumn::FirstSingle),
        ("wf02b", AttendanceColumn::FirstMulti),
        ("wf01a", AttendanceColumn::FollowUpSingle),
        ("wf02a", AttendanceColumn::FollowUpMulti),
        ("wf01d", AttendanceColumn::RemoteFirst),
        ("wf01c", AttendanceColumn::RemoteFollowUp),
    ];
    if let Some(column) = ATTENDANCE.into_iter().find(|column| *column == heading) {
        return Some(column);
    }
    let plain = plain(heading);
    match plain.as_str() {
        "tfc" | "treatmentfunctioncode" => Some("treatment_function"),
        _ => {
            let named = GROUPS.iter().find(|(group, _)| plain.starts_with(group));
            named.map(|(_, column)| column.as_str())
        }
    }
}

/// A heading without what differs from year to year.
fn plain(heading: &str) -> String {
    heading.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The two layouts of a published list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Admitted care and outpatient procedures, by HRG.
    Admitted,
    /// Attendances, by treatment function.
    Attendance,
}

/// How a list was understood: the layout, the line of its heading, and which heading stands for which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The layout.
    pub layout: Layout,
    /// The line of the heading, from 1.
    pub line: u64,
    /// Each column by this crate's name, with the heading as it stands there.
    pub columns: Vec<(&'static str, String)>,
    /// The headings that stand for nothing here.
    pub passed_over: Vec<String>,
}

/// How a list will be read, when it has the heading of one.
#[must_use]
pub fn understand(bytes: &[u8]) -> Option<Understood> {
    let text = core::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    for record in reader.byte_records().take(HEADING_ROWS_MAX) {
        let record = record.ok()?;
        let line = record.position().map_or(0, csv::Position::line);
        for layout in [Layout::Admitted, Layout::Attendance] {
            let (wanted, column_of): (&[_], fn(&str) -> _) = match layout {
                Layout::Admitted => (&ADMITTED, admitted_column),
                Layout::Attendance => (ATTENDANCE_NEEDED, attendance_column),
            };
            let found = heading(&record, column_of);
            if wanted.iter().all(|wanted| found.iter().any(|(name, _)| name == wanted)) {
                return Some(understood(layout, line, &record, &found));
            }
        }
    }
    None
}

fn understood(layout: Layout, line: u64, record: &ByteRecord, found: &[(&'static str, usize)]) -> Understood {
    let text = |index| String::from_utf8_lossy(record.get(index).unwrap_or_default()).into_owned();
    let columns = found.iter().map(|(name, index)| (*name, text(*index))).collect();
    let other = (0..record.len()).filter(|index| !found.iter().any(|(_, at)| at == index)).map(text);
    let passed_over = other.filter(|heading| !heading.is_empty()).collect();
    Understood { layout, line, columns, passed_over }
}

/// Reads an admitted care and outpatient procedure list: the shipped form, or Annex A saved as CSV. Errors name every
/// bad row.
pub fn admitted(title: &Title<'_>, bytes: &[u8]) -> Result<PriceBook, LoadError> {
    let mut rows: Vec<AdmittedRow> = Vec::new();
    read(bytes, &ADMITTED, admitted_column, |row| {
        let parsed = AdmittedRow {
            hrg: row.code("hrg")?,
            name: row.text("name").to_owned(),
            procedure_pence: row.pounds("outpatient_procedure_gbp"),
            combined_pence: row.pounds("combined_daycase_ordinary_elective_gbp"),
            day_case_pence: row.pounds("day_case_gbp"),
            ordinary_pence: row.pounds("ordinary_elective_gbp"),
            elective_trim_days: row.days("elective_trim_days"),
            non_elective_pence: row.pounds("non_elective_gbp"),
            non_elective_trim_days: row.days("non_elective_trim_days"),
            per_day_pence: row.pounds("per_day_long_stay_gbp"),
        };
        if parsed.combined_pence.is_some()
            && (parsed.day_case_pence.is_some() || parsed.ordinary_pence.is_some())
        {
            row.fault("combined_daycase_ordinary_elective_gbp", FaultProblem::CombinedAndSeparate);
        }
        row.once(parsed.hrg.key(), "hrg");
        rows.push(parsed);
        Some(())
    })?;
    rows.sort_unstable_by_key(|row| row.hrg);
    book(title, Content::Admitted(AdmittedPrices::new(rows)))
}

/// Reads an attendance list: the shipped form, or one whose headings begin with the attendance groups (`WF01B First
/// attendance …`); columns for what is not face to face may be missing. A row whose function is `default` prices the functions that have no row. Errors name every
/// bad row.
pub fn attendance(title: &Title<'_>, bytes: &[u8]) -> Result<PriceBook, LoadError> {
    let mut rows: Vec<(TreatmentFunction, AttendanceRow)> = Vec::new();
    let mut default = None;
    read(bytes, ATTENDANCE_NEEDED, attendance_column, |row| {
        let prices = AttendanceRow {
            first_single_pence: row.pounds("first_single_gbp"),
            first_multi_pence: row.pounds("first_multi_gbp"),
            follow_up_single_pence: row.pounds("follow_up_single_gbp"),
            follow_up_multi_pence: row.pounds("follow_up_multi_gbp"),
            remote_first_pence: row.pounds("remote_first_gbp"),
            remote_follow_up_pence: row.pounds("remote_follow_up_gbp"),
        };
        if row.text("treatment_function") == "default" {
            row.once(0, "treatment_function");
            default = Some(prices);
            return Some(());
        }
        let function: TreatmentFunction = row.code("treatment_function")?;
        row.once(u32::from(function.number()), "treatment_function");
        rows.push((function, prices));
        Some(())
    })?;
    rows.sort_unstable_by_key(|row| row.0);
    book(title, Content::Attendance(AttendancePrices::new(default, rows)))
}

fn book(title: &Title<'_>, content: Content) -> Result<PriceBook, LoadError> {
    PriceBook::new(title.id, title.financial_year, title.illustrative, title.source.to_owned(), content)
        .map_err(|error| LoadError {
            faults: vec![Fault { line: 0, column: "list", problem: FaultProblem::Book(error) }],
        })
}

/// One row under its heading. A value that cannot be read is noted and stands as absent; the list is then refused.
pub(crate) struct Row<'a> {
    columns: &'a [(&'static str, usize)],
    record: &'a ByteRecord,
    line: u64,
    seen: &'a mut std::collections::BTreeSet<u32>,
    faults: &'a mut Vec<Fault>,
}

impl Row<'_> {
    /// Notes a fault.
    pub(crate) fn fault(&mut self, column: &'static str, problem: FaultProblem) {
        self.faults.push(Fault { line: self.line, column, problem });
    }

    /// The text of a column; the reader has checked that it is UTF-8.
    pub(crate) fn text(&self, column: &'static str) -> &str {
        let index = self.columns.iter().find(|(name, _)| *name == column).map(|(_, index)| *index);
        let bytes = index.and_then(|index| self.record.get(index)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A code of the vocabulary.
    pub(crate) fn code<T: FromStr<Err = nhs::ParseError>>(&mut self, column: &'static str) -> Option<T> {
        self.text(column).parse().map_err(|error| self.fault(column, FaultProblem::Code(error))).ok()
    }

    /// Notes a fault when `key` has had a row.
    pub(crate) fn once(&mut self, key: u32, column: &'static str) {
        if !self.seen.insert(key) {
            self.fault(column, FaultProblem::Twice);
        }
    }

    /// An amount in pence; blank and `-` are none.
    fn pounds(&mut self, column: &'static str) -> Option<u32> {
        let text = self.text(column);
        if matches!(text, "" | "-") {
            return None;
        }
        let plain = text.strip_prefix('£').unwrap_or(text).replace(',', "");
        let pence = plain.parse::<Pence>().ok().and_then(|amount| u32::try_from(amount.get()).ok());
        if pence.is_none() {
            let problem = FaultProblem::Amount(shorten(text));
            self.fault(column, problem);
        }
        pence
    }

    /// A number of days; blank and `-` are none.
    fn days(&mut self, column: &'static str) -> Option<u16> {
        let text = self.text(column);
        if matches!(text, "" | "-") {
            return None;
        }
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let days = if digits { text.parse().ok() } else { None };
        if days.is_none() {
            let problem = FaultProblem::Days(shorten(text));
            self.fault(column, problem);
        }
        days
    }
}

/// What a message shows of a value.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Finds the heading, then hands over every row under it; blank rows are passed over.
pub(crate) fn read<F>(
    bytes: &[u8],
    wanted: &[&'static str],
    column_of: impl Fn(&str) -> Option<&'static str>,
    mut each: F,
) -> Result<(), LoadError>
where
    F: FnMut(&mut Row<'_>) -> Option<()>,
{
    let whole = |column, problem| LoadError { faults: vec![Fault { line: 0, column, problem }] };
    if bytes.len() > LIST_BYTES_MAX {
        return Err(whole("list", FaultProblem::TooLarge));
    }
    let text = core::str::from_utf8(bytes).map_err(|_| whole("list", FaultProblem::Unreadable))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let key = wanted.first().copied().unwrap_or_default();
    let mut columns: Vec<(&'static str, usize)> = Vec::new();
    let (mut faults, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for (index, record) in reader.byte_records().enumerate() {
        let record = record.map_err(|_| whole("list", FaultProblem::Unreadable))?;
        let line = record.position().map_or(0, csv::Position::line);
        if columns.is_empty() {
            columns = heading(&record, &column_of);
            if !columns.iter().any(|(name, _)| *name == key) {
                columns.clear();
            }
            if columns.is_empty() && index.saturating_add(1) >= HEADING_ROWS_MAX {
                break;
            }
            if !columns.is_empty() {
                check_heading(&columns, wanted, line, &mut faults);
                if !faults.is_empty() {
                    break;
                }
            }
        } else if record.iter().any(|field| !field.is_empty()) {
            let (record, columns) = (&record, columns.as_slice());
            let _ = each(&mut Row { columns, record, line, seen: &mut seen, faults: &mut faults });
        }
    }
    if columns.is_empty() {
        return Err(whole(key, FaultProblem::NoColumn));
    }
    if faults.is_empty() { Ok(()) } else { Err(LoadError { faults }) }
}

fn heading(
    record: &ByteRecord,
    column_of: impl Fn(&str) -> Option<&'static str>,
) -> Vec<(&'static str, usize)> {
    let name = |(index, bytes)| Some((column_of(core::str::from_utf8(bytes).ok()?)?, index));
    record.iter().enumerate().filter_map(name).collect()
}

fn check_heading(
    columns: &[(&'static str, usize)],
    wanted: &[&'static str],
    line: u64,
    faults: &mut Vec<Fault>,
) {
    for column in wanted {
        match columns.iter().filter(|(name, _)| name == column).count() {
            0 => faults.push(Fault { line, column, problem: FaultProblem::NoColumn }),
            1 => {}
            _ => faults.push(Fault { line, column, problem: FaultProblem::ColumnTwice }),
        }
    }
}
