//! What providers claim: the published price with their market forces factor, as any of them can work it out.

use super::{GenerateError, line::Line};
use money::{Factor, Rounding};
use nhs::{AdmissionMethod, AttendedOrDidNotAttend, OdsCode};
use std::collections::BTreeMap;
use tariff::{Activity, Attendance, Books, Mff, Question, Spell};

/// The shipped prices and factors.
pub(crate) struct Claims {
    books: Books,
    factors: BTreeMap<&'static str, Mff>,
}

impl Claims {
    /// From the lists that the product ships with.
    pub(crate) fn shipped() -> Result<Self, GenerateError> {
        let table = tariff::builtin::mff_table()?;
        let trusts = super::mix::PROVIDERS.iter().copied();
        let independents = super::mix::INDEPENDENT_SITES.iter().map(|(_, site, _)| *site);
        let factors = trusts
            .chain(independents)
            .filter_map(|site| Some((site, table.resolve(site.parse::<OdsCode>().ok()?)?)))
            .collect();
        Ok(Self { books: tariff::builtin::price_books()?.into_iter().collect(), factors })
    }

    /// The market forces factor of a site.
    pub(crate) fn factor(&self, site: &str) -> Option<Factor> {
        self.factors.get(site).map(|mff| mff.factor)
    }

    /// The price of a line in pence; none where the lists have none.
    pub(crate) fn price(&self, line: &Line) -> Option<i64> {
        let activity = match line.end {
            Some(end) => Activity::Spell(Spell {
                hrg: line.hrg?,
                classification: line.pod.classification()?,
                admission_method: AdmissionMethod::WaitingList,
                length_of_stay_days: u32::try_from(line.start.until(end).ok()?.get_days()).ok()?,
            }),
            None => {
                let attended = line.attended.unwrap_or(AttendedOrDidNotAttend::Attended);
                let function = line.function.parse().ok()?;
                let attendance = Attendance::at(line.pod, line.first, attended, function, line.hrg);
                Activity::Attendance(attendance.ok()?)
            }
        };
        let question = Question {
            activity,
            date: line.end.unwrap_or(line.start),
            mff: Some(*self.factors.get(line.site)?),
            rounding: Rounding::NearestPenny,
            local_price: None,
            adjustments: tariff::Adjustments::NONE,
        };
        tariff::price(&self.books, &question).ok().map(|priced| priced.price.get())
    }

    /// Days from which each further one of a stay is paid for.
    pub(crate) fn trim_days(&self, line: &Line) -> i32 {
        let prices = self.books.all().iter().find_map(|book| match book.content() {
            tariff::Content::Admitted(prices) => Some(prices),
            tariff::Content::Attendance(_) => None,
        });
        let row = prices.and_then(|prices| prices.get(line.hrg?));
        row.and_then(|row| row.elective_trim_days).map_or(5, i32::from)
    }
}
