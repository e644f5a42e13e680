//! `almoner audit cutoff`: what lies on either side of a date, and what crosses it.

use super::books::{Books, People, System, amount, dated, kind, name, person, recorded};
use crate::{
    cli::Calling,
    report::{Cell, Format, Kind, Report},
};
use clap::Args;
use jiff::civil::Date;
use journal::Day;
use proto::ledger::v1::{Entry, ListEntriesRequest, list_entries_request};
use std::collections::BTreeMap;

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
    /// Only entries with a leg on this account or below this node
    #[arg(long, value_name = "PATH")]
    node: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// It happened before and is accounted for after: the period before lacks it.
    Late,
    /// It happened after and is accounted for before: the period before has too much.
    Early,
    Before,
    After,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Late => "late",
            Self::Early => "early",
        }
    }
}

/// A range of days; either end may be open.
type Days = (Option<Day>, Option<Day>);

/// What is asked of the books: entries that happened, and are accounted for, in these ranges. Together they hold every entry that
/// crosses the cut, and unless only those are asked for every one that lies within `days` of it by either date, each once.
fn asked(last: Day, days: u16, crossing: bool) -> Vec<(Side, Days, Days)> {
    let days = i32::from(days);
    let (first, next, near, far) =
        (last.plus(1 - days), last.plus(1), last.plus(days), last.plus(days.saturating_add(1)));
    let mut asked = vec![
        (Side::Late, (None, Some(last)), (Some(next), None)),
        (Side::Early, (Some(next), None), (None, Some(last))),
    ];
    if !crossing && days > 0 {
        asked.extend([
            (Side::Before, (None, Some(last)), (Some(first), Some(last))),
            (Side::Before, (Some(first), Some(last)), (None, Some(last.plus(-days)))),
            (Side::After, (Some(next), None), (Some(next), Some(near))),
            (Side::After, (Some(next), Some(near)), (Some(far), None)),
        ]);
    }
    asked
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, date, days, crossing, node, format } = options;
    let (books, last) = (Books::of(system, calling)?, Day::from(date));
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("side", Words),
        ("kind", Words),
        ("effective", Words),
        ("accounting", Words),
        ("recorded", Words),
        ("preparer", Words),
        ("approver", Words),
        ("reference", Words),
        ("amount", Money),
    ]);
    let mut sums =
        BTreeMap::from([Side::Late, Side::Early, Side::Before, Side::After].map(|side| (side, 0_i64)));
    let mut people = People::of_payments(&books).await?;
    for (side, effective, accounting) in asked(last, days, crossing) {
        let date = |day: Option<Day>| day.map(|day| wire::common::date(day.date()));
        let request = ListEntriesRequest {
            of: node.clone().map(list_entries_request::Of::Node),
            effective_from: date(effective.0),
            effective_to: date(effective.1),
            accounting_from: date(accounting.0),
            accounting_to: date(accounting.1),
            // Of no use to a cut-off: holds come and go, no money moves.
            money_only: true,
            ..books.all_entries()
        };
        let mut pages = books.entries(request);
        while let Some(entries) = pages.next().await? {
            people.meet(&books, &entries).await?;
            for entry in &entries {
                let sum = sums.entry(side).or_default();
                *sum = sum.saturating_add(amount(entry));
                report.row(row(entry, side, &people));
            }
            report.page(format)?;
        }
    }
    report.fact("last day before the cut", Cell::Text(date.to_string()));
    for (side, sum) in sums {
        let name = match side {
            Side::Late => "happened before, accounted for after",
            Side::Early => "happened after, accounted for before",
            Side::Before => "happened and accounted for before, of those near",
            Side::After => "happened and accounted for after, of those near",
        };
        report.fact(name, Cell::Pence(sum));
    }
    report.print(format)
}

fn row(entry: &Entry, side: Side, people: &People) -> [Cell; 10] {
    let posting = entry.posting.clone().unwrap_or_default();
    let acted = people.behind(entry);
    [
        Cell::Text(name(entry)),
        Cell::text(side.as_str()),
        Cell::Text(kind(entry)),
        Cell::Text(dated(posting.effective_date)),
        Cell::Text(dated(entry.accounting_date)),
        Cell::Text(recorded(entry)),
        Cell::Text(person(&acted.preparer)),
        Cell::maybe(acted.approver.as_deref().map(person)),
        Cell::Text(posting.reference),
        Cell::Pence(amount(entry)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn within(day: Day, (first, last): Days) -> bool {
        first.is_none_or(|first| first <= day) && last.is_none_or(|last| day <= last)
    }

    /// Every pair of days around a cut is asked for once or not at all, as it lies.
    #[test]
    fn what_lies_near_the_cut_or_crosses_it_is_asked_for_once() {
        let last = Day::from(date(2017, 6, 30));
        for (days, crossing) in [(7, false), (1, false), (0, false), (7, true)] {
            for (effective, accounting) in (-10..12).flat_map(|e| (-10..12).map(move |a| (e, a))) {
                let (happened, accounted) = (last.plus(effective), last.plus(accounting));
                let found: Vec<Side> = asked(last, days, crossing)
                    .into_iter()
                    .filter(|(_, e, a)| within(happened, *e) && within(accounted, *a))
                    .map(|(side, ..)| side)
                    .collect();
                let near = |day: i32| (1 - i32::from(days)..=i32::from(days)).contains(&day);
                let expected = match (effective <= 0, accounting <= 0) {
                    (true, false) => vec![Side::Late],
                    (false, true) => vec![Side::Early],
                    _ if crossing || !(near(effective) || near(accounting)) => vec![],
                    (true, true) => vec![Side::Before],
                    (false, false) => vec![Side::After],
                };
                assert_eq!(found, expected, "{days} {crossing}: {effective} {accounting}");
            }
        }
    }
}
