//! Patients, and the days of June 2017.

use jiff::civil::{Date, Weekday, date};
use nhs::NhsNumber;

/// The first serial of people with personal health budgets, who are nobody else here.
const BUDGET_HOLDERS: u32 = 900_000;

/// Hands out patients.
#[derive(Debug, Default)]
pub(crate) struct People {
    next: u32,
}

impl People {
    /// Somebody new. After some 800,000 people the first ones come again.
    pub(crate) fn somebody(&mut self) -> NhsNumber {
        loop {
            let serial = self.next % BUDGET_HOLDERS;
            self.next = serial + 1;
            if let Some(number) = NhsNumber::of_test_range(serial) {
                return number;
            }
        }
    }

    /// Somebody among the holders of budgets.
    pub(crate) fn holders() -> impl Iterator<Item = NhsNumber> {
        (BUDGET_HOLDERS..1_000_000).filter_map(NhsNumber::of_test_range)
    }
}

/// The 22 working days of June 2017, which has no bank holiday.
pub(crate) fn working_days() -> Vec<Date> {
    let first = date(2017, 6, 1);
    let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    first.series(jiff::Span::new().days(1)).take(30).filter(|day| !weekend(day)).collect()
}
