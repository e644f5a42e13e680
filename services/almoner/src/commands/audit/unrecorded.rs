//! `almoner audit unrecorded`: liabilities that were owed at a date and not in the books of that date.
//!
//! What auditors call the search for unrecorded liabilities: payments after the date, and behind each what was bought before it.
//! An entry for service before the date that is accounted for after it was a liability then; what was estimated for its payee at
//! the date stands beside it.

use super::books::{Books, System, dated, kind, name};
use crate::{
    cli::Calling,
    report::{Cell, Format, Kind, Report},
};
use clap::Args;
use jiff::civil::Date;
use journal::Day;
use proto::ledger::v1::{
    self, Entry, GetTrialBalanceRequest, ListEntriesRequest, leg::Window, point_in_time,
};
use std::collections::BTreeMap;

/// Which date.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    system: System,
    /// The year end, or any other day at which liabilities are asked about
    #[arg(long, value_name = "DATE")]
    at: Date,
    /// Also what has not been paid so far
    #[arg(long)]
    unpaid: bool,
    #[command(flatten)]
    format: Format,
}

/// Account and window in words.
type Key = (u64, String);

fn window(key: Option<&v1::WindowKey>) -> String {
    let mut fields = wire::Fields::new();
    let key = key.and_then(|key| wire::ledger::key_from(&mut fields, key));
    key.map(|key| key.to_string()).unwrap_or_default()
}

/// Notes what pays each window: reference and date of the payment's entry.
fn note_payments(entries: &[Entry], paid: &mut BTreeMap<Key, (String, String)>) {
    for entry in entries {
        let Some(posting) = &entry.posting else { continue };
        for leg in &posting.legs {
            if let Some(Window::Pays(key)) = &leg.window {
                let payment = (posting.reference.clone(), dated(posting.effective_date));
                paid.entry((leg.account, window(Some(key)))).or_insert(payment);
            }
        }
    }
}

/// What an entry made payable: account, window, pence (negative when it took away).
fn made_payable(entry: &Entry) -> Vec<(Key, i64)> {
    let legs = entry.posting.iter().flat_map(|posting| &posting.legs).enumerate();
    let adding = legs.filter(|(_, leg)| matches!(leg.window, Some(Window::Adds(_))));
    let of = adding.filter_map(|(index, leg)| {
        let step = entry.windows.iter().find(|step| usize::try_from(step.leg) == Ok(index))?;
        let credit = leg.side() == v1::Side::Credit;
        let pence = if credit { leg.amount_pence } else { leg.amount_pence.saturating_neg() };
        Some(((leg.account, window(step.key.as_ref())), pence))
    });
    of.collect()
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, at, unpaid, format } = options;
    let (books, last) = (Books::of(system, calling)?, Day::from(at));
    let (paths, next) = (books.paths().await?, Some(wire::common::date(last.plus(1).date())));
    let mut paid = BTreeMap::new();
    let after = ListEntriesRequest { effective_from: next, paying_only: true, ..books.all_entries() };
    let mut pages = books.entries(after);
    while let Some(entries) = pages.next().await? {
        note_payments(&entries, &mut paid);
    }
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("entry", Words),
        ("kind", Words),
        ("account", Words),
        ("service", Words),
        ("accounting", Words),
        ("window", Words),
        ("paid by", Words),
        ("paid", Words),
        ("amount", Money),
    ]);
    let (mut sum, mut of_it_paid) = (0_i64, 0_i64);
    let late = ListEntriesRequest {
        effective_to: Some(wire::common::date(at)),
        accounting_from: next,
        money_only: true,
        ..books.all_entries()
    };
    let mut pages = books.entries(late);
    while let Some(entries) = pages.next().await? {
        for entry in &entries {
            let effective = entry.posting.as_ref().and_then(|posting| posting.effective_date);
            for (key, pence) in made_payable(entry) {
                let payment = paid.get(&key);
                if payment.is_none() && !unpaid {
                    continue;
                }
                sum = sum.saturating_add(pence);
                of_it_paid = of_it_paid.saturating_add(if payment.is_some() { pence } else { 0 });
                report.row([
                    Cell::Text(name(entry)),
                    Cell::Text(kind(entry)),
                    Cell::Text(paths.get(&key.0).cloned().unwrap_or_default()),
                    Cell::Text(dated(effective)),
                    Cell::Text(dated(entry.accounting_date)),
                    Cell::Text(key.1),
                    Cell::maybe(payment.map(|(reference, _)| reference.clone())),
                    Cell::maybe(payment.map(|(_, on)| on.clone())),
                    Cell::Pence(pence),
                ]);
            }
        }
        report.page(format)?;
    }
    report.fact("service on or before", Cell::Text(at.to_string()));
    report.fact("accounted for after it", Cell::Pence(sum));
    report.fact("of which paid after it", Cell::Pence(of_it_paid));
    report.fact("estimated at that day", Cell::Pence(estimated(&books, at).await?));
    report.print(format)
}

/// What stood in `owed/estimate` at a day.
async fn estimated(books: &Books, at: Date) -> anyhow::Result<i64> {
    let date = Some(point_in_time::Date::AccountingDate(wire::common::date(at)));
    let at = Some(v1::PointInTime { date, known: None });
    let request = GetTrialBalanceRequest { system: books.system.clone(), at, ..Default::default() };
    let accounts = books.connection.ask(request).await?.accounts;
    let estimates = accounts.iter().filter(|account| account.path.contains("/owed/estimate/"));
    let credits = estimates
        .filter_map(|account| account.totals)
        .map(|totals| totals.credits_pence.saturating_sub(totals.debits_pence));
    Ok(credits.fold(0, i64::saturating_add))
}
