//! `almoner audit cutoff`: what lies on either side of a date, and what crosses it.

use super::books::{Books, People, System, amount, dated, day, kind, name, recorded};
use crate::{
    cli::Calling,
    report::{Cell, Format, Kind, Report},
};
use clap::Args;
use jiff::civil::Date;
use journal::Day;
use proto::ledger::v1::Entry;

/// Which date.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    system: System,
    /// The last day before the cut: a month's or year's end
    #[arg(long, value_name = "DATE")]
    date: Date,
    /// How many days on either side
    #[arg(long, default_value_t = 7)]
    days: u16,
    /// Only entries that happened on one side and are accounted for on the other
    #[arg(long)]
    crossing: bool,
    #[command(flatten)]
    format: Format,
}

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
    /// It happened before and is accounted for after: the period before lacks it.
    Late,
    /// It happened after and is accounted for before: the period before has too much.
    Early,
}

impl Side {
    fn of(effective: Day, accounting: Day, last: Day) -> Self {
        match (effective <= last, accounting <= last) {
            (true, true) => Self::Before,
            (false, false) => Self::After,
            (true, false) => Self::Late,
            (false, true) => Self::Early,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Late => "late",
            Self::Early => "early",
        }
    }
}

/// Whether an entry lies within `days` of the cut by either date, or crosses it.
fn listed(effective: Day, accounting: Day, last: Day, days: u16, crossing: bool) -> bool {
    let side = Side::of(effective, accounting, last);
    if matches!(side, Side::Late | Side::Early) {
        return true;
    }
    let days = i32::from(days);
    let near = |day: Day| (last.plus(1 - days)..=last.plus(days)).contains(&day);
    !crossing && (near(effective) || near(accounting))
}

fn dates(entry: &Entry) -> (Day, Day) {
    let effective = entry.posting.as_ref().and_then(|posting| posting.effective_date);
    (day(effective), day(entry.accounting_date))
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, date, days, crossing, format } = options;
    let (books, last) = (Books::of(system, calling)?, Day::from(date));
    // Of no use to a cut-off: holds come and go, no money moves.
    let entries = books.entries().await?;
    let entries: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| entry.posting.as_ref().is_some_and(|posting| !posting.legs.is_empty()))
        .filter(|entry| {
            let (effective, accounting) = dates(entry);
            listed(effective, accounting, last, days, crossing)
        })
        .collect();
    let people = People::of(&books, &entries).await?;
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("side", Words),
        ("kind", Words),
        ("effective", Words),
        ("accounting", Words),
        ("recorded", Words),
        ("preparer", Words),
        ("reference", Words),
        ("amount", Money),
    ]);
    let mut sums = [(Side::Before, 0_i64), (Side::After, 0), (Side::Late, 0), (Side::Early, 0)];
    for entry in &entries {
        let (effective, accounting) = dates(entry);
        let side = Side::of(effective, accounting, last);
        if let Some((_, sum)) = sums.iter_mut().find(|(of, _)| *of == side) {
            *sum = sum.saturating_add(amount(entry));
        }
        let posting = entry.posting.clone().unwrap_or_default();
        report.row([
            Cell::Text(name(entry)),
            Cell::text(side.as_str()),
            Cell::Text(kind(entry)),
            Cell::Text(dated(posting.effective_date)),
            Cell::Text(dated(entry.accounting_date)),
            Cell::Text(recorded(entry)),
            Cell::text(people.behind(entry).preparer.trim_start_matches("urn:almoner:")),
            Cell::Text(posting.reference),
            Cell::Pence(amount(entry)),
        ]);
    }
    report.fact("last day before the cut", Cell::Text(date.to_string()));
    for (side, sum) in sums {
        let name = match side {
            Side::Before => "happened and accounted for before",
            Side::After => "happened and accounted for after",
            Side::Late => "happened before, accounted for after",
            Side::Early => "happened after, accounted for before",
        };
        report.fact(name, Cell::Pence(sum));
    }
    report.print(format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn entries_lie_on_a_side_and_are_listed_near_it() {
        let last = Day::from(date(2017, 6, 30));
        let table = [
            ((6, 24), (6, 30), Side::Before, true, false),
            ((6, 23), (6, 23), Side::Before, false, false),
            ((6, 23), (6, 24), Side::Before, true, false),
            ((7, 1), (7, 7), Side::After, true, false),
            ((7, 8), (7, 8), Side::After, false, false),
            ((6, 1), (7, 20), Side::Late, true, true),
            ((7, 20), (6, 1), Side::Early, true, true),
        ];
        for ((effective_month, effective), (accounting_month, accounting), side, near, crosses) in table {
            let effective = Day::from(date(2017, effective_month, effective));
            let accounting = Day::from(date(2017, accounting_month, accounting));
            assert_eq!(Side::of(effective, accounting, last), side);
            assert_eq!(listed(effective, accounting, last, 7, false), near);
            assert_eq!(listed(effective, accounting, last, 7, true), crosses);
        }
    }
}
