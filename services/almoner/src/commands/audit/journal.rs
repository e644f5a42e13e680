//! `almoner audit journal`: the listing from which an auditor picks journal entries to test.

use super::books::{Books, People, System, amount, dated, day, kind, name, person, recorded};
use crate::{
    cli::Calling,
    commands::ledger::kind_from,
    report::{Cell, Format, Kind, Report},
};
use audit::flags::{EntryFacts, Flag, Thresholds};
use clap::Args;
use jiff::civil::Date;
use journal::Instant;
use money::Pence;
use proto::ledger::v1::{Entry, EntryKind, ListEntriesRequest, Side};
use std::collections::BTreeMap;

/// Which entries, and how they are shown.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    system: System,
    /// Accounted for on this day or later
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Accounted for on this day or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Only entries with this flag; several: with any of them
    #[arg(long, value_name = "FLAG")]
    flag: Vec<Flag>,
    /// Only entries with a leg on this account or below this node, for example 10M or 10M/elective/2017-18/owed
    #[arg(long, value_name = "PATH", conflicts_with = "reference")]
    node: Option<String>,
    /// Only those that bear this reference
    #[arg(long)]
    reference: Option<String>,
    /// Only those of this kind, for example payment-instructed
    #[arg(long, value_parser = kind_from)]
    kind: Option<EntryKind>,
    /// Only those that this caller of the ledger made, for example urn:almoner:person:finance-1
    #[arg(long, value_name = "URN", default_value = "")]
    caller: String,
    /// Only of this amount in pounds or more
    #[arg(long, value_name = "POUNDS")]
    min: Option<Pence>,
    /// Only of this amount in pounds or less
    #[arg(long, value_name = "POUNDS")]
    max: Option<Pence>,
    /// Only those recorded at this instant or later
    #[arg(long, value_name = "INSTANT")]
    recorded_from: Option<Instant>,
    /// Only those recorded before this instant
    #[arg(long, value_name = "INSTANT")]
    recorded_before: Option<Instant>,
    /// Multiples of this many pounds are round sums
    #[arg(long, value_name = "POUNDS", default_value = "1000")]
    round: Pence,
    /// An entry is late when it happened in an earlier month and more than this many days before
    #[arg(long, value_name = "DAYS", default_value_t = Thresholds::default().late_days)]
    late_days: u16,
    /// A row for each leg instead of one for each entry
    #[arg(long)]
    legs: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options {
        system,
        from,
        to,
        flag,
        node,
        reference,
        kind,
        caller,
        min,
        max,
        recorded_from,
        recorded_before,
        round,
        late_days,
        legs,
        format,
    } = options;
    let books = Books::of(system, calling)?;
    let paths = if legs { books.paths().await? } else { BTreeMap::new() };
    let thresholds = Thresholds { round, late_days };
    use proto::ledger::v1::list_entries_request::Of;
    let request = ListEntriesRequest {
        of: node.map(Of::Node).or_else(|| reference.map(Of::Reference)),
        accounting_from: from.map(wire::common::date),
        accounting_to: to.map(wire::common::date),
        amount_pence_min: min.map(Pence::get),
        amount_pence_max: max.map(Pence::get),
        kind: kind.unwrap_or_default().into(),
        caller,
        recorded_from: recorded_from.map(wire::common::timestamp),
        recorded_before: recorded_before.map(wire::common::timestamp),
        ..books.all_entries()
    };
    let mut people = People::of_payments(&books).await?;
    let (mut listing, mut pages) = (Listing::new(legs), books.entries(request));
    while let Some(entries) = pages.next().await? {
        people.meet(&books, &entries).await?;
        for entry in &entries {
            let found = flags(entry, &people, &thresholds);
            if flag.is_empty() || flag.iter().any(|flag| found.contains(flag)) {
                listing.add(entry, &people, &found, &paths);
            }
        }
        listing.looked = listing.looked.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        listing.report.page(format)?;
    }
    listing.finish().print(format)
}

/// What is worth a look in an entry.
fn flags(entry: &Entry, people: &People, thresholds: &Thresholds) -> Vec<Flag> {
    let acted = people.behind(entry);
    // Whoever called the ledger made the entry: a service's entries follow from its own journal.
    let caller = people.caller(entry);
    let preparer = if caller.starts_with("urn:almoner:service:") && acted.approver.is_none() {
        caller
    } else {
        acted.preparer.as_str()
    };
    let posting = entry.posting.as_ref();
    let facts = EntryFacts {
        preparer,
        approver: acted.approver.as_deref(),
        effective_date: day(posting.and_then(|posting| posting.effective_date)),
        accounting_date: day(entry.accounting_date),
        business_date: day(entry.business_date),
        amount: Pence::new(amount(entry)).unwrap_or(Pence::ZERO),
        corrects: posting.is_some_and(|posting| posting.corrects.is_some()),
        reversed: entry.reversed_by.is_some(),
        breach: !entry.breaches.is_empty(),
    };
    facts.flags(thresholds)
}

/// The listing in the making.
struct Listing {
    report: Report,
    legs: bool,
    looked: u64,
    listed: u64,
    sum: i64,
    counts: BTreeMap<Flag, u64>,
}

impl Listing {
    fn new(legs: bool) -> Self {
        use Kind::{Money, Words};
        let mut columns = vec![
            ("entry", Words),
            ("kind", Words),
            ("effective", Words),
            ("accounting", Words),
            ("recorded", Words),
            ("preparer", Words),
            ("approver", Words),
            ("reference", Words),
        ];
        if legs {
            columns.extend([("account", Words), ("debit", Money), ("credit", Money)]);
        } else {
            columns.push(("amount", Money));
        }
        columns.push(("flags", Words));
        Self { report: Report::new(&columns), legs, looked: 0, listed: 0, sum: 0, counts: BTreeMap::new() }
    }

    fn add(&mut self, entry: &Entry, people: &People, flags: &[Flag], paths: &BTreeMap<u64, String>) {
        let posting = entry.posting.clone().unwrap_or_default();
        let acted = people.behind(entry);
        let head = [
            Cell::Text(name(entry)),
            Cell::Text(kind(entry)),
            Cell::Text(dated(posting.effective_date)),
            Cell::Text(dated(entry.accounting_date)),
            Cell::Text(recorded(entry)),
            Cell::Text(person(&acted.preparer)),
            Cell::maybe(acted.approver.as_deref().map(person)),
            Cell::Text(posting.reference.clone()),
        ];
        let flagged = Cell::List(flags.iter().map(ToString::to_string).collect());
        if self.legs {
            for leg in &posting.legs {
                let path = paths.get(&leg.account).cloned().unwrap_or_else(|| leg.account.to_string());
                let amount = Cell::Pence(leg.amount_pence);
                let sides =
                    if leg.side() == Side::Debit { [amount, Cell::Empty] } else { [Cell::Empty, amount] };
                let row = head.clone().into_iter().chain([Cell::Text(path)]).chain(sides);
                self.report.row(row.chain([flagged.clone()]));
            }
        } else {
            self.report.row(head.into_iter().chain([Cell::Pence(amount(entry)), flagged]));
        }
        self.listed = self.listed.saturating_add(1);
        self.sum = self.sum.saturating_add(amount(entry));
        for flag in flags {
            *self.counts.entry(*flag).or_default() += 1;
        }
    }

    fn finish(mut self) -> Report {
        self.report.fact("entries listed", Cell::Count(self.listed));
        self.report.fact("entries looked at", Cell::Count(self.looked));
        self.report.fact("sum of amounts", Cell::Pence(self.sum));
        let counts = self.counts.iter().map(|(flag, count)| format!("{flag}={count}")).collect();
        self.report.fact("flags", Cell::List(counts));
        self.report
    }
}
