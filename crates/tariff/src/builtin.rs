//! The lists that the product is shipped with. `data/README.md` names the source of each.

use crate::{
    MffTable, PriceBook,
    load::{self, Fault, FaultProblem, LoadError, Title},
};
use nhs::FinancialYear;

const NTPS: &str = "NHS Improvement, 2017/18 and 2018/19 National Tariff Payment System, Annex A";
const ILLUSTRATIVE: &str = "Illustrative attendance prices, not the national ones";

static APC_2017_18: &[u8] = include_bytes!("../data/apc_2017-18.csv");
static APC_2018_19: &[u8] = include_bytes!("../data/apc_2018-19.csv");
static ATTENDANCES: &[u8] = include_bytes!("../data/attendances_illustrative.csv");
static MFF: &[u8] = include_bytes!("../data/mff_2017-19.csv");
static NEAREST: &[u8] = include_bytes!("../data/mff_nearest_trust.csv");

/// A shipped list as its file is: what is sent to a registry to be proposed.
#[derive(Debug, Clone)]
pub struct List {
    /// What the list is called and where it comes from.
    pub title: Title<'static>,
    /// Whether it prices attendances, and not admitted care.
    pub is_attendance: bool,
    /// The file.
    pub csv: &'static [u8],
}

impl List {
    /// The list as a book. Errors only if the shipped file was damaged before the build.
    pub fn read(&self) -> Result<PriceBook, LoadError> {
        if self.is_attendance {
            load::attendance(&self.title, self.csv)
        } else {
            load::admitted(&self.title, self.csv)
        }
    }
}

/// The four shipped lists: admitted care and outpatient procedures of 2017/18 and 2018/19, and the illustrative
/// attendance prices under each year. Errors only if a title here is not one.
pub fn lists() -> Result<Vec<List>, LoadError> {
    let list = |id: &str, year: i16, is_attendance, source, csv| {
        let broken = |problem| LoadError { faults: vec![Fault { line: 0, column: "title", problem }] };
        let title = Title {
            id: id.parse().map_err(|error| broken(FaultProblem::Book(error)))?,
            financial_year: FinancialYear::starting(year).map_err(|error| broken(error.into()))?,
            illustrative: is_attendance,
            source,
        };
        Ok(List { title, is_attendance, csv })
    };
    Ok(vec![
        list("ntps-2017-19-apc-2017-18", 2017, false, NTPS, APC_2017_18)?,
        list("ntps-2017-19-apc-2018-19", 2018, false, NTPS, APC_2018_19)?,
        list("illustrative-attendance-2017-18", 2017, true, ILLUSTRATIVE, ATTENDANCES)?,
        list("illustrative-attendance-2018-19", 2018, true, ILLUSTRATIVE, ATTENDANCES)?,
    ])
}

/// The four shipped lists as books. Errors only if the shipped files were damaged before the build.
pub fn price_books() -> Result<Vec<PriceBook>, LoadError> {
    lists()?.iter().map(List::read).collect()
}

/// The shipped market forces factor payment index of 2017/19. Errors only if the shipped files were damaged before the
/// build.
pub fn mff_table() -> Result<MffTable, LoadError> {
    MffTable::load(MFF, NEAREST)
}
