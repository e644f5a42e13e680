//! `almoner tariff table`: every price of the shipped lists, for a program that is not ours to compute again.

use anyhow::Context as _;
use nhs::{FinancialYear, OdsCode};
use std::{
    fmt::Write as _,
    io::{self, BufWriter, Write as _},
};
use tariff::{Books, Enquiry, Setting, builtin};

/// The longest stay in the table, in days.
const STAY_MAX: u32 = 200;

/// One line per year, group and setting: `2017-18,BZ34C,day-case,66700 DAY_CASE_WITH_STAY …`, the prices of stays of 0 to 200
/// days in pence, or why there is none.
pub(super) fn run(provider: Option<OdsCode>) -> anyhow::Result<()> {
    let books: Books = builtin::price_books().context("the shipped lists are damaged")?.into_iter().collect();
    let factors = builtin::mff_table().context("the shipped factors are damaged")?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = String::new();
    for start in [2017, 2018] {
        let year = FinancialYear::starting(start)?;
        let (_, prices) = books.admitted(year).context("a year's list is missing")?;
        for row in prices.rows() {
            for setting in Setting::ALL.iter().copied() {
                line.clear();
                write!(line, "{year},{},{setting},", row.hrg)?;
                for length_of_stay_days in 0..=STAY_MAX {
                    let discharge_date = year.last_day();
                    let (hrg, separator) = (row.hrg, if length_of_stay_days == 0 { "" } else { " " });
                    let enquiry = Enquiry { hrg, discharge_date, setting, length_of_stay_days, provider };
                    match tariff::quote(&books, &factors, &enquiry) {
                        Ok(priced) => write!(line, "{separator}{}", priced.price.get())?,
                        Err(unquoted) => write!(line, "{separator}{}", unquoted.reason())?,
                    }
                }
                if writeln!(out, "{line}").is_err() {
                    // A reader that went away is no failure of ours.
                    return Ok(());
                }
            }
        }
    }
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
