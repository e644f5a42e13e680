//! `almoner audit trial-balance`: every account, and the ledger's control accounts against the sub-ledgers behind them.

use super::{
    books::{Books, System},
    past::When,
};
use crate::{
    cli::Calling,
    report::{Cell, Format, Kind, Report},
};
use anyhow::{Context as _, ensure};
use clap::Args;
use proto::{
    ledger::v1::{Account, GetTrialBalanceRequest, ListHoldsRequest, ListWindowsRequest},
    referrals::v1::GetTotalsRequest,
    settlement::v1::{DueKind, ListInstalmentsRequest, instalment, payment::State},
};
use std::collections::BTreeMap;

/// Which books, and when.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    system: System,
    #[command(flatten)]
    when: When,
    /// Show the ties of control accounts to sub-ledgers, as they stand now, instead of the accounts
    #[arg(long)]
    ties: bool,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(options: Options, calling: &Calling) -> anyhow::Result<()> {
    let Options { system, when, ties, format } = options;
    let books = Books::of(system, calling)?;
    let at = when.point()?;
    if ties {
        ensure!(at.is_none(), "sub-ledgers are read as they stand: --ties goes without --on and --known");
        return tied(&books, format).await;
    }
    let request = GetTrialBalanceRequest { system: books.system.clone(), at, ..Default::default() };
    let answer = books.connection.ask(request).await.context("reading the trial balance")?;
    use Kind::{Money, Number, Words};
    let mut report = Report::new(&[
        ("number", Number),
        ("account", Words),
        ("debits", Money),
        ("credits", Money),
        ("debit balance", Money),
        ("credit balance", Money),
        ("open holds", Money),
    ]);
    for account in &answer.accounts {
        let totals = account.totals.unwrap_or_default();
        let net = totals.debits_pence.saturating_sub(totals.credits_pence);
        let held = totals.holds_placed_pence.saturating_sub(totals.holds_ended_pence);
        report.row([
            Cell::Count(account.number),
            Cell::Text(account.path.clone()),
            Cell::Pence(totals.debits_pence),
            Cell::Pence(totals.credits_pence),
            if net > 0 { Cell::Pence(net) } else { Cell::Empty },
            if net < 0 { Cell::Pence(net.saturating_neg()) } else { Cell::Empty },
            Cell::Pence(held),
        ]);
    }
    let sums = answer.sums.unwrap_or_default();
    report.fact("sum of debits", Cell::Pence(sums.debits_pence));
    report.fact("sum of credits", Cell::Pence(sums.credits_pence));
    report.fact("difference", Cell::Pence(answer.difference_pence));
    let position = answer.as_of.and_then(|as_of| as_of.position).unwrap_or_default();
    report.fact("as known at record", Cell::Count(position));
    report.print(format)?;
    ensure!(answer.difference_pence == 0, "debits and credits differ");
    Ok(())
}

/// Sums by (tie, of whom): the ledger's, the sub-ledger's.
#[derive(Default)]
struct Ties(BTreeMap<(&'static str, String), (i64, i64)>);

impl Ties {
    fn ledger(&mut self, tie: &'static str, of: String, pence: i64) {
        let sums = self.0.entry((tie, of)).or_default();
        sums.0 = sums.0.saturating_add(pence);
    }

    fn other(&mut self, tie: &'static str, of: String, pence: i64) {
        let sums = self.0.entry((tie, of)).or_default();
        sums.1 = sums.1.saturating_add(pence);
    }
}

const PAYABLE: &str = "payables by payee: windows less what was paid of them";
const HOLDS: &str = "open holds by account: the list of holds";
const PREPAID: &str = "prepayments by payer: instalments posted less what was earned and recognised";
const TRANSIT: &str = "in transit by line: payments instructed";

/// `<payer>/<payee>` of a payable account.
fn payable(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    let payer = parts.next()?;
    let rest: Vec<&str> = parts.skip(2).collect();
    match rest.as_slice() {
        ["owed", "payable", payee] => Some(format!("{payer} to {payee}")),
        _ => None,
    }
}

async fn tied(books: &Books, format: Format) -> anyhow::Result<()> {
    let mut ties = Ties::default();
    for account in books.trial_balance().await?.accounts {
        control(&mut ties, &account);
    }
    let request = |page| ListWindowsRequest { system: books.system.clone(), page, ..Default::default() };
    for window in books.every(request, |answer| (answer.windows, answer.page)).await? {
        let name = window.name.unwrap_or_default();
        let left = window.total_pence.saturating_sub(window.paid_pence);
        ties.other(PAYABLE, format!("{} to {}", name.payer, name.payee), left);
    }
    let request = |page| ListHoldsRequest { system: books.system.clone(), page, ..Default::default() };
    for hold in books.every(request, |answer| (answer.holds, answer.page)).await? {
        ties.other(HOLDS, hold.account_path, hold.remaining_pence);
    }
    let request = |page| ListInstalmentsRequest { system: books.system.clone(), page, ..Default::default() };
    for due in books.every(request, |answer| (answer.instalments, answer.page)).await? {
        if due.state() != instalment::State::Posted {
            continue;
        }
        let pence = match due.kind() {
            DueKind::OnAccount | DueKind::Block => due.pence,
            DueKind::BlockEarned => due.pence.saturating_neg(),
            DueKind::Unspecified => 0,
        };
        ties.other(PREPAID, due.payer, pence);
    }
    let request = GetTotalsRequest { system: books.system.clone(), ..Default::default() };
    let totals = books.connection.ask(request).await.context("reading what was recognised")?.totals;
    for total in totals.into_iter().filter(|total| total.recognised_pence != 0) {
        ties.other(PREPAID, total.payer, total.recognised_pence.saturating_neg());
    }
    for payment in books.payments().await?.into_values() {
        if matches!(payment.state(), State::Instructed | State::Accepted) {
            ties.other(TRANSIT, payment.line, payment.pence);
        }
    }
    use Kind::{Money, Words};
    let mut report = Report::new(&[
        ("tie", Words),
        ("of", Words),
        ("ledger", Money),
        ("sub-ledger", Money),
        ("difference", Money),
    ]);
    let mut apart = 0_i64;
    for ((tie, of), (ledger, other)) in ties.0 {
        let difference = ledger.saturating_sub(other);
        apart = apart.saturating_add(difference.saturating_abs());
        report.row([
            Cell::text(tie),
            Cell::Text(of),
            Cell::Pence(ledger),
            Cell::Pence(other),
            Cell::Pence(difference),
        ]);
    }
    report.fact("differences in all", Cell::Pence(apart));
    report.print(format)?;
    ensure!(apart == 0, "the ledger and its sub-ledgers differ");
    Ok(())
}

/// Adds a control account to the ledger's side of its tie.
fn control(ties: &mut Ties, account: &Account) {
    let totals = account.totals.unwrap_or_default();
    let credit = totals.credits_pence.saturating_sub(totals.debits_pence);
    if let Some(of) = payable(&account.path) {
        ties.ledger(PAYABLE, of, credit);
    }
    if account.path.contains("/elective/") && account.path.contains("/fund/prepayment/") {
        let payer = account.path.split('/').next().unwrap_or_default();
        ties.ledger(PREPAID, payer.to_owned(), credit.saturating_neg());
    }
    if let Some(line) = account.path.strip_suffix("/out/in-transit") {
        ties.ledger(TRANSIT, line.to_owned(), credit);
    }
    let held = totals.holds_placed_pence.saturating_sub(totals.holds_ended_pence);
    if held != 0 {
        ties.ledger(HOLDS, account.path.clone(), held);
    }
}
